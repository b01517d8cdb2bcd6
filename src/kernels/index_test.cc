// SPDX-License-Identifier: MIT
// Lightning indexer scores of every tier that runs here: against sums in binary64, and packed keys against
// f32 ones, which must agree to the bit (architecture.md 5).
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "numeric/block_quant.h"
#include "numeric/row_format.h"

namespace fathom {
namespace {

struct NamedIndex {
  std::string name;
  const IndexKernels* index;
};

// Every tier's, and the one of avx512 that a CPU with the int8 dot product passes over.
std::vector<NamedIndex> runnable_index_kernels() {
  std::vector<NamedIndex> kernels;
  for (const KernelTable* table : runnable_tiers()) {
    kernels.push_back({table->name, table->index});
#if defined(__x86_64__)
    if (table->name == std::string("avx512")) kernels.push_back({"avx512 without VNNI", &kIndexAvx512});
#endif
  }
  return kernels;
}

// A query and keys in the two forms.
struct IndexCase {
  int64_t heads, dim, count;
  std::vector<float> q, weights, keys;
  std::vector<uint8_t> packed;
  int64_t packed_stride = 0;

  IndexCase(int64_t heads_in, int64_t dim_in, int64_t count_in, unsigned seed)
      : heads(heads_in),
        dim(dim_in),
        count(count_in),
        q(random_floats(static_cast<size_t>(heads * dim), seed)),
        weights(random_floats(static_cast<size_t>(heads), seed + 1)),
        keys(random_floats(static_cast<size_t>(count * dim), seed + 2)) {}

