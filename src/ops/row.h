// SPDX-License-Identifier: MIT
// Sums of rows.
#pragma once

#include <span>

namespace fathom {

// y += x, both [n].
void add_row(std::span<const float> x, std::span<float> y) noexcept;

}  // namespace fathom
