// SPDX-License-Identifier: MIT
// Products whose exact value is representable: every code, every scale, the ends of the range, NaN.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/linear_test_support.h"

namespace fathom {
namespace {

std::vector<Product> products_of(WeightFormat format) {
  std::vector<Product> products = runnable_products();
  std::erase_if(products, [&](const Product& p) { return p.format != format; });
  return products;
}

// A unit matrix as x reads the weights back: y[k, n] = w[n, k], exactly.
void expect_decoded(const Product& product, const TestMatrix& w) {
  std::vector<float> unit(static_cast<size_t>(w.cols * w.cols));
  for (int64_t k = 0; k < w.cols; ++k) unit[static_cast<size_t>(k * w.cols + k)] = 1.0F;
  const std::vector<float> y = product.multiply(w, unit, w.cols);
  for (int64_t k = 0; k < w.cols; ++k) {
    const std::span<const float> row(unit.data() + k * w.cols, static_cast<size_t>(w.cols));
    const std::vector<float> alone = product.multiply(w, row, 1);
    for (int64_t n = 0; n < w.rows; ++n) {
      const float want = w.at(n, k);
      ASSERT_EQ(y[static_cast<size_t>(k * w.rows + n)], want)
          << product.name() << " row " << n << ", column " << k;
      ASSERT_EQ(alone[static_cast<size_t>(n)], want) << product.name() << " row " << n << ", column " << k;
    }
  }
}

TEST(LinearExact, EveryFp8CodeDecodesExactlyAtEveryPlaceOfAGroup) {
  for (const Product& product : products_of(WeightFormat::kFp8E4m3)) {
    TestMatrix w(WeightFormat::kFp8E4m3, 256, 37, 1);
    for (int64_t n = 0; n < w.rows; ++n) {
      for (int64_t k = 0; k < w.cols; ++k) {
        const auto code = static_cast<uint8_t>(n + k);
        w.bytes[static_cast<size_t>(n * w.cols + k)] = (code & 0x7f) == 0x7f ? uint8_t{0} : code;
      }
    }
    for (const int scale : {0, 1, 100, 127, 200, 246}) {
      for (uint8_t& s : w.scales) s = static_cast<uint8_t>(scale);
      expect_decoded(product, w);
    }
  }
}

TEST(LinearExact, EveryFp4CodeDecodesExactlyUnderEveryScale) {
  for (const Product& product : products_of(WeightFormat::kFp4E2m1)) {
    TestMatrix w(WeightFormat::kFp4E2m1, 255, 64, 1);
    for (int64_t n = 0; n < w.rows; ++n) {
      for (int64_t i = 0; i < 32; ++i) {
        const size_t byte = static_cast<size_t>(n * 32 + i);
        w.bytes[byte] = static_cast<uint8_t>((n + 2 * i) % 16 | ((n + 2 * i + 1 + i / 8) % 16) << 4);
      }
      w.scales[static_cast<size_t>(2 * n)] =
          static_cast<uint8_t>(n < 253 ? n : 7);  // 6 * 2^126 is the last finite
      w.scales[static_cast<size_t>(2 * n + 1)] = static_cast<uint8_t>((n + 100) % 253);
    }
    expect_decoded(product, w);
  }
}

TEST(LinearExact, Fp8NanReachesTheResult) {
  for (const Product& product : products_of(WeightFormat::kFp8E4m3)) {
    for (const uint8_t code : {uint8_t{0x7f}, uint8_t{0xff}}) {
      for (const int64_t place : {0, 15, 16, 31, 33}) {
        TestMatrix w(WeightFormat::kFp8E4m3, 3, 34, 1);
        w.bytes[static_cast<size_t>(34 + place)] = code;
        for (const int64_t m : {1, 20}) {
          const std::vector<float> y =
              product.multiply(w, product.random_x(static_cast<size_t>(34 * m), 2), m);
          EXPECT_TRUE(std::isfinite(y[0])) << product.name();
          EXPECT_TRUE(std::isnan(y[1])) << product.name() << " place " << place;
          EXPECT_TRUE(std::isfinite(y[2])) << product.name();
        }
      }
    }
  }
}

// The least scales and the least codes: tiers that multiply bfloat16 flush what is below 2^-126 and must not
// be used there (linear_formats_bf16_pairs.h).
TEST(LinearExact, LeastProductsOfRoundedRowsAreKept) {
  for (const WeightFormat format : {WeightFormat::kFp8E4m3, WeightFormat::kFp4E2m1}) {
    const bool fp8 = format == WeightFormat::kFp8E4m3;
    for (const Product& product : products_of(format)) {
      TestMatrix w(format, 3, 64, 1);
      for (uint8_t& b : w.bytes) b = fp8 ? uint8_t{0x01} : uint8_t{0x11};  // 2^-9 or 2^-1
      for (int scale = 20; scale < 90; ++scale) {
        for (uint8_t& s : w.scales) s = static_cast<uint8_t>(scale);
        std::vector<float> x(64);
        x[37] = 0x1p-31F;
        const float want = std::ldexp(1.0F, -31 - (fp8 ? 9 : 1) + scale - 127);
        for (const float y : product.multiply(w, x, 1)) ASSERT_EQ(y, want) << product.name() << " " << scale;
      }
    }
  }
}

TEST(LinearExact, GreatestProductsOfRoundedRowsDoNotOverflowEarly) {
  for (const WeightFormat format : {WeightFormat::kFp8E4m3, WeightFormat::kFp4E2m1}) {
    const bool fp8 = format == WeightFormat::kFp8E4m3;
    for (const Product& product : products_of(format)) {
      TestMatrix w(format, 3, 64, 1);
      for (uint8_t& b : w.bytes) b = fp8 ? uint8_t{0x01} : uint8_t{0x11};
      for (int scale = 120; scale < 137; ++scale) {  // 2^8 x scale stays below 2^128 (kernel_table.h)
        for (uint8_t& s : w.scales) s = static_cast<uint8_t>(scale);
        std::vector<float> x(64);
        x[5] = 0x1p110F;
        const float want = std::ldexp(1.0F, 110 - (fp8 ? 9 : 1) + scale - 127);
        for (const float y : product.multiply(w, x, 1)) ASSERT_EQ(y, want) << product.name() << " " << scale;
      }
    }
  }
}

// Weight rows and chunks whose scales a format does not take lie beside others: neither the batch nor the
// split may show.
TEST(LinearExact, UnusualScalesStayWithTheirRowsAndChunks) {
  for (const WeightFormat format : {WeightFormat::kFp8E4m3, WeightFormat::kFp4E2m1}) {
    for (const Product& product : products_of(format)) {
      TestMatrix w(format, 141, 2112, 9);
      std::mt19937 rng(3);
      for (uint8_t& s : w.scales) {
        if (rng() % 40 == 0) s = rng() % 2 == 0 ? uint8_t{46} : uint8_t{228};
      }
      const std::vector<float> x = product.random_x(static_cast<size_t>(19 * w.cols), 5);
      const std::vector<float> all = product.multiply(w, x, 19);
      expect_products(w, x.data(), w.cols, all.data(), w.rows, 19, product.name());
      for (const int64_t m : {1, 2, 7, 13}) {
        const std::vector<float> some = product.multiply(w, x, m);
        ASSERT_TRUE(same_bits(some, std::span(all).first(some.size()))) << product.name() << " m " << m;
        std::vector<float> part(some.size());
        for (int64_t n = 0; n < w.rows; n += 7) {
          product.run({x.data(), w.cols, m, w.view(), n, std::min(n + 7, w.rows), part.data(), w.rows});
        }
        ASSERT_TRUE(same_bits(some, part)) << product.name() << " m " << m;
      }
    }
  }
}

}  // namespace
}  // namespace fathom
