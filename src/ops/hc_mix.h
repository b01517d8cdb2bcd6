// SPDX-License-Identifier: MIT
// Mixing weights of the hyper-connections and the streams they mix (architecture.md 2; mHC, arXiv
// 2512.24880).
//
// Everything is float32 in a fixed order. Nothing allocates.
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

// Weights between the n residual streams of one token: X'_dst += at(src, dst) * X_src. A borrowed n x n
// matrix.
template <typename T>
class StreamMix {
 public:
  StreamMix(T* values, int n) noexcept : values_(values), n_(n) {}
  int n() const noexcept { return n_; }
  T& at(int src, int dst) noexcept { return values_[src * n_ + dst]; }

 private:
  T* values_;  // [n, n], row = source
  int n_;
};

// Turns logits into a nearly doubly stochastic matrix, in place. The order of the steps is part of the
// trained model: softmax over each source's row plus eps, columns, then iters - 1 times rows and columns;
// every divisor plus eps. Requires finite logits and iters >= 1.
void sinkhorn(StreamMix<float> mix, int iters, float eps) noexcept;

// Largest number of streams; validated in the config.
inline constexpr int kMaxHcStreams = 16;

// The three parts of one token's mixing weights.
struct HcMix {
  std::span<float> pre;   // A [n]
  std::span<float> post;  // C [n]
  std::span<float> comb;  // B [n, n], row = source
};

struct HcSettings {
  int streams = 0;  // n
  int sinkhorn_iters = 0;
  float hc_eps = 0.0F;
};

//   logits  [(2+n)n]  W_fn x~ already times rsqrt(mean(x~^2) + eps): n pre, n post, comb row-major
//   scale   [3]       base [(2+n)n]
void hc_mix(std::span<const float> logits, std::span<const float> scale, std::span<const float> base,
            const HcSettings& settings, HcMix out) noexcept;

// The head's weights: out_j = sigmoid(logits_j * scale + base_j) + hc_eps, all [n].
void hc_head_mix(std::span<const float> logits, float scale, std::span<const float> base, float hc_eps,
                 std::span<float> out) noexcept;

// out [D] = sum over j of weights[j] * streams_j; streams [n, D] contiguous.
void hc_collapse(std::span<const float> streams, std::span<const float> weights,
                 std::span<float> out) noexcept;
// streams_k = post[k] * y + sum over j of comb[j, k] * streams_j, in place.
void hc_expand(std::span<const float> y, std::span<const float> post, std::span<const float> comb,
               std::span<float> streams) noexcept;

}  // namespace fathom
