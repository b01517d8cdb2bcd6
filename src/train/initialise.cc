// SPDX-License-Identifier: MIT
#include "train/initialise.h"

#include <algorithm>
#include <cmath>
#include <string_view>

#include "base/counter_rng.h"
#include "numeric/math.h"

namespace fathom {
namespace {

// FNV-1a: any hash that never changes would do.
uint64_t name_seed(uint64_t seed, std::string_view name) noexcept {
  uint64_t hash = 0xcbf29ce484222325U;
  for (const char c : name) hash = (hash ^ static_cast<uint8_t>(c)) * 0x100000001b3U;
  return mix_bits(seed ^ hash);
}

// Standard normal by Box-Muller, a function of (seed, counter).
double random_normal(uint64_t seed, uint64_t counter) noexcept {
  const double u = 1.0 - random_uniform(seed, 2 * counter);  // never 0
  const double v = random_uniform(seed, 2 * counter + 1);
  float sin = 0.0F;
  float cos = 0.0F;
  sincos_f32_angle(static_cast<float>(6.283185307179586 * v), &sin, &cos);
  return std::sqrt(-2.0 * log_f64(u)) * static_cast<double>(cos);
}

void fill_normal(Parameter& p, uint64_t seed, double deviation) noexcept {
  const uint64_t own = name_seed(seed, p.name);
  for (int64_t i = 0; i < p.size(); ++i) {
    p.master.data()[i] = static_cast<float>(deviation * random_normal(own, static_cast<uint64_t>(i)));
  }
}

void fill(Parameter& p, float value) noexcept { std::fill_n(p.master.data(), p.size(), value); }

// pre -1 except +1 on stream 0; post 0; comb 0 on the diagonal, -8 elsewhere: near identity.
void fill_hc_base(Parameter& p, int n) noexcept {
  fill(p, 0.0F);
  float* base = p.master.data();
  for (int j = 0; j < n; ++j) base[j] = j == 0 ? 1.0F : -1.0F;
  for (int j = 0; j < n; ++j) {
    for (int k = 0; k < n; ++k) base[2 * n + j * n + k] = j == k ? 0.0F : -8.0F;
  }
}

// 0.02 up to a width of 512, then its inverse root.
double matrix_deviation(const ModelConfig& config) noexcept {
  return config.hidden_size <= 512 ? 0.02 : std::min(0.02, 1.0 / std::sqrt(config.hidden_size));
}

bool ends_with(const Parameter& p, std::string_view end) noexcept {
  return std::string_view(p.name).ends_with(end);
}

void initialise_one(const ModelConfig& config, uint64_t seed, Parameter& p) noexcept {
  const bool head = p.name.find("hc_head") != std::string::npos;
  if (p.name.ends_with("norm.weight")) return fill(p, 1.0F);
  if (ends_with(p, "_fn")) return fill_normal(p, seed, 0.02);
  if (ends_with(p, "_scale")) return fill(p, 0.01F);
  if (ends_with(p, "_base")) return head ? fill(p, 0.0F) : fill_hc_base(p, config.hc_mult);
  if (p.update == Update::kMuon || p.update == Update::kAdamWDecayed) {
    return fill_normal(p, seed, matrix_deviation(config));
  }
  fill(p, 0.0F);  // attn_sink, ape, gate.bias
}

}  // namespace

void initialise(const ModelConfig& config, uint64_t seed, ParameterSet& set) noexcept {
  for (Parameter& p : set.parameters) initialise_one(config, seed, p);
  set.refresh_shadows();
}

}  // namespace fathom
