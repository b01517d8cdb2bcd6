// SPDX-License-Identifier: MIT
// Matrix products of every tier that runs here, against exact sums in binary64 from the scalar codecs.
#include <gtest/gtest.h>
#include <pthread.h>

#include <cmath>
#include <limits>
#include <random>
#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "numeric/bf16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

constexpr WeightFormat kFormats[] = {WeightFormat::kF32, WeightFormat::kBf16, WeightFormat::kFp8E4m3,
                                     WeightFormat::kFp4E2m1};

const char* format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return "f32";
    case WeightFormat::kBf16: return "bf16";
    case WeightFormat::kFp8E4m3: return "fp8";
    case WeightFormat::kFp4E2m1: return "fp4";
  }
  return "";
}

using LinearFunction = void (*)(const LinearArgs&) noexcept;

LinearFunction function_of(const KernelTable& table, WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return table.linear->f32;
    case WeightFormat::kBf16: return table.linear->bf16;
    case WeightFormat::kFp8E4m3: return table.linear->fp8;
    case WeightFormat::kFp4E2m1: return table.linear->fp4;
  }
  return nullptr;
}

// A random matrix in one format, with its values for the judge.
struct TestMatrix {
  WeightFormat format;
  int64_t rows, cols;
  std::vector<uint8_t> bytes, scales;

  TestMatrix(WeightFormat format_in, int64_t rows_in, int64_t cols_in, unsigned seed)
      : format(format_in), rows(rows_in), cols(cols_in) {
    std::mt19937 rng(seed);
    const size_t count = static_cast<size_t>(rows * cols);
    switch (format) {
      case WeightFormat::kF32: {
        const std::vector<float> values = random_floats(count, seed);
        bytes.resize(count * 4);
        std::memcpy(bytes.data(), values.data(), bytes.size());
        return;
      }
      case WeightFormat::kBf16: {
        bytes.resize(count * 2);
        const std::vector<float> values = random_floats(count, seed);
        for (size_t i = 0; i < count; ++i) {
          const uint16_t bits = float_to_bf16(values[i]);
          std::memcpy(&bytes[2 * i], &bits, 2);
        }
        return;
      }
      case WeightFormat::kFp8E4m3:
        bytes.resize(count);
        for (uint8_t& b : bytes) {
          do b = static_cast<uint8_t>(rng());
          while ((b & 0x7f) == 0x7f);
        }
        scales.resize(static_cast<size_t>((rows + 127) / 128 * ((cols + 127) / 128)));
        break;
      case WeightFormat::kFp4E2m1:
        bytes.resize(count / 2);
        for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
        scales.resize(static_cast<size_t>(rows * (cols / 32)));
        break;
    }
    for (uint8_t& s : scales) s = static_cast<uint8_t>(112 + rng() % 20);
  }

  ScaleBlock block() const {
    switch (format) {
      case WeightFormat::kFp8E4m3: return {128, 128};
      case WeightFormat::kFp4E2m1: return {1, 32};
      case WeightFormat::kF32:
      case WeightFormat::kBf16: return {};
    }
    return {};
  }
  WeightView view() const { return {format, block(), bytes.data(), scales.data(), rows, cols}; }

  float at(int64_t n, int64_t k) const {
    const size_t i = static_cast<size_t>(n * cols + k);
    switch (format) {
      case WeightFormat::kF32: {
        float value = 0.0F;
        std::memcpy(&value, &bytes[4 * i], 4);
        return value;
      }
      case WeightFormat::kBf16: {
        uint16_t bits = 0;
        std::memcpy(&bits, &bytes[2 * i], 2);
        return bf16_to_float(bits);
      }
      case WeightFormat::kFp8E4m3:
        return fp8_e4m3_to_float(bytes[i]) *
               ue8m0_to_float(scales[static_cast<size_t>(n / 128 * ((cols + 127) / 128) + k / 128)]);
      case WeightFormat::kFp4E2m1: {
        const uint8_t pair = bytes[i / 2];
        return fp4_e2m1_to_float(static_cast<uint8_t>(i % 2 != 0 ? pair >> 4 : pair & 15)) *
               ue8m0_to_float(scales[static_cast<size_t>(n * (cols / 32) + k / 32)]);
      }
    }
    return 0.0F;
  }
};

std::vector<float> multiply(const KernelTable& table, const TestMatrix& w, const std::vector<float>& x,
                            int64_t m) {
  std::vector<float> y(static_cast<size_t>(m * w.rows), -1.0F);
  function_of(table, w.format)({x.data(), w.cols, m, w.view(), 0, w.rows, y.data(), w.rows});
  return y;
}

// An f32 sum of `cols` products in at least 8 lanes errs by at most (cols / 8 + 4) roundings of the absolute
// sum; 8 more allow for second-order terms and for the products' own rounding in tiers without fused
// multiply-add.
double sum_bound(int64_t cols, double absolute_sum) {
  return (static_cast<double>(cols) / 8 + 12) * 0x1p-24 * absolute_sum;
}

