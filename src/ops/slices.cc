// SPDX-License-Identifier: MIT
#include "ops/slices.h"

namespace fathom {

void add_slices(MatView<const float> partials, std::span<float> out) noexcept {
  for (int64_t slice = 0; slice < partials.rows; ++slice) {
    const float* row = partials.row(slice);
    for (size_t i = 0; i < out.size(); ++i) out[i] += row[i];
  }
}

}  // namespace fathom
