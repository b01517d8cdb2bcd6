// SPDX-License-Identifier: MIT
#include "ops/hc_mix.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/dispatch.h"
#include "numeric/math.h"

namespace fathom {

static_assert(kMaxHcStreams <= kMaxStreams);

namespace {

void softmax_each_src(StreamMix<float> mix) noexcept {
  for (int src = 0; src < mix.n(); ++src) {
    float top = mix.at(src, 0);
    for (int dst = 1; dst < mix.n(); ++dst) top = std::max(top, mix.at(src, dst));
    float sum = 0.0F;
    for (int dst = 0; dst < mix.n(); ++dst) {
      mix.at(src, dst) = exp_f32(mix.at(src, dst) - top);
      sum += mix.at(src, dst);
    }
    for (int dst = 0; dst < mix.n(); ++dst) mix.at(src, dst) /= sum;
  }
}

void add_to_all(StreamMix<float> mix, float eps) noexcept {
  for (int src = 0; src < mix.n(); ++src) {
    for (int dst = 0; dst < mix.n(); ++dst) mix.at(src, dst) += eps;
  }
}

void normalize_each_src(StreamMix<float> mix, float eps) noexcept {
  for (int src = 0; src < mix.n(); ++src) {
    float sum = 0.0F;
    for (int dst = 0; dst < mix.n(); ++dst) sum += mix.at(src, dst);
    const float divisor = sum + eps;
    for (int dst = 0; dst < mix.n(); ++dst) mix.at(src, dst) /= divisor;
  }
}

void normalize_each_dst(StreamMix<float> mix, float eps) noexcept {
  for (int dst = 0; dst < mix.n(); ++dst) {
    float sum = 0.0F;
    for (int src = 0; src < mix.n(); ++src) sum += mix.at(src, dst);
    const float divisor = sum + eps;
    for (int src = 0; src < mix.n(); ++src) mix.at(src, dst) /= divisor;
  }
}

}  // namespace

void sinkhorn(StreamMix<float> mix, int iters, float eps) noexcept {
  softmax_each_src(mix);
  add_to_all(mix, eps);
  normalize_each_dst(mix, eps);
  for (int i = 1; i < iters; ++i) {
    normalize_each_src(mix, eps);
    normalize_each_dst(mix, eps);
  }
}

void hc_mix(std::span<const float> logits, std::span<const float> scale, std::span<const float> base,
            const HcSettings& settings, HcMix out) noexcept {
  const int n = settings.streams;
  FATHOM_DCHECK(static_cast<int>(logits.size()) == (2 + n) * n && scale.size() == 3);
  for (int j = 0; j < n; ++j) {
    out.pre[j] = sigmoid_f32(logits[j] * scale[0] + base[j]) + settings.hc_eps;
    out.post[j] = 2.0F * sigmoid_f32(logits[n + j] * scale[1] + base[n + j]);
  }
  for (int i = 0; i < n * n; ++i) out.comb[i] = logits[2 * n + i] * scale[2] + base[2 * n + i];
  sinkhorn(StreamMix<float>(out.comb.data(), n), settings.sinkhorn_iters, settings.hc_eps);
}

void hc_head_mix(std::span<const float> logits, float scale, std::span<const float> base, float hc_eps,
                 std::span<float> out) noexcept {
  for (size_t j = 0; j < logits.size(); ++j) out[j] = sigmoid_f32(logits[j] * scale + base[j]) + hc_eps;
}

void hc_collapse(std::span<const float> streams, std::span<const float> weights,
                 std::span<float> out) noexcept {
  FATHOM_DCHECK(streams.size() == weights.size() * out.size());
  kernels().row->hc_collapse(streams.data(), weights.data(), static_cast<int64_t>(weights.size()),
                             static_cast<int64_t>(out.size()), out.data());
}

void hc_expand(std::span<const float> y, std::span<const float> post, std::span<const float> comb,
               std::span<float> streams) noexcept {
  FATHOM_DCHECK(streams.size() == post.size() * y.size());
  kernels().row->hc_expand(y.data(), post.data(), comb.data(), static_cast<int64_t>(post.size()),
                           static_cast<int64_t>(y.size()), streams.data());
}

}  // namespace fathom
