// SPDX-License-Identifier: MIT
// Attention steps and pooling of every tier that runs here, against sums in binary64.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <memory>
#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "numeric/math.h"

namespace fathom {
namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();

// Heads, dimension and rows of one attention problem, split into steps of `step` rows.
struct AttendCase {
  int64_t heads, dim, rows, step;
};

struct AttendState {
  std::vector<float> top, sum, out;
};

AttendState run_attend(const KernelTable& table, const AttendCase& c, std::span<const float> q,
                       const std::vector<const float*>& rows, float sink) {
  AttendState s;
  s.top.assign(static_cast<size_t>(c.heads), sink);
  s.sum.assign(static_cast<size_t>(c.heads), 1.0F);
  s.out.assign(static_cast<size_t>(c.heads * c.dim), 0.0F);
  for (int64_t first = 0; first < c.rows; first += c.step) {
    AttendArgs args;
    args.q = q.data();
    args.heads = c.heads;
    args.dim = c.dim;
    args.rows = rows.data() + first;
    args.count = std::min(c.step, c.rows - first);
    args.scale = 1.0F / std::sqrt(static_cast<float>(c.dim));
    args.running_max = s.top.data();
    args.running_sum = s.sum.data();
    args.out = s.out.data();
    table.attention->attend(args);
  }
  return s;
}

// |out - exact| is bounded by the error of the scores (which enter the weights as a relative error) and the
// sums.
void expect_attention(const AttendCase& c, std::span<const float> q, const std::vector<const float*>& rows,
                      float sink, const AttendState& got, const std::string& what) {
  const double scale = 1.0 / std::sqrt(static_cast<double>(c.dim));
  for (int64_t h = 0; h < c.heads; ++h) {
    std::vector<double> score(static_cast<size_t>(c.rows));
    double top = sink;
    double largest_product = std::fabs(sink);
    for (size_t j = 0; j < score.size(); ++j) {
      double absolute = 0.0;
      for (int64_t d = 0; d < c.dim; ++d) {
        const double product =
            static_cast<double>(q[static_cast<size_t>(h * c.dim + d)]) * rows[j][d] * scale;
        score[j] += product;
        absolute += std::fabs(product);
      }
      top = std::max(top, score[j]);
      largest_product = std::max(largest_product, absolute);
    }
    double sum = std::exp(sink - top);
    for (const double s : score) sum += std::exp(s - top);
    // Relative error of a weight: its score's, twice (numerator and maximum), and 4 units for each of the two
    // exponentials of every step; of a sum: one unit an addition.
    const double steps = std::ceil(static_cast<double>(c.rows) / static_cast<double>(c.step));
    const double relative = 0x1p-24 * (2 * (static_cast<double>(c.dim) / 8 + 14) * largest_product +
                                       12 * steps + 2 * static_cast<double>(c.rows) + 8);
    for (int64_t d = 0; d < c.dim; ++d) {
      double exact = 0.0;
      double absolute = 0.0;
      for (size_t j = 0; j < score.size(); ++j) {
        const double term = std::exp(score[j] - top) / sum * rows[j][d];
        exact += term;
        absolute += std::fabs(term);
      }
      const double value = static_cast<double>(got.out[static_cast<size_t>(h * c.dim + d)]) /
                           static_cast<double>(got.sum[static_cast<size_t>(h)]);
      ASSERT_NEAR(value, exact, relative * absolute) << what << ", head " << h << ", channel " << d;
    }
  }
}

std::vector<AttendCase> attend_cases() {
  std::vector<AttendCase> cases;
  for (int64_t dim = 1; dim <= 34; ++dim) cases.push_back({3, dim, 7, kAttendRows});
  for (int64_t rows = 1; rows <= kAttendRows; ++rows) cases.push_back({2, 24, rows, kAttendRows});
  for (int64_t heads = 1; heads <= 9; ++heads) cases.push_back({heads, 67, 13, 5});
  cases.push_back({5, 512, 100, kAttendRows});
  cases.push_back({64, 129, 33, kAttendRows});
  return cases;
}

TEST(Attention, StepsAreRightWithinTheBound) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const AttendCase& c : attend_cases()) {
      for (const Placement placement : kPlacements) {
        GuardedArray<float> q(random_floats(static_cast<size_t>(c.heads * c.dim), 1), placement);
        std::vector<std::unique_ptr<GuardedArray<float>>> storage;
        std::vector<const float*> rows;
        for (int64_t j = 0; j < c.rows; ++j) {
          storage.push_back(std::make_unique<GuardedArray<float>>(
              random_floats(static_cast<size_t>(c.dim), static_cast<unsigned>(100 + j)), placement));
          rows.push_back(storage.back()->data());
        }
        const std::span<const float> queries(q.data(), q.size());
        for (const float sink : {-80.0F, 0.0F, 40.0F}) {
          const AttendState got = run_attend(*table, c, queries, rows, sink);
          const std::string what = std::string(table->name) + " heads " + std::to_string(c.heads) + " dim " +
                                   std::to_string(c.dim) + " rows " + std::to_string(c.rows);
          expect_attention(c, queries, rows, sink, got, what);
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

// The running arrays lie between guard pages too.
TEST(Attention, TouchesOnlyItsOwnOutputs) {
  for (const KernelTable* table : runnable_tiers()) {
    for (int64_t heads = 1; heads <= 5; ++heads) {
      for (const Placement placement : kPlacements) {
        constexpr int64_t kDim = 19;
        const std::vector<float> q = random_floats(static_cast<size_t>(heads * kDim), 1);
        const std::vector<float> key = random_floats(kDim, 2);
        const float* row = key.data();
        GuardedArray<float> top(static_cast<size_t>(heads), placement),
            sum(static_cast<size_t>(heads), placement), out(static_cast<size_t>(heads * kDim), placement);
        table->attention->attend({q.data(), heads, kDim, &row, 1, 1.0F, top.data(), sum.data(), out.data()});
        EXPECT_GT(sum[0], 0.0F);
      }
    }
  }
}

TEST(Attention, HeadsDoNotSeeEachOther) {
  for (const KernelTable* table : runnable_tiers()) {
    const AttendCase all{9, 67, 29, kAttendRows};
    const std::vector<float> q = random_floats(static_cast<size_t>(all.heads * all.dim), 3);
    std::vector<std::vector<float>> keys;
    std::vector<const float*> rows;
    for (int64_t j = 0; j < all.rows; ++j) {
      keys.push_back(random_floats(static_cast<size_t>(all.dim), static_cast<unsigned>(50 + j)));
      rows.push_back(keys.back().data());
    }
    const AttendState together = run_attend(*table, all, q, rows, 0.0F);
    for (int64_t h = 0; h < all.heads; ++h) {
      const AttendCase one{1, all.dim, all.rows, all.step};
      const size_t first = static_cast<size_t>(h * all.dim);
      const AttendState alone = run_attend(*table, one, std::span(q).subspan(first), rows, 0.0F);
      EXPECT_TRUE(same_bits(alone.sum[0], together.sum[static_cast<size_t>(h)]))
          << table->name << " head " << h;
      EXPECT_TRUE(same_bits(alone.out, std::span(together.out).subspan(first, static_cast<size_t>(all.dim))))
          << table->name << " head " << h;
    }
  }
}

// One row of one channel turns a step into an exponential: sum = 0 * e^0 + e^(score - 0).
TEST(Attention, ExponentialIsWithinTwoUlps) {
  for (const KernelTable* table : runnable_tiers()) {
    double worst = 0.0;
    for (float x = -106.0F; x <= 0.0F; x += 0.00037F) {
      const float q = 1.0F;
      const float* row = &x;
      float top = 0.0F;
      float sum = 0.0F;
      float out = 0.0F;
      table->attention->attend({&q, 1, 1, &row, 1, 1.0F, &top, &sum, &out});
      const double exact = std::exp(static_cast<double>(x));
      const double ulp = std::ldexp(1.0, std::max(std::ilogb(exact) - 23, -149));
      worst = std::max(worst, std::fabs(sum - exact) / ulp);
    }
    EXPECT_LE(worst, 2.0) << table->name;
    std::printf("tier %s: exponential within %.3f ulp\n", table->name, worst);
  }
}

TEST(Attention, FirstStepMayStartFromNothing) {
  for (const KernelTable* table : runnable_tiers()) {
    const float q = 2.0F;
    const float key = 3.0F;
    const float* row = &key;
    float top = -kInf;
    float sum = 0.0F;
    float out = 0.0F;
    table->attention->attend({&q, 1, 1, &row, 1, 0.5F, &top, &sum, &out});
    EXPECT_EQ(top, 3.0F) << table->name;
    EXPECT_EQ(sum, 1.0F) << table->name;
    EXPECT_EQ(out, 3.0F) << table->name;
  }
}

TEST(Pool, IsWithinTheBound) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const int64_t dim : test_lengths()) {
      if (dim > 600) continue;
      for (const int64_t count : {1, 2, 8, 131}) {
        for (const Placement placement : {kPlacements[0], kPlacements[2]}) {
          // Rows of one array, as they lie in the state: the first and the last touch the guards.
          GuardedArray<float> c(random_floats(static_cast<size_t>(count * dim), 5), placement);
          GuardedArray<float> z(random_floats(static_cast<size_t>(count * dim), 6, 2), placement);
          GuardedArray<float> out(static_cast<size_t>(dim), placement);
          // The first row is masked, as block -1 of the first entry is (architecture.md 4).
          if (count > 1) std::fill(z.data(), z.data() + dim, -kInf);
          std::vector<const float*> c_rows, z_rows;
          for (int64_t j = 0; j < count; ++j) {
            c_rows.push_back(c.data() + j * dim);
            z_rows.push_back(z.data() + j * dim);
          }
          table->attention->pool(c_rows.data(), z_rows.data(), count, dim, out.data());
          for (int64_t d = 0; d < dim; ++d) {
            double top = -std::numeric_limits<double>::infinity();
            for (const float* row : z_rows) top = std::max<double>(top, row[d]);
            double sum = 0.0;
            double value = 0.0;
            double absolute = 0.0;
            for (int64_t j = 0; j < count; ++j) {
              const double weight = std::exp(z_rows[static_cast<size_t>(j)][d] - top);
              sum += weight;
              value += weight * c_rows[static_cast<size_t>(j)][d];
              absolute += std::fabs(weight * c_rows[static_cast<size_t>(j)][d]);
            }
            // Differences of gates up to 2^5 lose 2^-19 absolutely; exp 4 units; sums one unit an addition.
            const double relative = 0x1p-24 * (32 + 12 + 2 * static_cast<double>(count));
            ASSERT_NEAR(out[static_cast<size_t>(d)], value / sum, relative * absolute / sum)
                << table->name << " dim " << dim << " count " << count << " channel " << d;
          }
        }
      }
    }
  }
}

}  // namespace
}  // namespace fathom
