// SPDX-License-Identifier: MIT
#include "ops/linear.h"

#include <cstring>

#include "kernels/dispatch.h"
#include "numeric/bf16.h"

namespace fathom {
namespace {

// Weight rows per unit of the split: 16 f32 outputs fill a cache line, so workers do not share one.
constexpr int64_t kSplitRows = 16;

int64_t weight_bytes(const WeightView& w) noexcept {
  switch (w.format) {
    case WeightFormat::kF32: return w.rows * w.cols * 4;
    case WeightFormat::kBf16: return w.rows * w.cols * 2;
    case WeightFormat::kFp8E4m3: return w.rows * w.cols;
    case WeightFormat::kFp4E2m1: return w.rows * w.cols / 2;
  }
  return 0;
}

}  // namespace

StageWork linear_work(const LinearJob& job) noexcept {
  return StageWork::of(weight_bytes(*job.w), job.w->rows * job.w->cols * job.x.rows);
}

void linear_rows(const LinearJob& job, int64_t row_begin, int64_t row_end) noexcept {
  FATHOM_DCHECK(job.x.cols == job.w->cols && job.y.cols == job.w->rows && job.x.rows == job.y.rows);
  if (row_begin >= row_end || job.x.rows == 0) return;
  const LinearArgs args{.x = job.x.data,
                        .x_stride = job.x.stride,
                        .m = job.x.rows,
                        .w = *job.w,
                        .row_begin = row_begin,
                        .row_end = row_end,
                        .y = job.y.data,
                        .y_stride = job.y.stride,
                        .x_precision = job.x_precision};
  const LinearKernels& k = *kernels().linear;
  switch (job.w->format) {
    case WeightFormat::kF32: k.f32(args); return;
    case WeightFormat::kBf16: k.bf16(args); return;
    case WeightFormat::kFp8E4m3: k.fp8(args); return;
    case WeightFormat::kFp4E2m1: k.fp4(args); return;
  }
}

void linear(ThreadPool& pool, std::span<const LinearJob> jobs) noexcept {
  StageWork work;
  for (const LinearJob& job : jobs) work.nanoseconds += linear_work(job).nanoseconds;
  pool.run(work, [&](int worker) {
    for (const LinearJob& job : jobs) {
      const PartRange part = part_range(job.w->rows, worker, pool.size(), kSplitRows);
      linear_rows(job, part.begin, part.end);
    }
  });
}

void weight_row(const WeightView& w, int64_t row, std::span<float> out) noexcept {
  FATHOM_DCHECK(static_cast<int64_t>(out.size()) == w.cols && row >= 0 && row < w.rows);
  if (w.format == WeightFormat::kF32) {
    std::memcpy(out.data(), static_cast<const float*>(w.data) + row * w.cols, out.size_bytes());
    return;
  }
  FATHOM_CHECK(w.format == WeightFormat::kBf16);
  const auto* codes = static_cast<const uint16_t*>(w.data) + row * w.cols;
  for (size_t i = 0; i < out.size(); ++i) out[i] = bf16_to_float(codes[i]);
}

}  // namespace fathom
