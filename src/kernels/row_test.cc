// SPDX-License-Identifier: MIT
// Row operations of every tier that runs here, against the generic one: equal bits where no sum or
// exponential is involved, bounds from the inputs elsewhere.
#include <gtest/gtest.h>

#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"

namespace fathom {
namespace {

const RowKernels& judge() { return *kernel_tiers().front().table->row; }

// Runs `body` for every tier, length and placement, with the case in the failure message.
template <typename Body>
void for_every_case(Body body) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const int64_t n : test_lengths()) {
      for (const Placement placement : kPlacements) {
        SCOPED_TRACE(std::string(table->name) + ", length " + std::to_string(n) + ", offset " +
                     std::to_string(placement.offset) + (placement.at_end ? " at the end" : ""));
        body(*table->row, n, placement);
        if (testing::Test::HasFatalFailure()) return;
      }
    }
  }
}

std::vector<float> values(int64_t n, unsigned seed, int spread = 0) {
  return random_floats(static_cast<size_t>(n), seed, spread);
}

TEST(Row, SumOfSquaresIsWithinTheBound) {
  for_every_case([](const RowKernels& row, int64_t n, Placement placement) {
    GuardedArray<float> x(values(n, 1, 3), placement);
    double exact = 0.0;
    for (const float v : x.copy()) exact += static_cast<double>(v) * v;
    // All terms are positive; at most n / 8 + 4 additions follow one another, and 2 roundings a term.
    ASSERT_NEAR(row.sum_squares(x.data(), n), exact, (static_cast<double>(n) / 8 + 8) * 0x1p-24 * exact);
  });
}

TEST(Row, ScalingAndAddingGiveEqualBits) {
  for_every_case([](const RowKernels& row, int64_t n, Placement placement) {
    const std::vector<float> a = values(n, 2, 20);
    const std::vector<float> b = values(n, 3, 20);
    GuardedArray<float> x(a, placement), gain(b, placement), out(static_cast<size_t>(n), placement);
    std::vector<float> want(static_cast<size_t>(n));
    row.scale(x.data(), 0.3F, n, out.data());
    judge().scale(a.data(), 0.3F, n, want.data());
    ASSERT_TRUE(same_bits(out.copy(), want));
    row.scale_gain(x.data(), 0.7F, gain.data(), n, out.data());
    judge().scale_gain(a.data(), 0.7F, b.data(), n, want.data());
    ASSERT_TRUE(same_bits(out.copy(), want));
    row.add(x.data(), n, out.data());
    judge().add(a.data(), n, want.data());
    ASSERT_TRUE(same_bits(out.copy(), want));
    // In place.
    row.scale_gain(x.data(), 0.7F, gain.data(), n, x.data());
    judge().scale_gain(a.data(), 0.7F, b.data(), n, want.data());
    ASSERT_TRUE(same_bits(x.copy(), want));
  });
}

// Values around every rounding decision: codes, ties and their neighbours under a scale of 1, signed zeros,
// subnormals.
std::vector<float> quantiser_cases(int64_t n, unsigned seed) {
  std::vector<float> x = values(n, seed, 12);
  for (size_t i = 0; i < x.size(); ++i) {
    const float tie = std::ldexp(std::round(x[i] * 16.0F) / 16.0F, static_cast<int>(i % 7) - 3);
    if (i % 5 == 1) x[i] = tie;
    if (i % 5 == 2) x[i] = std::nextafter(tie, 0.0F);
    if (i % 5 == 3) x[i] = std::nextafter(tie, std::numeric_limits<float>::infinity());
    if (i % 17 == 4) x[i] = -0.0F;
    if (i % 19 == 5) x[i] = std::ldexp(x[i], -140);
  }
  return x;
}

