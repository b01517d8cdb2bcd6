// SPDX-License-Identifier: MIT
#include "reference/rope.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "base/check.h"
#include "reference/number.h"

namespace fathom::reference {
namespace {

// (a, b) -> (a cos - b sin, a sin + b cos); sign -1 turns the other way.
template <typename T>
void turn(std::span<T> channels, std::span<const float> angles, double sign) {
  FATHOM_CHECK(channels.size() >= 2 * angles.size());
  const std::span<T> rotary = channels.last(2 * angles.size());
  for (size_t pair = 0; pair < angles.size(); ++pair) {
    const double angle = angles[pair];
    const T cosine = T(Real<T>(std::cos(angle)));
    const T sine = T(Real<T>(sign * std::sin(angle)));
    const T a = rotary[2 * pair];
    const T b = rotary[2 * pair + 1];
    rotary[2 * pair] = a * cosine - b * sine;
    rotary[2 * pair + 1] = a * sine + b * cosine;
  }
}

}  // namespace

YarnRamp yarn_ramp(const RopeConfig& rope, int rope_dim) {
  const auto dim = [&](double beta) {
    const double turns = rope.original_max_position_embeddings / (2.0 * std::numbers::pi * beta);
    return rope_dim * std::log(turns) / (2.0 * std::log(rope.theta));
  };
  const double last = rope_dim - 1;
  return {.low = std::clamp(std::floor(dim(rope.beta_fast)), 0.0, last),
          .high = std::clamp(std::ceil(dim(rope.beta_slow)), 0.0, last)};
}

std::vector<double> rope_frequencies(const RopeConfig& rope, int rope_dim) {
  std::vector<double> freqs;
  for (int i = 0; i < rope_dim / 2; ++i) freqs.push_back(std::pow(rope.theta, -2.0 * i / rope_dim));
  if (!rope.yarn) return freqs;
  const YarnRamp range = yarn_ramp(rope, rope_dim);
  const double width = range.low == range.high ? 0.001 : range.high - range.low;
  for (int i = 0; i < rope_dim / 2; ++i) {
    const double ramp = std::clamp((i - range.low) / width, 0.0, 1.0);
    freqs[i] = freqs[i] / rope.factor * ramp + freqs[i] * (1.0 - ramp);
  }
  return freqs;
}

std::vector<float> rope_angles(const RopeConfig& rope, int rope_dim, int64_t position) {
  std::vector<float> angles;
  for (const double freq : rope_frequencies(rope, rope_dim)) {
    angles.push_back(static_cast<float>(position) * static_cast<float>(freq));
  }
  return angles;
}

template <typename T>
void rotate(std::span<T> channels, std::span<const float> angles) {
  turn(channels, angles, 1.0);
}

template <typename T>
void rotate_back(std::span<T> channels, std::span<const float> angles) {
  turn(channels, angles, -1.0);
}

template void rotate(std::span<float>, std::span<const float>);
template void rotate(std::span<double>, std::span<const float>);
template void rotate(std::span<Complex>, std::span<const float>);
template void rotate_back(std::span<float>, std::span<const float>);
template void rotate_back(std::span<double>, std::span<const float>);
template void rotate_back(std::span<Complex>, std::span<const float>);

}  // namespace fathom::reference
