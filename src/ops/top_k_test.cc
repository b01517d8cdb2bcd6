// SPDX-License-Identifier: MIT
// The streaming top-k against a full sort (architecture.md 5: ties go to the lower index).
#include "ops/top_k.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <limits>
#include <numeric>
#include <vector>

#include "support/random_numbers.h"

namespace fathom {
namespace {

constexpr float kInfinity = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();

// `tile` scores a call; indices begin at `first`.
std::vector<int32_t> stream(const std::vector<float>& scores, size_t k, size_t tile, int32_t first = 0) {
  std::vector<ScoredIndex> room(2 * k);
  StreamingTopK best(room);
  for (size_t i = 0; i < scores.size(); i += tile) {
    best.push(first + static_cast<int32_t>(i),
              std::span(scores).subspan(i, std::min(tile, scores.size() - i)));
  }
  std::vector<int32_t> out(k);
  out.resize(static_cast<size_t>(best.sorted_indices(out)));
  return out;
}

std::vector<int32_t> sorted_choice(const std::vector<float>& scores, size_t k) {
  std::vector<int32_t> order(scores.size());
  std::iota(order.begin(), order.end(), 0);
  std::ranges::stable_sort(order, [&](int32_t a, int32_t b) { return scores[a] > scores[b]; });
  order.resize(std::min(k, scores.size()));
  std::ranges::sort(order);
  return order;
}

// Scores in steps of a quarter, so that most of them tie.
TEST(TopK, TilesOfAnySizeChooseWhatASortChooses) {
  RandomNumbers random(1);
  for (const size_t n : {1, 2, 31, 32, 33, 129, 1000}) {
    std::vector<float> scores(n);
    for (float& s : scores) s = static_cast<float>(random.whole(-8, 8)) * 0.25F;
    for (const size_t k : {size_t{1}, size_t{3}, size_t{17}, n - 1, n, n + 1, 10 * n}) {
      for (const size_t tile : {size_t{1}, size_t{7}, size_t{32}, n}) {
        EXPECT_EQ(stream(scores, k, tile), sorted_choice(scores, k)) << n << " " << k << " " << tile;
      }
    }
  }
}

TEST(TopK, TiesGoToTheLowerIndex) {
  EXPECT_EQ(stream({1, 2, 2, 2, 1}, 2, 1), (std::vector<int32_t>{1, 2}));
  EXPECT_EQ(stream(std::vector<float>(100, 0.0F), 3, 32), (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(stream({-0.0F, 0.0F, -0.0F}, 1, 3), (std::vector<int32_t>{0})) << "zeros of both signs are equal";
}

TEST(TopK, NothingIsKeptWithoutRoomOrScores) {
  EXPECT_TRUE(stream({1, 2, 3}, 0, 2).empty());
  EXPECT_TRUE(stream({}, 4, 1).empty());
}

TEST(TopK, IndicesCountFromWhereTheTileBegins) {
  EXPECT_EQ(stream({5, 1, 7}, 2, 3, 1'000'000'000), (std::vector<int32_t>{1'000'000'000, 1'000'000'002}));
}

TEST(TopK, InfinitiesAreOrderedLikeNumbers) {
  EXPECT_EQ(stream({-kInfinity, 1, kInfinity, -kInfinity, 2}, 3, 2), (std::vector<int32_t>{1, 2, 4}));
  EXPECT_EQ(stream({-kInfinity, -kInfinity, -kInfinity}, 2, 1), (std::vector<int32_t>{0, 1}));
}

TEST(TopK, NanLosesToEveryNumberWhereverItStands) {
  EXPECT_EQ(stream({kNan, kNan, 1, 2, 3}, 2, 1), (std::vector<int32_t>{3, 4}));
  EXPECT_EQ(stream({1, kNan, -5, kNan, -7}, 3, 2), (std::vector<int32_t>{0, 2, 4}));
  EXPECT_EQ(stream(std::vector<float>(40, kNan), 3, 32), (std::vector<int32_t>{0, 1, 2}));
  EXPECT_EQ(stream({kNan, 4}, 5, 1), (std::vector<int32_t>{0, 1}));
}

// A scan that is split over workers must choose what one scan chooses, ties included.
TEST(StreamingTopK, MergedPartsChooseWhatTheWholeStreamChooses) {
  std::vector<float> scores(203);
  for (size_t i = 0; i < scores.size(); ++i) scores[i] = static_cast<float>(i * 7919 % 23) - 11.0F;
  for (const size_t k : {1, 3, 64, 203, 300}) {
    std::vector<ScoredIndex> whole_room(2 * k);
    StreamingTopK whole(whole_room);
    whole.push(0, scores);
    std::vector<int32_t> expected(k);
    expected.resize(static_cast<size_t>(whole.sorted_indices(expected)));
    for (const size_t cut : {0, 1, 32, 100, 202, 203}) {
      std::vector<ScoredIndex> first_room(2 * k);
      std::vector<ScoredIndex> second_room(2 * k);
      StreamingTopK first(first_room);
      StreamingTopK second(second_room);
      first.push(0, std::span(scores).first(cut));
      second.push(static_cast<int32_t>(cut), std::span(scores).subspan(cut));
      first.merge(second);
      std::vector<int32_t> got(k);
      got.resize(static_cast<size_t>(first.sorted_indices(got)));
      EXPECT_EQ(got, expected) << "k " << k << ", cut at " << cut;
    }
  }
}

}  // namespace
}  // namespace fathom