void expect_products(const TestMatrix& w, const float* x, int64_t x_stride, const float* y, int64_t y_stride,
                     int64_t m, const std::string& what) {
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

std::vector<int64_t> lengths_for(WeightFormat format) {
  if (format == WeightFormat::kFp4E2m1) return {32, 64, 96, 128, 160, 544, 1312, 4128};
  return test_lengths();
}

// All memory lies between guard pages, x and y have gaps between rows.
void check_guarded(const KernelTable& table, const TestMatrix& w, int64_t m, Placement placement) {
  const std::string what = std::string(table.name) + " " + format_name(w.format) + ", " +
                           std::to_string(w.rows) + " x " + std::to_string(w.cols) + ", m " +
                           std::to_string(m);
  const int64_t x_stride = w.cols + 5;
  const int64_t y_stride = w.rows + 3;
  GuardedArray<float> x(random_floats(static_cast<size_t>((m - 1) * x_stride + w.cols), 5), placement);
  GuardedArray<float> y(static_cast<size_t>((m - 1) * y_stride + w.rows), placement);
  // Weights of two and four bytes keep their element's alignment.
  GuardedArray<uint8_t> bytes(w.bytes, w.format == WeightFormat::kF32 || w.format == WeightFormat::kBf16
                                           ? Placement{placement.at_end, placement.offset * 4}
                                           : placement);
  GuardedArray<uint8_t> scales(w.scales, placement);
  WeightView view = w.view();
  view.data = bytes.data();
  view.scales = scales.data();
  function_of(table, w.format)({x.data(), x_stride, m, view, 0, w.rows, y.data(), y_stride});
  expect_products(w, x.data(), x_stride, y.data(), y_stride, m, what);
}

TEST(Linear, EveryLengthAndPlacementIsRightWithinTheBound) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const WeightFormat format : kFormats) {
      for (const int64_t cols : lengths_for(format)) {
        const TestMatrix w(format, 5, cols, static_cast<unsigned>(cols));
        for (const int64_t m : {1, 2, 5, 9}) {
          for (const Placement placement : kPlacements) check_guarded(*table, w, m, placement);
        }
      }
    }
  }
}

TEST(Linear, EveryNumberOfWeightRowsIsRight) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const WeightFormat format : kFormats) {
      for (const int64_t rows : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 127, 128, 129, 131, 257}) {
        const TestMatrix w(format, rows, 160, static_cast<unsigned>(rows));
        for (const int64_t m : {1, 2, 3, 4, 6, 7, 49}) check_guarded(*table, w, m, kPlacements[0]);
      }
    }
  }
}

// m changes the path, the tile and the chunk of k, never the bits (design.md 10.1).
TEST(Linear, NumberOfRowsNeverShowsInARow) {
  constexpr int64_t kMost = 101;
  for (const KernelTable* table : runnable_tiers()) {
    for (const WeightFormat format : kFormats) {
      // Longer than any chunk of k, and not a multiple of one.
      for (const int64_t cols : {int64_t{160}, int64_t{1312}, int64_t{8256}}) {
        const TestMatrix w(format, cols > 2000 ? 11 : 133, cols, 77);
        const std::vector<float> x = random_floats(static_cast<size_t>(kMost * cols), 78);
        std::vector<float> alone;
        for (int64_t i = 0; i < kMost; ++i) {
          const std::vector<float> row(x.begin() + i * cols, x.begin() + (i + 1) * cols);
          const std::vector<float> y = multiply(*table, w, row, 1);
          alone.insert(alone.end(), y.begin(), y.end());
        }
        for (const int64_t m : {2, 3, 4, 5, 6, 7, 8, 9, 17, 47, 48, 49, 54, 101}) {
          const std::vector<float> together = multiply(*table, w, x, m);
          ASSERT_TRUE(same_bits(together, std::span(alone).first(together.size())))
              << table->name << " " << format_name(format) << " m " << m << " cols " << cols;
        }
      }
    }
  }
}

// Threads split the weight rows anywhere; columns of y outside the range are left alone.
TEST(Linear, RangeOfWeightRowsNeverShowsAndIsRespected) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const WeightFormat format : kFormats) {
      const TestMatrix w(format, 300, 288, 79);
      for (const int64_t m : {1, 3, 11}) {
        const std::vector<float> x = random_floats(static_cast<size_t>(m * w.cols), 80);
        const std::vector<float> whole = multiply(*table, w, x, m);
        for (const auto& [begin, end] :
             {std::pair<int64_t, int64_t>{0, 1}, {5, 5}, {127, 129}, {100, 300}, {1, 299}}) {
          std::vector<float> y(whole.size(), -7.0F);
          function_of(*table, format)({x.data(), w.cols, m, w.view(), begin, end, y.data(), w.rows});
          for (int64_t i = 0; i < m; ++i) {
            for (int64_t n = 0; n < w.rows; ++n) {
              const size_t at = static_cast<size_t>(i * w.rows + n);
              const float want = n >= begin && n < end ? whole[at] : -7.0F;
              ASSERT_TRUE(same_bits(y[at], want)) << table->name << " " << format_name(format) << " " << n;
            }
          }
        }
      }
    }
  }
}

