// SPDX-License-Identifier: MIT
// Kernels of the backward pass of every tier that runs here, against sums in double: bounds from the inputs,
// and nothing touched beyond the arrays.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"

namespace fathom {
namespace {

template <typename Body>
void for_every_case(Body body) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const int64_t n : test_lengths()) {
      for (const Placement placement : kPlacements) {
        SCOPED_TRACE(std::string(table->name) + ", length " + std::to_string(n) + ", offset " +
                     std::to_string(placement.offset) + (placement.at_end ? " at the end" : ""));
        body(*table->training, n, placement);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

std::vector<float> values(int64_t n, unsigned seed) { return random_floats(static_cast<size_t>(n), seed); }

struct GemmShape {
  int64_t m;
  int64_t n;
  int64_t k;
};

// Around tiles of 6 rows, panels of 16 and 64 columns and blocks of 192 in k.
constexpr GemmShape kGemmShapes[] = {{1, 1, 1},    {5, 15, 3},    {6, 16, 191}, {7, 17, 192}, {13, 33, 193},
                                     {12, 64, 40}, {19, 65, 385}, {3, 130, 7},  {64, 48, 100}};

enum class Turned : uint8_t { kNo, kYes };

// c += a b or a^T b in double against the kernel, whose sums have k + 2 roundings.
void expect_gemm(const KernelTable& table, const GemmShape& s, Turned turned) {
  SCOPED_TRACE(std::string(table.name) + " " + std::to_string(s.m) + " x " + std::to_string(s.n) + " x " +
               std::to_string(s.k));
  const auto a = values(s.m * s.k, 1), b = values(s.k * s.n, 2), c = values(s.m * s.n, 3);
  GuardedArray<float> a_guarded(a, {}), b_guarded(b, {}), out(c, {});
  const int64_t a_row = turned == Turned::kYes ? 1 : s.k;
  const int64_t a_col = turned == Turned::kYes ? s.m : 1;
  table.training->gemm({.a = a_guarded.data(),
                        .a_row = a_row,
                        .a_col = a_col,
                        .b = b_guarded.data(),
                        .b_stride = s.n,
                        .c = out.data(),
                        .c_stride = s.n,
                        .m = s.m,
                        .n = s.n,
                        .k = s.k});
  for (int64_t i = 0; i < s.m; ++i) {
    for (int64_t j = 0; j < s.n; ++j) {
      double exact = static_cast<double>(c[static_cast<size_t>(i * s.n + j)]);
      double size = std::fabs(exact);
      for (int64_t k = 0; k < s.k; ++k) {
        const double term = static_cast<double>(a[static_cast<size_t>(i * a_row + k * a_col)]) *
                            static_cast<double>(b[static_cast<size_t>(k * s.n + j)]);
        exact += term;
        size += std::fabs(term);
      }
      ASSERT_NEAR(out[static_cast<size_t>(i * s.n + j)], exact,
                  static_cast<double>(s.k + 2) * 0x1p-24 * size);
    }
  }
}

TEST(Training, GemmIsWithinTheBoundInBothOrientations) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const GemmShape& shape : kGemmShapes) {
      expect_gemm(*table, shape, Turned::kNo);
      expect_gemm(*table, shape, Turned::kYes);
    }
  }
}

// An element's bits must not depend on which rows and columns are asked for with it (design.md 10.6).
TEST(Training, GemmOfAPartHasTheBitsOfTheWhole) {
  const GemmShape s{20, 100, 250};
  const auto a = values(s.m * s.k, 4), b = values(s.k * s.n, 5);
  for (const KernelTable* table : runnable_tiers()) {
    std::vector<float> whole(static_cast<size_t>(s.m * s.n)), part(whole.size());
    const auto run = [&](std::vector<float>& c, int64_t row, int64_t rows, int64_t col, int64_t cols) {
      table->training->gemm({.a = a.data() + row * s.k,
                             .a_row = s.k,
                             .a_col = 1,
                             .b = b.data() + col,
                             .b_stride = s.n,
                             .c = c.data() + row * s.n + col,
                             .c_stride = s.n,
                             .m = rows,
                             .n = cols,
                             .k = s.k});
    };
    run(whole, 0, s.m, 0, s.n);
    for (const int64_t row : {0, 7}) {
      for (const int64_t col : {0, 19}) {
        run(part, row, row == 0 ? 7 : s.m - 7, col, col == 0 ? 19 : s.n - 19);
      }
    }
    EXPECT_TRUE(same_bits(whole, part)) << table->name;
  }
}