  // What the model does before it packs.
  void round_trip() {
    for (int64_t h = 0; h < heads; ++h) fp4_round_trip(std::span(q).subspan(h * dim, dim), 32);
    const RowFormat format{.encoding = RowEncoding::kFp4, .dim = dim};
    packed_stride = format.row_bytes();
    packed.assign(static_cast<size_t>(count * packed_stride), 0);
    for (int64_t i = 0; i < count; ++i) {
      const auto key = std::span(keys).subspan(i * dim, dim);
      fp4_round_trip(key, 32);
      pack_row(format, key, packed.data() + i * packed_stride);
    }
  }
};

std::vector<float> scores_of(const IndexForm& form, const IndexCase& c, const uint8_t* keys, int64_t stride,
                             Placement placement) {
  GuardedArray<float> q(c.q, placement), weights(c.weights, placement);
  GuardedArray<uint8_t> rows(std::span(keys, static_cast<size_t>(c.count * stride)),
                             {placement.at_end, 4 * placement.offset});
  GuardedArray<uint8_t> prepared(static_cast<size_t>(index_query_bytes(c.heads, c.dim)),
                                 {placement.at_end, 4 * placement.offset});
  GuardedArray<float> scores(static_cast<size_t>(c.count), placement);
  form.prepare({q.data(), weights.data(), c.heads, c.dim, prepared.data()});
  form.scores({.prepared = prepared.data(),
               .heads = c.heads,
               .dim = c.dim,
               .keys = rows.data(),
               .key_stride = stride,
               .count = c.count,
               .scores = scores.data()});
  return scores.copy();
}

std::vector<float> f32_scores(const IndexKernels& index, const IndexCase& c,
                              Placement placement = kPlacements[0]) {
  return scores_of(index.f32, c, reinterpret_cast<const uint8_t*>(c.keys.data()), 4 * c.dim, placement);
}

std::vector<float> packed_scores(const IndexKernels& index, const IndexCase& c,
                                 Placement placement = kPlacements[0]) {
  return scores_of(index.fp4, c, c.packed.data(), c.packed_stride, placement);
}

// `dot_terms`: roundings of a dot product.
void expect_scores(const IndexCase& c, const std::vector<float>& scores, double dot_terms,
                   const std::string& what) {
  for (int64_t i = 0; i < c.count; ++i) {
    double exact = 0.0;
    double absolute = 0.0;
    double dots_absolute = 0.0;
    for (int64_t h = 0; h < c.heads; ++h) {
      double dot = 0.0;
      double dot_absolute = 0.0;
      for (int64_t d = 0; d < c.dim; ++d) {
        const double product = double{c.q[h * c.dim + d]} * c.keys[i * c.dim + d];
        dot += product;
        dot_absolute += std::fabs(product);
      }
      const double weight = c.weights[h];
      exact += weight * std::max(dot, 0.0);
      absolute += std::fabs(weight) * std::max(dot, 0.0);
      dots_absolute += std::fabs(weight) * dot_absolute;
    }
    // At most heads / 4 lane sums follow one another, then a tree of at most 4 steps and the result.
    const double terms = static_cast<double>(c.heads) / 4 + 6;
    const double bound = 0x1p-24 * (dot_terms * dots_absolute + terms * (absolute + 0x1p-20 * dots_absolute));
    ASSERT_NEAR(scores[i], exact, bound) << what << ", key " << i;
  }
}

std::string describe(const NamedIndex& tier, const IndexCase& c) {
  return tier.name + ", heads " + std::to_string(c.heads) + ", dim " + std::to_string(c.dim) + ", keys " +
         std::to_string(c.count);
}

TEST(Index, F32ScoresAreWithinTheBound) {
  for (const NamedIndex& tier : runnable_index_kernels()) {
    for (const int64_t dim : {1, 7, 16, 33, 128, 161}) {
      for (const int64_t heads : {1, 3, 4, 9, 17, 40, 64}) {
        const IndexCase c(heads, dim, 11, 1);
        for (const Placement placement : kPlacements) {
          // 32 roundings in a group, then one per group.
          expect_scores(c, f32_scores(*tier.index, c, placement), 33.0 + static_cast<double>(dim) / 32,
                        describe(tier, c));
          if (HasFatalFailure()) return;
        }
      }
    }
  }
}

TEST(Index, PackedKeysGiveTheBitsOfF32Keys) {
  for (const NamedIndex& tier : runnable_index_kernels()) {
    for (const int64_t dim : {1, 2, 8, 16, 31, 32, 33, 64, 96, 128, 160, 512}) {
      for (const int64_t heads : {1, 7, 8, 17, 33, 64}) {
        for (const int64_t count : {1, 3, 6}) {
          IndexCase c(heads, dim, count, static_cast<unsigned>(dim));
          c.round_trip();
          for (const Placement placement : kPlacements) {
            const std::vector<float> packed = packed_scores(*tier.index, c, placement);
            ASSERT_TRUE(same_bits(packed, f32_scores(*tier.index, c, placement))) << describe(tier, c);
          }
        }
      }
    }
  }
}

// A group's sum is a whole number of at most 4608 times a power of two, and with scales this near to each
// other so is the whole dot product: nothing is rounded before the heads are added.
TEST(Index, PackedDotProductsAreExact) {
  for (const NamedIndex& tier : runnable_index_kernels()) {
    for (const int64_t dim : {32, 128}) {
      for (unsigned seed = 1; seed <= 20; ++seed) {
        IndexCase c(1, dim, 32, seed);
        for (size_t i = 0; i < c.keys.size(); ++i) c.keys[i] *= static_cast<float>(1U << (i / 32 % 4));
        c.weights = {1.0F};
        c.round_trip();
        const std::vector<float> scores = packed_scores(*tier.index, c);
        for (int64_t i = 0; i < c.count; ++i) {
          double dot = 0.0;
          for (int64_t d = 0; d < dim; ++d) dot += double{c.q[d]} * c.keys[i * dim + d];
          ASSERT_EQ(scores[i], std::max(dot, 0.0)) << describe(tier, c) << ", key " << i;
        }
        c.heads = 40;
        c.q = random_floats(static_cast<size_t>(40 * dim), seed);
        c.weights = random_floats(40, seed);
        c.round_trip();
        expect_scores(c, packed_scores(*tier.index, c), 0.0, describe(tier, c));
        if (HasFatalFailure()) return;
      }
    }
  }
}

// Largest sums of either sign, and scales of groups so far apart that adding them rounds.
TEST(Index, LargestSumsAndDistantScalesGiveEqualBits) {
  for (const NamedIndex& tier : runnable_index_kernels()) {
    IndexCase c(48, 128, 8, 5);
    for (size_t i = 0; i < c.q.size(); ++i) c.q[i] = i / 128 % 2 == 0 ? 6.0F : -6.0F;
    for (size_t i = 0; i < c.keys.size(); ++i) c.keys[i] = i / 128 % 3 == 0 ? -6.0F : 6.0F;
    c.round_trip();
    EXPECT_TRUE(same_bits(packed_scores(*tier.index, c), f32_scores(*tier.index, c))) << tier.name;
    c.weights.assign(48, 0.0F);
    c.weights[0] = 1.0F;
    EXPECT_EQ(packed_scores(*tier.index, c)[1], 128 * 36.0F) << tier.name;
    for (unsigned seed = 1; seed <= 20; ++seed) {
      IndexCase far(48, 128, 8, seed);
      for (size_t i = 0; i < far.q.size(); ++i)
        far.q[i] = std::ldexp(far.q[i], static_cast<int>(i / 32 * 7 % 40) - 20);
      for (size_t i = 0; i < far.keys.size(); ++i)
        far.keys[i] = std::ldexp(far.keys[i], static_cast<int>(i / 32 * 11 % 60) - 30);
      far.round_trip();
      ASSERT_TRUE(same_bits(packed_scores(*tier.index, far), f32_scores(*tier.index, far)))
          << tier.name << " seed " << seed;
    }
  }
}

TEST(Index, ZeroQueriesAndKeysScoreZero) {
  for (const NamedIndex& tier : runnable_index_kernels()) {
    IndexCase c(9, 64, 5, 3);
    std::fill(c.q.begin(), c.q.end(), 0.0F);
    c.round_trip();
    for (const float score : packed_scores(*tier.index, c)) EXPECT_EQ(score, 0.0F) << tier.name;
    IndexCase other(9, 64, 5, 4);
    std::fill(other.keys.begin(), other.keys.end(), -0.0F);
    other.round_trip();
    for (const float score : packed_scores(*tier.index, other)) EXPECT_EQ(score, 0.0F) << tier.name;
  }
}

// Pages are scored whole or in part, depending on how many entries a token sees.
TEST(Index, AKeysBitsDoNotDependOnTheKeysBesideIt) {
  for (const NamedIndex& tier : runnable_index_kernels()) {
    for (const int64_t heads : {1, 7, 64}) {
      IndexCase all(heads, 128, 32, 7);
      all.round_trip();
      const std::vector<float> want = packed_scores(*tier.index, all);
      const std::vector<float> want_f32 = f32_scores(*tier.index, all);
      for (int64_t first = 0; first < 32; first += 3) {
        for (const int64_t count : {int64_t{1}, int64_t{2}, int64_t{5}, 32 - first}) {
          if (first + count > 32) continue;
          IndexCase some = all;
          some.count = count;
          some.keys.erase(some.keys.begin(), some.keys.begin() + first * all.dim);
          some.packed.erase(some.packed.begin(), some.packed.begin() + first * all.packed_stride);
          const auto same = [&](const std::vector<float>& got, const std::vector<float>& whole) {
            return same_bits(got, std::span(whole).subspan(first, count));
          };
          ASSERT_TRUE(same(packed_scores(*tier.index, some), want)) << tier.name << " " << first;
          ASSERT_TRUE(same(f32_scores(*tier.index, some), want_f32)) << tier.name << " " << first;
        }
      }
    }
  }
}

#if defined(__x86_64__)
// The tier's name must not hide which instruction a CPU has.
TEST(Index, Avx512GivesEqualBitsWithAndWithoutTheInt8DotProduct) {
  for (const KernelTable* table : runnable_tiers()) {
    if (table->index != &kIndexAvx512Vnni) continue;
    IndexCase c(40, 128, 32, 9);
    c.round_trip();
    EXPECT_TRUE(same_bits(packed_scores(kIndexAvx512Vnni, c), packed_scores(kIndexAvx512, c)));
  }
}
#endif

}  // namespace
}  // namespace fathom
