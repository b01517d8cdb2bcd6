// SPDX-License-Identifier: MIT
// A weight of any stored format as f32, exactly (architecture.md 9). Pure function; any thread.
#pragma once

#include "base/view.h"
#include "numeric/weight_view.h"

namespace fathom {

// out [w.rows, w.cols].
void dequantise(const WeightView& w, MatView<float> out) noexcept;

}  // namespace fathom