// A unit matrix as x reads the weights back: y[k, n] = w[n, k], exactly.
void expect_decoded(const KernelTable& table, const TestMatrix& w) {
  std::vector<float> unit(static_cast<size_t>(w.cols * w.cols));
  for (int64_t k = 0; k < w.cols; ++k) unit[static_cast<size_t>(k * w.cols + k)] = 1.0F;
  const std::vector<float> y = multiply(table, w, unit, w.cols);
  for (int64_t k = 0; k < w.cols; ++k) {
    const std::vector<float> row(unit.begin() + k * w.cols, unit.begin() + (k + 1) * w.cols);
    const std::vector<float> alone = multiply(table, w, row, 1);
    for (int64_t n = 0; n < w.rows; ++n) {
      const float want = w.at(n, k);
      ASSERT_EQ(y[static_cast<size_t>(k * w.rows + n)], want)
          << table.name << " row " << n << ", column " << k;
      ASSERT_EQ(alone[static_cast<size_t>(n)], want) << table.name << " row " << n << ", column " << k;
    }
  }
}

TEST(Linear, EveryFp8CodeDecodesExactlyAtEveryPlaceOfAGroup) {
  for (const KernelTable* table : runnable_tiers()) {
    TestMatrix w(WeightFormat::kFp8E4m3, 256, 37, 1);
    for (int64_t n = 0; n < w.rows; ++n) {
      for (int64_t k = 0; k < w.cols; ++k) {
        const auto code = static_cast<uint8_t>(n + k);
        w.bytes[static_cast<size_t>(n * w.cols + k)] = (code & 0x7f) == 0x7f ? uint8_t{0} : code;
      }
    }
    for (const int scale : {0, 1, 100, 127, 200, 246}) {
      for (uint8_t& s : w.scales) s = static_cast<uint8_t>(scale);
      expect_decoded(*table, w);
    }
  }
}

TEST(Linear, EveryFp4CodeDecodesExactlyUnderEveryScale) {
  for (const KernelTable* table : runnable_tiers()) {
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
    expect_decoded(*table, w);
  }
}

TEST(Linear, Fp8NanReachesTheResult) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const uint8_t code : {uint8_t{0x7f}, uint8_t{0xff}}) {
      for (const int64_t place : {0, 15, 16, 31, 33}) {
        TestMatrix w(WeightFormat::kFp8E4m3, 3, 34, 1);
        w.bytes[static_cast<size_t>(34 + place)] = code;
        for (const int64_t m : {1, 20}) {
          const std::vector<float> y = multiply(*table, w, random_floats(static_cast<size_t>(34 * m), 2), m);
          EXPECT_TRUE(std::isfinite(y[0])) << table->name;
          EXPECT_TRUE(std::isnan(y[1])) << table->name << " place " << place;
          EXPECT_TRUE(std::isfinite(y[2])) << table->name;
        }
      }
    }
  }
}

// The smallest stack that a worker may have (reliability.md R-6). AddressSanitizer puts guard zones around
// every array on the stack and spills what stays in registers otherwise, so its frames are several times as
// large.
#if defined(__has_feature)
#if __has_feature(address_sanitizer)
#define FATHOM_GUARDED_STACK 1
#endif
#endif
#if defined(__SANITIZE_ADDRESS__)
#define FATHOM_GUARDED_STACK 1
#endif
#if defined(FATHOM_GUARDED_STACK)
constexpr size_t kSmallStackBytes = size_t{1} << 20;
#else
constexpr size_t kSmallStackBytes = size_t{256} << 10;
#endif

// Runs job() in a thread with that stack.
template <typename Job>
void run_on_small_stack(const Job& job) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, kSmallStackBytes), 0);
  pthread_t thread = {};
  const auto body = [](void* context) -> void* {
    (*static_cast<const Job*>(context))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, body, const_cast<Job*>(&job)), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(Linear, AStackOf256KibIsEnough) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const WeightFormat format : kFormats) {
      const TestMatrix w(format, 131, 2080, 3);
      const std::vector<float> x = random_floats(static_cast<size_t>(101 * w.cols), 4);
      for (const int64_t m : {1, 4, 8, 48, 101}) {
        std::vector<float> small(static_cast<size_t>(m * w.rows));
        run_on_small_stack([&] {
          function_of(*table, format)({x.data(), w.cols, m, w.view(), 0, w.rows, small.data(), w.rows});
        });
        EXPECT_TRUE(same_bits(small, multiply(*table, w, x, m)))
            << table->name << " " << format_name(format) << ", m " << m;
      }
    }
  }
}

TEST(Linear, NoRowsIsNoWork) {
  for (const KernelTable* table : runnable_tiers()) {
    const TestMatrix w(WeightFormat::kF32, 4, 16, 1);
    table->linear->f32({nullptr, 16, 0, w.view(), 0, 4, nullptr, 4});
  }
}

}  // namespace
}  // namespace fathom
