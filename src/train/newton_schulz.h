// SPDX-License-Identifier: MIT
// Orthogonalisation by the hybrid Newton-Schulz iteration of Muon (training.md 4; V4 Algorithm 1): 8 steps
// that lift small singular values, 2 that settle all of them near 1.
#pragma once

#include "base/buffer.h"
#include "base/view.h"

namespace fathom {

// Memory for matrices up to a size; one worker's.
class NewtonSchulz {
 public:
  static Result<NewtonSchulz> create(int64_t max_elements, int64_t max_small_side);

  // x [n, m] <- its orthogonalisation; a zero matrix stays zero. Requires a size within those of create.
  void orthogonalise(MatView<float> x) noexcept;

 private:
  MatBuf<float> tall_;     // the matrix with its long side as rows
  MatBuf<float> next_;     // the same size
  MatBuf<float> gram_;     // [small, small]
  MatBuf<float> product_;  // [small, small]
};

}  // namespace fathom
