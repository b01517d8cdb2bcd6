// SPDX-License-Identifier: MIT
// Matrix products of every tier that runs here, against exact sums in binary64 from the scalar codecs.
#include <gtest/gtest.h>
#include <pthread.h>

#include <string>
#include <vector>

#include "kernels/linear_test_support.h"

namespace fathom {
namespace {

std::vector<int64_t> lengths_for(WeightFormat format) {
  if (format == WeightFormat::kFp4E2m1) return {32, 64, 96, 128, 160, 544, 1312, 4128};
  return test_lengths();
}

// All memory lies between guard pages, x and y have gaps between rows.
void check_guarded(const Product& product, const TestMatrix& w, int64_t m, Placement placement) {
  const std::string what = product.name() + ", " + std::to_string(w.rows) + " x " + std::to_string(w.cols) +
                           ", m " + std::to_string(m);
  const int64_t x_stride = w.cols + 5;
  const int64_t y_stride = w.rows + 3;
  GuardedArray<float> x(product.random_x(static_cast<size_t>((m - 1) * x_stride + w.cols), 5), placement);
  GuardedArray<float> y(static_cast<size_t>((m - 1) * y_stride + w.rows), placement);
  // Weights of two and four bytes keep their element's alignment.
  GuardedArray<uint8_t> bytes(w.bytes, w.format == WeightFormat::kF32 || w.format == WeightFormat::kBf16
                                           ? Placement{placement.at_end, placement.offset * 4}
                                           : placement);
  GuardedArray<uint8_t> scales(w.scales, placement);
  WeightView view = w.view();
  view.data = bytes.data();
  view.scales = scales.data();
  product.run({x.data(), x_stride, m, view, 0, w.rows, y.data(), y_stride});
  expect_products(w, x.data(), x_stride, y.data(), y_stride, m, what);
}

TEST(Linear, EveryLengthAndPlacementIsRightWithinTheBound) {
  for (const Product& product : runnable_products()) {
    for (const int64_t cols : lengths_for(product.format)) {
      const TestMatrix w(product.format, 5, cols, static_cast<unsigned>(cols));
      for (const int64_t m : {1, 2, 5, 9}) {
        for (const Placement placement : kPlacements) check_guarded(product, w, m, placement);
      }
    }
  }
}

TEST(Linear, EveryNumberOfWeightRowsIsRight) {
  for (const Product& product : runnable_products()) {
    for (const int64_t rows : {1, 2, 3, 4, 7, 8, 9, 15, 16, 17, 127, 128, 129, 131, 257}) {
      const TestMatrix w(product.format, rows, 160, static_cast<unsigned>(rows));
      for (const int64_t m : {1, 2, 3, 4, 6, 7, 49}) check_guarded(product, w, m, kPlacements[0]);
    }
  }
}

// m changes the path, the tile and the chunk of k, never the bits (design.md 10.1).
TEST(Linear, NumberOfRowsNeverShowsInARow) {
  constexpr int64_t kMost = 101;
  for (const Product& product : runnable_products()) {
    // Longer than any chunk of k, and not a multiple of one.
    for (const int64_t cols : {int64_t{160}, int64_t{1312}, int64_t{8256}}) {
      if (product.is_emulated() && cols > 2000) continue;
      const TestMatrix w(product.format, cols > 2000 ? 11 : 133, cols, 77);
      const std::vector<float> x = product.random_x(static_cast<size_t>(kMost * cols), 78);
      std::vector<float> alone;
      for (int64_t i = 0; i < kMost; ++i) {
        const std::vector<float> row(x.begin() + i * cols, x.begin() + (i + 1) * cols);
        const std::vector<float> y = product.multiply(w, row, 1);
        alone.insert(alone.end(), y.begin(), y.end());
      }
      for (const int64_t m : {2, 3, 4, 5, 6, 7, 8, 9, 17, 47, 48, 49, 54, 101}) {
        const std::vector<float> together = product.multiply(w, x, m);
        ASSERT_TRUE(same_bits(together, std::span(alone).first(together.size())))
            << product.name() << " m " << m << " cols " << cols;
      }
    }
  }
}

// Threads split the weight rows anywhere; columns of y outside the range are left alone.
TEST(Linear, RangeOfWeightRowsNeverShowsAndIsRespected) {
  for (const Product& product : runnable_products()) {
    const TestMatrix w(product.format, 300, 288, 79);
    for (const int64_t m : {1, 3, 11}) {
      const std::vector<float> x = product.random_x(static_cast<size_t>(m * w.cols), 80);
      const std::vector<float> whole = product.multiply(w, x, m);
      for (const auto& [begin, end] :
           {std::pair<int64_t, int64_t>{0, 1}, {5, 5}, {127, 129}, {100, 300}, {1, 299}}) {
        std::vector<float> y(whole.size(), -7.0F);
        product.run({x.data(), w.cols, m, w.view(), begin, end, y.data(), w.rows});
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t n = 0; n < w.rows; ++n) {
            const size_t at = static_cast<size_t>(i * w.rows + n);
            const float want = n >= begin && n < end ? whole[at] : -7.0F;
            ASSERT_TRUE(same_bits(y[at], want)) << product.name() << " " << n;
          }
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
  for (const Product& product : runnable_products()) {
    const TestMatrix w(product.format, 37, 2080, 3);
    const std::vector<float> x = product.random_x(static_cast<size_t>(101 * w.cols), 4);
    for (const int64_t m : {1, 4, 8, 48, 101}) {
      std::vector<float> small(static_cast<size_t>(m * w.rows));
      run_on_small_stack(
          [&] { product.run({x.data(), w.cols, m, w.view(), 0, w.rows, small.data(), w.rows}); });
      EXPECT_TRUE(same_bits(small, product.multiply(w, x, m))) << product.name() << ", m " << m;
    }
  }
}

TEST(Linear, NoRowsIsNoWork) {
  for (const Product& product : runnable_products()) {
    const TestMatrix w(product.format, 4, 32, 1);
    product.run({nullptr, 32, 0, w.view(), 0, 4, nullptr, 4});
  }
}

}  // namespace
}  // namespace fathom
