// SPDX-License-Identifier: MIT
// One matrix larger than the caches times M rows, in every weight format.
#include <algorithm>
#include <memory>

#include "base/concat.h"
#include "bench/micro/micro.h"

namespace fathom::micro {
namespace {

constexpr int64_t kCols = 4096;

struct Matrix {
  WeightView view;
  std::vector<uint8_t> data, scales;
  int64_t bytes() const { return std::ssize(data) + std::ssize(scales); }
};

// Codes of ordinary numbers, never NaN; scales near those of a trained matrix.
std::shared_ptr<const Matrix> make_matrix(WeightFormat format, int64_t bytes) {
  auto matrix = std::make_shared<Matrix>();
  const int64_t bits = format == WeightFormat::kFp4E2m1 ? 4 : format == WeightFormat::kFp8E4m3 ? 8 : 16;
  const int64_t rows = std::max<int64_t>(128, bytes * 8 / bits / kCols / 128 * 128);
  matrix->data = random_bytes(rows * kCols * bits / 8, 7, format == WeightFormat::kFp4E2m1 ? 0xff : 0xbf);
  matrix->view = {.format = format,
                  .block = {},
                  .data = matrix->data.data(),
                  .scales = nullptr,
                  .rows = rows,
                  .cols = kCols};
  if (format != WeightFormat::kBf16) {
    const bool fp4 = format == WeightFormat::kFp4E2m1;
    matrix->view.block = fp4 ? ScaleBlock{1, 32} : ScaleBlock{128, 128};
    matrix->scales.assign(static_cast<size_t>(fp4 ? rows * kCols / 32 : rows / 128 * (kCols / 128)),
                          127 - 12);
    matrix->view.scales = matrix->scales.data();
  }
  return matrix;
}

using Product = void (*)(const LinearArgs&) noexcept;

void add_products(const char* name, Product product, std::shared_ptr<const Matrix> matrix,
                  const Settings& settings, const AddCase& add) {
  for (const int64_t m : {1, 2, 4, 8, 64, 512}) {
    if (m > settings.largest_rows) continue;
    const WeightView& w = matrix->view;
    auto x = std::make_shared<std::vector<float>>(random_values(m * kCols, 8));
    // Whole numbers, as exact in bfloat16 as rounded activations are.
    for (float& v : *x) v = static_cast<float>(static_cast<int>(8.0F * v));
    auto y = std::make_shared<std::vector<float>>(static_cast<size_t>(m * w.rows));
    // A product with many rows is not bound by memory; a part of the matrix is enough.
    const int64_t rows = std::max<int64_t>(128, w.rows / std::max<int64_t>(1, m / 8) / 128 * 128);
    const auto precision = w.block.rows == 0 ? XPrecision::kF32 : XPrecision::kBf16Exact;
    add({.kernel = concat("linear_", name),
         .shape = concat("M=", m, ", ", rows, " x ", kCols),
         .bytes =
             static_cast<double>(matrix->bytes()) * static_cast<double>(rows) / static_cast<double>(w.rows),
         .flops = 2.0 * static_cast<double>(m * rows * kCols),
         .unit = precision == XPrecision::kBf16Exact ? Unit::kBf16 : Unit::kFp32,
         .run = [=] {
           product({.x = x->data(),
                    .x_stride = kCols,
                    .m = m,
                    .w = matrix->view,
                    .row_begin = 0,
                    .row_end = rows,
                    .y = y->data(),
                    .y_stride = matrix->view.rows,
                    .x_precision = precision});
         }});
  }
}

}  // namespace

void add_linear_cases(const KernelTable& table, const Settings& settings, const AddCase& add) {
  const LinearKernels& linear = *table.linear;
  add_products("fp8", linear.fp8, make_matrix(WeightFormat::kFp8E4m3, settings.buffer_bytes), settings, add);
  add_products("fp4", linear.fp4, make_matrix(WeightFormat::kFp4E2m1, settings.buffer_bytes), settings, add);
  add_products("bf16", linear.bf16, make_matrix(WeightFormat::kBf16, settings.buffer_bytes), settings, add);
}

}  // namespace fathom::micro