TEST(Row, QuantisersGiveEqualBits) {
  for_every_case([](const RowKernels& row, int64_t n, Placement placement) {
    for (unsigned seed = 0; seed < 4; ++seed) {
      // Also groups of 1.75 * 2^k, all zeros, and magnitudes near both ends of the domain.
      std::vector<float> a = quantiser_cases(n, 10 + seed);
      if (seed == 1) a[0] = 448.0F * 64.0F;
      if (seed == 2) std::fill(a.begin(), a.end(), seed == 2 && n % 2 == 0 ? 0.0F : -1e-30F);
      if (seed == 3) {
        for (float& v : a) v = std::ldexp(v, 80);
      }
      GuardedArray<float> x(a, placement), out(static_cast<size_t>(n), placement);
      std::vector<float> want(static_cast<size_t>(n));
      for (const int64_t block : {64, 128}) {
        row.fp8_round_trip(x.data(), n, block, out.data());
        judge().fp8_round_trip(a.data(), n, block, want.data());
        ASSERT_TRUE(same_bits(out.copy(), want)) << "fp8, block " << block << ", case " << seed;
      }
      row.fp4_round_trip(x.data(), n, out.data());
      judge().fp4_round_trip(a.data(), n, want.data());
      ASSERT_TRUE(same_bits(out.copy(), want)) << "fp4, case " << seed;
      row.fp4_round_trip(x.data(), n, x.data());
      ASSERT_TRUE(same_bits(x.copy(), want)) << "fp4 in place, case " << seed;
    }
  });
}

// A NaN must reach the logits, where it is reported, and leave its group's scale to the other elements.
TEST(Row, NanSurvivesTheQuantisersAndHarmsNoNeighbour) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const int64_t n : {int64_t{3}, int64_t{16}, int64_t{19}, int64_t{64}, int64_t{131}}) {
      for (int64_t place = 0; place < n; ++place) {
        std::vector<float> x = values(n, 51);
        // The largest value shares the NaN's lane in every tier, one vector or more before it.
        if (place >= 16) x[static_cast<size_t>(place % 8)] = 1000.0F;
        std::vector<float> clean = x;
        x[static_cast<size_t>(place)] = std::numeric_limits<float>::quiet_NaN();
        clean[static_cast<size_t>(place)] = 0.0F;
        std::vector<float> got(x.size()), want(x.size());
        table->row->fp8_round_trip(x.data(), n, 64, got.data());
        judge().fp8_round_trip(clean.data(), n, 64, want.data());
        ASSERT_TRUE(std::isnan(got[static_cast<size_t>(place)])) << table->name << " place " << place;
        got[static_cast<size_t>(place)] = 0.0F;
        ASSERT_TRUE(same_bits(got, want)) << table->name << " length " << n << " place " << place;
        table->row->fp4_round_trip(x.data(), n, got.data());
        judge().fp4_round_trip(clean.data(), n, want.data());
        got[static_cast<size_t>(place)] = 0.0F;
        ASSERT_TRUE(same_bits(got, want)) << table->name << " fp4, length " << n << " place " << place;
      }
    }
  }
}

// Every binary32 exponent and every pattern of the upper mantissa bits, as the whole of a group of one.
TEST(Row, QuantisersAgreeOverTheWholeRange) {
  for (const KernelTable* table : runnable_tiers()) {
    std::vector<float> x;
    for (uint32_t upper = 0; upper < 0x7b80; ++upper) {  // below 2^120
      for (const uint32_t lower : {0u, 1u, 0x7fffu, 0x8000u, 0xffffu}) {
        x.push_back(std::bit_cast<float>((upper << 16 | lower) ^ ((upper & 1u) << 31)));
      }
    }
    const auto n = static_cast<int64_t>(x.size());
    std::vector<float> got(x.size()), want(x.size());
    for (const int64_t block : {1, 3, 128}) {
      table->row->fp8_round_trip(x.data(), n, block, got.data());
      judge().fp8_round_trip(x.data(), n, block, want.data());
      ASSERT_TRUE(same_bits(got, want)) << table->name << " fp8, block " << block;
    }
    table->row->fp4_round_trip(x.data(), n, got.data());
    judge().fp4_round_trip(x.data(), n, want.data());
    ASSERT_TRUE(same_bits(got, want)) << table->name << " fp4";
  }
}

TEST(Row, HadamardGivesEqualBits) {
  for (const KernelTable* table : runnable_tiers()) {
    for (int64_t n = 1; n <= 1024; n *= 2) {
      for (const Placement placement : kPlacements) {
        const std::vector<float> a = values(n, 21, 4);
        GuardedArray<float> x(a, placement);
        std::vector<float> want = a;
        table->row->hadamard(x.data(), n);
        judge().hadamard(want.data(), n);
        ASSERT_TRUE(same_bits(x.copy(), want)) << table->name << " length " << n;
      }
    }
  }
}

