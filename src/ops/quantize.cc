// SPDX-License-Identifier: MIT
#include "ops/quantize.h"

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {
namespace {

constexpr int64_t kActivationBlock = 128;
constexpr int64_t kKvBlock = 64;

}  // namespace

void quantize_activations(std::span<const float> x, std::span<float> out) noexcept {
  FATHOM_DCHECK(x.size() == out.size());
  kernels().row->fp8_round_trip(x.data(), static_cast<int64_t>(x.size()), kActivationBlock, out.data());
}

void quantize_kv(std::span<float> row, int64_t nope_dim) noexcept {
  FATHOM_DCHECK(nope_dim <= static_cast<int64_t>(row.size()));
  kernels().row->fp8_round_trip(row.data(), nope_dim, kKvBlock, row.data());
}

void quantize_index(std::span<float> row) noexcept {
  const auto n = static_cast<int64_t>(row.size());
  kernels().row->hadamard(row.data(), n);
  kernels().row->fp4_round_trip(row.data(), n, row.data());
}

}  // namespace fathom
