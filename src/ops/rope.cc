// SPDX-License-Identifier: MIT
#include "ops/rope.h"

#include "base/check.h"
#include "numeric/math.h"

namespace fathom {

void RotaryEmbedding::angles(int64_t position, std::span<float> cos, std::span<float> sin) const noexcept {
  for (size_t i = 0; i < frequencies_.size(); ++i) {
    sincos_f32_angle(rope_angle(position, frequencies_[i]), &sin[i], &cos[i]);
  }
}

void rotate(std::span<float> x, RotaryAngles angles) noexcept {
  FATHOM_DCHECK(2 * angles.cos.size() <= x.size());
  float* pair = x.data() + x.size() - 2 * angles.cos.size();
  for (size_t i = 0; i < angles.cos.size(); ++i, pair += 2) {
    const float a = pair[0];
    const float b = pair[1];
    pair[0] = a * angles.cos[i] - b * angles.sin[i];
    pair[1] = a * angles.sin[i] + b * angles.cos[i];
  }
}

void rotate_back(std::span<float> x, RotaryAngles angles) noexcept {
  FATHOM_DCHECK(2 * angles.cos.size() <= x.size());
  float* pair = x.data() + x.size() - 2 * angles.cos.size();
  for (size_t i = 0; i < angles.cos.size(); ++i, pair += 2) {
    const float a = pair[0];
    const float b = pair[1];
    pair[0] = a * angles.cos[i] + b * angles.sin[i];
    pair[1] = b * angles.cos[i] - a * angles.sin[i];
  }
}

}  // namespace fathom
