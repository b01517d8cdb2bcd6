// SPDX-License-Identifier: MIT
// Bound product weights -> plain numbers for the reference (design.md 15; architecture.md 9). Every element
// becomes one T, so this is for checkpoints that fit memory in that form.
//
// Pure functions, any thread.
#pragma once

#include "numeric/weight_view.h"
#include "reference/weights.h"
#include "weights/model_weights.h"

namespace fathom {

// [rows, cols] element times its block's scale; exact for T of float or wider.
template <typename T>
reference::Matrix<T> dequantize(const WeightView& view);

// A copy of all weights; requires views that bind_model has proven.
template <typename T>
reference::Weights<T> to_reference(const ModelWeights& weights);

}  // namespace fathom
