// SPDX-License-Identifier: MIT
// Attention, index scores and pooling against plain softmax in binary64, and what must not show in their
// bits: which heads share a call, how many keys do (design.md 10.2).
#include "ops/attend.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "ops/index_scores.h"
#include "ops/quantize.h"

namespace fathom {
namespace {

struct Query {
  Query(int64_t heads_in, int64_t dim_in, unsigned seed)
      : heads(heads_in),
        dim(dim_in),
        q(random_floats(static_cast<size_t>(heads * dim), seed)),
        sink(random_floats(static_cast<size_t>(heads), seed + 1)) {}

  // Heads [begin, end) of the query against the rows, in blocks of kAttendBlock.
  std::vector<float> attend(const std::vector<const float*>& rows, int64_t begin, int64_t end) const {
    const auto count = static_cast<size_t>(end - begin);
    std::vector<float> running_max(count), running_sum(count), out(count * static_cast<size_t>(dim));
    const AttendState state{.q = std::span(q).subspan(begin * dim, out.size()),
                            .running_max = running_max,
                            .running_sum = running_sum,
                            .out = out,
                            .scale = 0.3F};
    attend_begin(state, std::span(sink).subspan(begin, count));
    for (size_t first = 0; first < rows.size(); first += kAttendBlock) {
      attend_rows(state, std::span(rows).subspan(first, std::min<size_t>(kAttendBlock, rows.size() - first)));
    }
    attend_finish(state);
    return out;
  }