TEST(Row, SwigluIsWithinTheBound) {
  for_every_case([](const RowKernels& row, int64_t n, Placement placement) {
    const std::vector<float> g = values(n, 31, 5);
    const std::vector<float> u = values(n, 32, 5);
    GuardedArray<float> gate(g, placement), up(u, placement), out(static_cast<size_t>(n), placement);
    for (const float limit : {std::numeric_limits<float>::infinity(), 7.0F}) {
      row.swiglu(gate.data(), up.data(), 0.37F, limit, n, out.data());
      for (int64_t i = 0; i < n; ++i) {
        const double cut = std::min<double>(g[static_cast<size_t>(i)], limit);
        const double other = std::fmax(-limit, std::fmin(limit, u[static_cast<size_t>(i)]));
        const double exact = static_cast<double>(0.37F) * (cut / (1.0 + std::exp(-cut))) * other;
        // exp 4 units of 2^-24, then one each for the sum, the quotient and two products; below 2^-126 / e^88
        // the exponential overflows and the result is -0 instead of a subnormal.
        ASSERT_NEAR(out[static_cast<size_t>(i)], exact,
                    8.5 * 0x1p-24 * std::fabs(exact) + 1e-36 * std::fabs(other))
            << i << " gate " << cut;
      }
    }
  });
}

TEST(Row, SwigluClampsTheGateFromAboveOnly) {
  for (const KernelTable* table : runnable_tiers()) {
    const std::vector<float> gate = {-9.0F, 9.0F, 1.0F, 1.0F};
    const std::vector<float> up = {1.0F, 1.0F, -9.0F, 9.0F};
    std::vector<float> out(4);
    table->row->swiglu(gate.data(), up.data(), 1.0F, 2.0F, 4, out.data());
    EXPECT_NEAR(out[0], -9.0 / (1.0 + std::exp(9.0)), 1e-9) << table->name;
    EXPECT_NEAR(out[1], 2.0 / (1.0 + std::exp(-2.0)), 1e-6) << table->name;
    EXPECT_NEAR(out[2], -2.0 / (1.0 + std::exp(-1.0)), 1e-6) << table->name;
    EXPECT_NEAR(out[3], 2.0 / (1.0 + std::exp(-1.0)), 1e-6) << table->name;
  }
}

TEST(Row, StreamMixingIsWithinTheBound) {
  for_every_case([](const RowKernels& row, int64_t n, Placement placement) {
    for (const int64_t count : {int64_t{1}, int64_t{3}, int64_t{4}, kMaxStreams}) {
      const auto c = static_cast<size_t>(count);
      const std::vector<float> x = values(count * n, 41);
      const std::vector<float> y = values(n, 42);
      const std::vector<float> post = values(count, 43);
      const std::vector<float> comb = values(count * count, 44);
      GuardedArray<float> streams(x, placement), fresh(y, placement), out(static_cast<size_t>(n), placement);
      const double terms = static_cast<double>(count) + 2;
      row.hc_collapse(streams.data(), post.data(), count, n, out.data());
      for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
        double exact = 0.0;
        double absolute = 0.0;
        for (size_t j = 0; j < c; ++j) {
          const double term = static_cast<double>(post[j]) * x[j * static_cast<size_t>(n) + i];
          exact += term;
          absolute += std::fabs(term);
        }
        ASSERT_NEAR(out[i], exact, terms * 0x1p-24 * absolute) << count << " streams, element " << i;
      }
      row.hc_expand(fresh.data(), post.data(), comb.data(), count, n, streams.data());
      for (size_t k = 0; k < c; ++k) {
        for (size_t i = 0; i < static_cast<size_t>(n); ++i) {
          double exact = static_cast<double>(post[k]) * y[i];
          double absolute = std::fabs(exact);
          for (size_t j = 0; j < c; ++j) {
            const double term = static_cast<double>(comb[j * c + k]) * x[j * static_cast<size_t>(n) + i];
            exact += term;
            absolute += std::fabs(term);
          }
          ASSERT_NEAR(streams[k * static_cast<size_t>(n) + i], exact, terms * 0x1p-24 * absolute)
              << count << " streams, stream " << k << ", element " << i;
        }
      }
    }
  });
}

}  // namespace
}  // namespace fathom
