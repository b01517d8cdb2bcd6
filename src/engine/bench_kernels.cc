// SPDX-License-Identifier: MIT
#include "engine/bench_kernels.h"

#include <algorithm>
#include <chrono>
#include <cstdio>

#include "base/concat.h"
#include "base/counter_rng.h"
#include "base/cpu_cache.h"
#include "engine/step_cost.h"
#include "ops/linear.h"
#include "ops/quantize.h"

namespace fathom {
namespace {

using SteadyClock = std::chrono::steady_clock;

constexpr int64_t kCols = 4096;  // V4-Flash's hidden size

// What makes random bits codes of ordinary numbers: never NaN, infinite or, in bf16, too small for a normal
// float.
struct CodeMask {
  uint64_t keep = ~uint64_t{0};
  uint64_t set = 0;
};
CodeMask code_mask(WeightFormat format) noexcept {
  if (format == WeightFormat::kFp8E4m3) return {.keep = 0xbfbfbfbfbfbfbfbfU};
  if (format == WeightFormat::kBf16) return {.keep = 0x83ff83ff83ff83ffU, .set = 0x3c003c003c003c00U};
  return {};
}

struct Matrix {
  std::string name;
  WeightView view;
  MatBuf<uint8_t> data;
  MatBuf<uint8_t> scales;
};

// Random codes without NaN or infinity, scales near those of a trained matrix.
Result<std::shared_ptr<const Matrix>> make_matrix(WeightFormat format, int64_t bytes, ThreadPool& pool) {
  auto matrix = std::make_shared<Matrix>();
  const int64_t rows = std::max<int64_t>(128, bytes / matrix_bytes(format, 128, kCols) * 128);
  const int64_t scale_bytes =
      format == WeightFormat::kFp4E2m1 ? rows * kCols / 32 : rows / 128 * (kCols / 128);
  const int64_t data_bytes =
      matrix_bytes(format, rows, kCols) - (format == WeightFormat::kBf16 ? 0 : scale_bytes);
  FATHOM_ASSIGN_OR_RETURN(matrix->data, MatBuf<uint8_t>::allocate(rows, data_bytes / rows));
  FATHOM_ASSIGN_OR_RETURN(matrix->scales, MatBuf<uint8_t>::allocate(1, scale_bytes));
  std::fill_n(matrix->scales.data(), scale_bytes, uint8_t{127 - 12});
  const CodeMask mask = code_mask(format);
  pool.run([&](int worker) {
    const PartRange part = part_range(rows, worker, pool.size());
    for (int64_t row = part.begin; row < part.end; ++row) {
      auto* words = reinterpret_cast<uint64_t*>(matrix->data.data() + row * matrix->data.cols());
      for (int64_t i = 0; i < data_bytes / rows / 8; ++i)
        words[i] = (random_bits(static_cast<uint64_t>(row), static_cast<uint64_t>(i)) & mask.keep) | mask.set;
    }
  });
  matrix->view = {.format = format,
                  .block = {},
                  .data = matrix->data.data(),
                  .scales = format == WeightFormat::kBf16 ? nullptr : matrix->scales.data(),
                  .rows = rows,
                  .cols = kCols};
  if (format == WeightFormat::kFp8E4m3) matrix->view.block = {128, 128};
  if (format == WeightFormat::kFp4E2m1) matrix->view.block = {1, 32};
  return std::shared_ptr<const Matrix>(std::move(matrix));
}

class KernelCase : public BenchCase {
 public:
  KernelCase(std::string format, std::shared_ptr<const Matrix> matrix, double seconds, ThreadPool& pool)
      : format_(std::move(format)), matrix_(std::move(matrix)), least_seconds_(seconds), pool_(pool) {}

  // Buffers for m rows.
  Status prepare(int64_t m) {
    FATHOM_ASSIGN_OR_RETURN(x_, MatBuf<float>::allocate(m, kCols));
    FATHOM_ASSIGN_OR_RETURN(y_, MatBuf<float>::allocate(m, matrix_->view.rows));
    for (int64_t i = 0; i < m * kCols; ++i)
      x_.data()[i] = static_cast<float>(random_uniform(7, static_cast<uint64_t>(i)) - 0.5);
    if (matrix_->view.quantizes_activations()) {
      for (int64_t row = 0; row < m; ++row)
        quantize_activations(x_.view().row_span(row), x_.view().row_span(row));
    }
    return Status();
  }

  std::string name() const override { return concat(format_, " matrix M=", x_.rows()); }

  Result<BenchSample> measure() override {
    const WeightView& w = matrix_->view;
    const auto start = SteadyClock::now();
    double elapsed = 0.0;
    int64_t runs = 0;
    do {
      linear(pool_, {.x = x_.view(), .w = &w, .y = y_.view()});
      ++runs;
      elapsed = std::chrono::duration<double>(SteadyClock::now() - start).count();
    } while (elapsed < least_seconds_);
    return BenchSample{.seconds = elapsed / static_cast<double>(runs),
                       .bytes = static_cast<double>(matrix_bytes(w.format, w.rows, w.cols)),
                       .flops = 2.0 * static_cast<double>(w.rows * w.cols * x_.rows())};
  }

  BenchFigure figure(std::span<const BenchSample> samples, const BenchRecord& record) const override {
    const double peak = record.limits.exact_peak(record.tier);
    FigureRule rule{.unit = "ms", .value = {}, .limit = {}};
    rule.value = [](const BenchSample& s) { return 1e3 * s.seconds; };
    rule.limit = [&](const BenchSample& s) {
      return 1e3 * std::max(s.bytes / record.limits.read_bytes_per_second, s.flops / peak);
    };
    BenchFigure figure = make_figure(name(), samples, rule);
    const BenchSample one = record.best(concat(format_, " matrix M=1"));
    char note[96];
    std::snprintf(note, sizeof note, "%.1f GB/s, %.0f GFLOP/s, %.2f x M=1",
                  figure.best.bytes / figure.best.seconds / 1e9,
                  figure.best.flops / figure.best.seconds / 1e9,
                  one.seconds > 0.0 ? figure.best.seconds / one.seconds : 1.0);
    figure.note = note;
    return figure;
  }

 private:
  std::string format_;
  std::shared_ptr<const Matrix> matrix_;
  double least_seconds_;
  ThreadPool& pool_;
  MatBuf<float> x_;
  MatBuf<float> y_;
};

}  // namespace

Result<std::vector<std::unique_ptr<BenchCase>>> kernel_cases(const KernelBenchOptions& options,
                                                             ThreadPool& pool) {
  int64_t bytes = options.weight_bytes;
  if (bytes == 0) bytes = std::clamp<int64_t>(4 * last_cache_bytes(), int64_t{128} << 20, int64_t{1} << 30);
  std::vector<std::unique_ptr<BenchCase>> cases;
  constexpr std::pair<const char*, WeightFormat> kFormats[] = {
      {"fp8", WeightFormat::kFp8E4m3}, {"fp4", WeightFormat::kFp4E2m1}, {"bf16", WeightFormat::kBf16}};
  for (const auto& [name, format] : kFormats) {
    FATHOM_ASSIGN_OR_RETURN(const auto matrix, make_matrix(format, bytes, pool));
    for (const int64_t m : options.rows) {
      auto kernel = std::make_unique<KernelCase>(name, matrix, options.seconds, pool);
      FATHOM_RETURN_IF_ERROR(kernel->prepare(m));
      cases.push_back(std::move(kernel));
    }
  }
  return cases;
}

}  // namespace fathom