  int64_t heads, dim;
  std::vector<float> q, sink;
};

std::vector<const float*> row_pointers(const std::vector<float>& rows, int64_t dim) {
  std::vector<const float*> out;
  for (size_t i = 0; i < rows.size(); i += static_cast<size_t>(dim)) out.push_back(&rows[i]);
  return out;
}

// One head by the definition.
std::vector<double> softmax_average(const Query& query, int64_t head, const std::vector<const float*>& rows) {
  std::vector<double> logits;
  double top = query.sink[head];
  for (const float* row : rows) {
    double dot = 0.0;
    for (int64_t d = 0; d < query.dim; ++d) dot += double{query.q[head * query.dim + d]} * row[d];
    logits.push_back(dot * 0.3F);
    top = std::max(top, logits.back());
  }
  double sum = std::exp(query.sink[head] - top);
  std::vector<double> out(static_cast<size_t>(query.dim), 0.0);
  for (size_t j = 0; j < rows.size(); ++j) {
    const double weight = std::exp(logits[j] - top);
    sum += weight;
    for (int64_t d = 0; d < query.dim; ++d) out[d] += weight * rows[j][d];
  }
  for (double& v : out) v /= sum;
  return out;
}

TEST(Attend, MatchesOneSoftmaxOverAllBlocks) {
  for (const int64_t dim : {1, 7, 32, 65}) {
    for (const int64_t count : {1, 2, 31, 32, 33, 64, 65, 100}) {
      const Query query(5, dim, 1);
      const std::vector<float> data = random_floats(static_cast<size_t>(count * dim), 3);
      const std::vector<const float*> rows = row_pointers(data, dim);
      const std::vector<float> got = query.attend(rows, 0, 5);
      for (int64_t head = 0; head < 5; ++head) {
        const std::vector<double> want = softmax_average(query, head, rows);
        // Logits below 16 carry (dim + 3) 2^-24 relative, which moves weights by as much; values below 5.
        const double bound = 5 * (16 * static_cast<double>(dim + 3) + static_cast<double>(count)) * 0x1p-24;
        for (int64_t d = 0; d < dim; ++d) {
          EXPECT_NEAR(got[head * dim + d], want[d], bound) << dim << " " << count << " head " << head;
        }
      }
    }
  }
}

// Threads may split a token's heads anywhere.
TEST(Attend, AHeadsBitsDoNotDependOnTheHeadsBesideIt) {
  const Query query(13, 40, 5);
  const std::vector<float> data = random_floats(70 * 40, 6);
  const std::vector<const float*> rows = row_pointers(data, 40);
  const std::vector<float> all = query.attend(rows, 0, 13);
  for (int64_t begin = 0; begin < 13; ++begin) {
    for (int64_t end = begin + 1; end <= 13; ++end) {
      const std::vector<float> some = query.attend(rows, begin, end);
      EXPECT_TRUE(same_bits(some, std::span(all).subspan(begin * 40, some.size()))) << begin << " " << end;
    }
  }
}

TEST(Attend, TheSinkTakesWeightAndGivesNoValue) {
  Query query(2, 3, 7);
  query.sink = {0.0F, 1e4F};
  query.q.assign(6, 0.0F);
  const std::vector<float> data = {3, 6, 9, 5, 10, 15};
  const std::vector<float> out = query.attend(row_pointers(data, 3), 0, 2);
  // Head 0: two rows and the sink share evenly. Head 1: the sink takes all.
  for (size_t d = 0; d < 3; ++d) EXPECT_NEAR(out[d], (data[d] + data[3 + d]) / 3, 2e-6);
  for (size_t d = 3; d < 6; ++d) EXPECT_EQ(out[d], 0.0F);
  EXPECT_EQ(query.attend({}, 0, 2), std::vector<float>(6, 0.0F));
}

TEST(Attend, HugeLogitsOfLaterBlocksReplaceWhatCameBefore) {
  Query query(1, 2, 8);
  query.q = {1e4F, 0.0F};
  std::vector<float> data;
  for (int i = 0; i < 40; ++i) data.insert(data.end(), {static_cast<float>(i), static_cast<float>(-i)});
  const std::vector<float> out = query.attend(row_pointers(data, 2), 0, 1);
  EXPECT_EQ(out, (std::vector<float>{39.0F, -39.0F}));
}

TEST(PoolRows, OneRowIsReturnedAndEqualGatesAverage) {
  for (const size_t dim : {1, 7, 16, 33, 129}) {
    const std::vector<float> c = random_floats(3 * dim, 9);
    const std::vector<float> z = random_floats(dim, 10);
    std::vector<float> out(dim);
    const float* one_c[] = {c.data()};
    const float* one_z[] = {z.data()};
    pool_rows(one_c, one_z, out);
    EXPECT_TRUE(same_bits(out, std::span(c).first(dim))) << dim;
    const float* three_c[] = {c.data(), c.data() + dim, c.data() + 2 * dim};
    const float* three_z[] = {z.data(), z.data(), z.data()};
    pool_rows(three_c, three_z, out);
    for (size_t i = 0; i < dim; ++i) {
      const double mean = (double{c[i]} + c[dim + i] + c[2 * dim + i]) / 3;
      EXPECT_NEAR(out[i], mean, 4 * 4 * 0x1p-24) << dim << " " << i;
    }
  }
}

TEST(PoolRows, EveryChannelHasItsOwnGatesHoweverLarge) {
  const std::vector<float> c = {1, 2, 3, 10, 20, 30};
  const std::vector<float> z = {3e4F, -3e4F, 0.0F, -3e4F, 3e4F, std::log(3.0F)};
  const float* c_rows[] = {c.data(), c.data() + 3};
  const float* z_rows[] = {z.data(), z.data() + 3};
  std::vector<float> out(3);
  pool_rows(c_rows, z_rows, out);
  EXPECT_EQ(out[0], 1.0F);
  EXPECT_EQ(out[1], 20.0F);
  EXPECT_NEAR(out[2], 3 * 0.25 + 30 * 0.75, 1e-5);
}

TEST(IndexScores, WeightsMayBeNegativeAndNegativeProductsCountAsZero) {
  const std::vector<float> q = {1, 0, 0, 1};
  const std::vector<float> weights = {2.0F, -3.0F};
  const std::vector<float> keys = {5, 7, 5, -7, -5, 7, -5, -7};
  const RowFormat format{.dim = 2};
  std::vector<uint8_t> memory(static_cast<size_t>(index_query_room(2, 2)));
  const IndexQuery query(format, q, weights, memory);
  std::vector<float> scores(4);
  query.scores(reinterpret_cast<const uint8_t*>(keys.data()), scores);
  EXPECT_EQ(scores, (std::vector<float>{10 - 21, 10, -21, 0}));
}

TEST(IndexScores, PackedRowsGiveTheScoresOfTheRowsThatWerePacked) {
  constexpr int64_t kHeads = 5;
  constexpr int64_t kDim = 64;
  constexpr int64_t kCount = 7;
  std::vector<float> q = random_floats(kHeads * kDim, 21);
  std::vector<float> keys = random_floats(kCount * kDim, 22);
  for (int64_t h = 0; h < kHeads; ++h) quantize_index(std::span(q).subspan(h * kDim, kDim));
  const RowFormat packed_format{.encoding = RowEncoding::kFp4, .dim = kDim};
  std::vector<uint8_t> packed(static_cast<size_t>(kCount * packed_format.row_bytes()));
  for (int64_t i = 0; i < kCount; ++i) {
    const auto key = std::span(keys).subspan(i * kDim, kDim);
    quantize_index(key);
    pack_row(packed_format, key, packed.data() + i * packed_format.row_bytes());
  }
  const std::vector<float> weights = random_floats(kHeads, 23);
  std::vector<uint8_t> memory(static_cast<size_t>(index_query_room(kHeads, kDim)));
  std::vector<float> plain(kCount), from_packed(kCount);
  IndexQuery({.dim = kDim}, q, weights, memory).scores(reinterpret_cast<const uint8_t*>(keys.data()), plain);
  IndexQuery(packed_format, q, weights, memory).scores(packed.data(), from_packed);
  EXPECT_TRUE(same_bits(plain, from_packed));
}

}  // namespace
}  // namespace fathom