TEST(Training, DotIsWithinTheBound) {
  for_every_case([](const TrainingKernels& training, int64_t n, Placement placement) {
    const auto a = values(n, 6), b = values(n, 7);
    GuardedArray<float> x(a, placement), y(b, placement);
    double exact = 0.0;
    double size = 0.0;
    for (size_t i = 0; i < a.size(); ++i) {
      exact += static_cast<double>(a[i]) * b[i];
      size += std::fabs(static_cast<double>(a[i]) * b[i]);
    }
    ASSERT_NEAR(training.dot(x.data(), y.data(), n), exact, static_cast<double>(n + 2) * 0x1p-24 * size);
  });
}

TEST(Training, AddScaledRoundsAtMostTwice) {
  for_every_case([](const TrainingKernels& training, int64_t n, Placement placement) {
    const auto a = values(n, 8), b = values(n, 9);
    GuardedArray<float> x(a, placement), y(b, placement);
    training.add_scaled(x.data(), 0.7F, n, y.data());
    for (size_t i = 0; i < a.size(); ++i) {
      const double term = static_cast<double>(0.7F) * a[i];
      ASSERT_NEAR(y[i], term + b[i], 0x1p-23 * (std::fabs(term) + std::fabs(static_cast<double>(b[i]))));
    }
  });
}

TEST(Training, ExponentialsAndTheirSumAreWithinTheBound) {
  for_every_case([](const TrainingKernels& training, int64_t n, Placement placement) {
    auto a = values(n, 10);
    if (n > 2) a[1] = -std::numeric_limits<float>::infinity();  // a masked key
    GuardedArray<float> x(a, placement);
    const float sum = training.exp_sum(x.data(), 0.5F, n, x.data());
    double exact = 0.0;
    for (size_t i = 0; i < a.size(); ++i) {
      const double e = std::exp(static_cast<double>(a[i] - 0.5F));
      // 2 ulp of the exponential; the shift's rounding is the caller's.
      ASSERT_NEAR(x[i], e, 4 * 0x1p-24 * e) << i;
      exact += e;
    }
    ASSERT_NEAR(sum, exact, static_cast<double>(n + 8) * 0x1p-24 * exact);
  });
}

TEST(Training, SwigluBackwardMatchesTheGenericTier) {
  const TrainingKernels& judge = *kernel_tiers().front().table->training;
  for (const float limit : {1.0F, std::numeric_limits<float>::infinity()}) {
    for_every_case([&](const TrainingKernels& training, int64_t n, Placement placement) {
      const auto gate = values(n, 11), up = values(n, 12), d_out = values(n, 13);
      GuardedArray<float> g(gate, placement), u(up, placement), d(d_out, placement);
      std::vector<float> d_gate(gate.size()), d_up(gate.size());
      const float want = judge.swiglu_backward(
          {gate.data(), up.data(), d_out.data(), 0.6F, limit, n, d_gate.data(), d_up.data()});
      const float got =
          training.swiglu_backward({g.data(), u.data(), d.data(), 0.6F, limit, n, g.data(), u.data()});
      double size = 0.0;
      for (size_t i = 0; i < gate.size(); ++i) {
        // Some ten roundings of factors around one; the slope 1 + g (1 - s) may cancel down from 4.
        ASSERT_NEAR(g[i], d_gate[i], 16 * 0x1p-24 * std::fabs(d_out[i]) * (1.0F + std::fabs(up[i])) * 4.0F);
        ASSERT_NEAR(u[i], d_up[i], 16 * 0x1p-24 * std::fabs(d_out[i]) * std::fabs(gate[i]));
        size += std::fabs(static_cast<double>(d_out[i]) * gate[i] * up[i]);
      }
      ASSERT_NEAR(got, want, static_cast<double>(n + 16) * 0x1p-24 * size);
    });
  }
}

}  // namespace
}  // namespace fathom
