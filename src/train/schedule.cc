// SPDX-License-Identifier: MIT
#include "train/schedule.h"

#include "numeric/math.h"

namespace fathom {
namespace {

constexpr float kPi = 3.14159265F;

// Half a turn of the cosine, 1 at 0 and 0 at 1.
double cosine_share(double at) noexcept {
  float sin = 0.0F;
  float cos = 0.0F;
  sincos_f32_angle(kPi * static_cast<float>(at), &sin, &cos);
  return 0.5 * (1.0 + static_cast<double>(cos));
}

}  // namespace

double LearningRate::at(int64_t step) const noexcept {
  if (step < warmup) return peak * static_cast<double>(step) / static_cast<double>(warmup);
  if (step <= decay_start) return peak;
  if (step >= decay_end) return last;
  const double share = static_cast<double>(step - decay_start) / static_cast<double>(decay_end - decay_start);
  return last + (peak - last) * cosine_share(share);
}

}  // namespace fathom
