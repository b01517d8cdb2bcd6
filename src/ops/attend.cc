// SPDX-License-Identifier: MIT
#include "ops/attend.h"

#include <algorithm>

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {

static_assert(kAttendBlock <= kAttendRows);

void attend_begin(AttendState state, std::span<const float> attn_sink) noexcept {
  std::copy(attn_sink.begin(), attn_sink.end(), state.running_max.begin());
  std::fill(state.running_sum.begin(), state.running_sum.end(), 1.0F);
  std::fill(state.out.begin(), state.out.end(), 0.0F);
}

void attend_rows(AttendState state, std::span<const float* const> rows) noexcept {
  if (rows.empty()) return;
  const auto heads = static_cast<int64_t>(state.running_max.size());
  kernels().attention->attend({.q = state.q.data(),
                               .heads = heads,
                               .dim = static_cast<int64_t>(state.q.size()) / heads,
                               .rows = rows.data(),
                               .count = static_cast<int64_t>(rows.size()),
                               .scale = state.scale,
                               .running_max = state.running_max.data(),
                               .running_sum = state.running_sum.data(),
                               .out = state.out.data()});
}

void attend_finish(AttendState state) noexcept {
  const size_t heads = state.running_max.size();
  const size_t dim = state.out.size() / heads;
  for (size_t h = 0; h < heads; ++h) {
    float* out = state.out.data() + h * dim;
    kernels().row->scale(out, 1.0F / state.running_sum[h], static_cast<int64_t>(dim), out);
  }
}

void pool_rows(std::span<const float* const> c_rows, std::span<const float* const> z_rows,
               std::span<float> out) noexcept {
  FATHOM_DCHECK(!c_rows.empty() && c_rows.size() == z_rows.size());
  kernels().attention->pool(c_rows.data(), z_rows.data(), static_cast<int64_t>(c_rows.size()),
                            static_cast<int64_t>(out.size()), out.data());
}

}  // namespace fathom
