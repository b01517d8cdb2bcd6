// SPDX-License-Identifier: MIT
// What the tests of matrix products share: every product of every tier that can run here, bounds. Tests only.
#pragma once

#include <cmath>
#include <string>
#include <string_view>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "kernels/test_matrix.h"
#if defined(__x86_64__)
#include "kernels/tiles_emulated.h"
#endif

namespace fathom {

using LinearFunction = void (*)(const LinearArgs&) noexcept;

inline LinearFunction function_of(const KernelTable& table, WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return table.linear->f32;
    case WeightFormat::kBf16: return table.linear->bf16;
    case WeightFormat::kFp8E4m3: return table.linear->fp8;
    case WeightFormat::kFp4E2m1: return table.linear->fp4;
  }
  return nullptr;
}

// One product of one tier, for one kind of x.
struct Product {
  const KernelTable* table;
  WeightFormat format;
  XPrecision x_precision;

  // Emulation is slow: its longest cases are left out.
  bool is_emulated() const { return std::string_view(table->name).starts_with("emulated"); }
  std::string name() const {
    return std::string(table->name) + " " + format_name(format) +
           (x_precision == XPrecision::kBf16Exact ? " of rounded x" : "");
  }
  void run(LinearArgs args) const {
    args.x_precision = x_precision;
    function_of(*table, format)(args);
  }
  // [m, w.rows]
  std::vector<float> multiply(const TestMatrix& w, std::span<const float> x, int64_t m) const {
    std::vector<float> y(static_cast<size_t>(m * w.rows), -1.0F);
    run({x.data(), w.cols, m, w.view(), 0, w.rows, y.data(), w.rows});
    return y;
  }
  std::vector<float> random_x(size_t count, unsigned seed) const {
    std::vector<float> x = random_floats(count, seed);
    if (x_precision == XPrecision::kBf16Exact) {
      kRowGeneric.fp8_round_trip(x.data(), static_cast<int64_t>(count), 128, x.data());
    }
    return x;
  }
};

// The tiers that can run here, and the amx tier over emulated tiles where its decoders can run.
inline std::vector<const KernelTable*> product_tables() {
  std::vector<const KernelTable*> tables = runnable_tiers();
#if defined(__x86_64__)
  static constexpr KernelTable kEmulated = {
      "emulated amx", &kLinearEmulatedTiles, nullptr, nullptr, nullptr, nullptr, nullptr};
  if (kernel_table("avx512-bf16").ok()) tables.push_back(&kEmulated);
#endif
  return tables;
}

inline std::vector<Product> runnable_products() {
  std::vector<Product> products;
  for (const KernelTable* table : product_tables()) {
    for (const WeightFormat format : kFormats) products.push_back({table, format, XPrecision::kF32});
    products.push_back({table, WeightFormat::kFp8E4m3, XPrecision::kBf16Exact});
    products.push_back({table, WeightFormat::kFp4E2m1, XPrecision::kBf16Exact});
  }
  return products;
}

// An f32 sum of `cols` products in at least 8 lanes errs by at most (cols / 8 + 4) roundings of the absolute
// sum; 8 more allow for second-order terms and for the products' own rounding in tiers without fused
// multiply-add.
inline double sum_bound(int64_t cols, double absolute_sum) {
  return (static_cast<double>(cols) / 8 + 12) * 0x1p-24 * absolute_sum;
}

inline void expect_products(const TestMatrix& w, const float* x, int64_t x_stride, const float* y,
                            int64_t y_stride, int64_t m, const std::string& what) {
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t n = 0; n < w.rows; ++n) {
      double sum = 0.0;
      double absolute = 0.0;
      for (int64_t k = 0; k < w.cols; ++k) {
        const double product = static_cast<double>(x[i * x_stride + k]) * w.at(n, k);
        sum += product;
        absolute += std::fabs(product);
      }
      ASSERT_NEAR(y[i * y_stride + n], sum, sum_bound(w.cols, absolute))
          << what << ", row " << i << ", output " << n;
    }
  }
}

}  // namespace fathom
