// SPDX-License-Identifier: MIT
// Pages of rows and rings of rows at their borders (design.md 5).
#include "state/row_store.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "state/row_ring.h"

namespace fathom {
namespace {

constexpr int64_t kFloats = 3;
constexpr int64_t kPageBytes = RowStore::kPageRows * kFloats * 4;

// Writes rows [first, end) with values that name their row.
void fill(RowStore& store, int64_t first, int64_t end) {
  for (int64_t i = first; i < end; ++i) {
    for (int64_t c = 0; c < kFloats; ++c) store.row(i)[c] = static_cast<float>(10 * i + c);
  }
}

void expect_filled(const RowStore& store, int64_t end) {
  for (int64_t i = 0; i < end; ++i) {
    for (int64_t c = 0; c < kFloats; ++c) ASSERT_EQ(store.row(i)[c], static_cast<float>(10 * i + c)) << i;
  }
}

TEST(RowStore, TakesMemoryInWholePagesAndOnlyWhenReserved) {
  RowStore store(kFloats);
  EXPECT_EQ(store.reserved_bytes(), 0);
  for (const auto& [rows, pages] : std::vector<std::pair<int64_t, int64_t>>{
           {0, 0}, {1, 1}, {31, 1}, {32, 1}, {33, 2}, {7, 2}, {320, 10}}) {
    ASSERT_TRUE(store.reserve(rows).ok());
    EXPECT_EQ(store.reserved_bytes(), pages * kPageBytes) << rows;
    EXPECT_EQ(store.size(), 0);
  }
}

TEST(RowStore, RowsKeepTheirPlaceAndContentsWhileTheStoreGrows) {
  RowStore store(kFloats);
  ASSERT_TRUE(store.reserve(33).ok());
  store.grow(33);
  fill(store, 0, 33);
  const float* first = store.row(0);
  const float* last = store.row(32);
  ASSERT_TRUE(store.reserve(1000).ok());
  store.grow(1000);
  fill(store, 33, 1000);
  EXPECT_EQ(store.row(0), first);
  EXPECT_EQ(store.row(32), last);
  EXPECT_EQ(store.size(), 1000);
  expect_filled(store, 1000);
}

// Scores are computed over a page at a time.
TEST(RowStore, TheRowsOfAPageAreContiguous) {
  RowStore store(kFloats);
  ASSERT_TRUE(store.reserve(70).ok());
  for (int64_t i = 0; i < 70; ++i) {
    EXPECT_EQ(store.row(i),
              store.row(i / RowStore::kPageRows * RowStore::kPageRows) + i % RowStore::kPageRows * kFloats);
  }
}

TEST(RowStore, ClearForgetsRowsAndKeepsMemory) {
  RowStore store(kFloats);
  ASSERT_TRUE(store.reserve(40).ok());
  store.grow(40);
  store.clear();
  EXPECT_EQ(store.size(), 0);
  EXPECT_EQ(store.reserved_bytes(), 2 * kPageBytes);
  store.grow(64);
  EXPECT_EQ(store.size(), 64);
}

TEST(RowStoreDeathTest, GrowingBeyondWhatIsReservedOrBackwardsIsABug) {
  RowStore store(kFloats);
  ASSERT_TRUE(store.reserve(32).ok());
  store.grow(32);
  EXPECT_DEATH(store.grow(33), "rows");
  EXPECT_DEATH(store.grow(31), "rows");
}

TEST(RowStore, WithoutMemoryWhatIsThereStays) {
  RowStore store(int64_t{1} << 59);
  EXPECT_EQ(store.reserve(1).code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(store.reserved_bytes(), 0);
  EXPECT_TRUE(store.reserve(0).ok());
}

TEST(RowRing, HoldsTheLastPositionsAndNoOthers) {
  for (const int64_t capacity : {1, 2, 7, 128}) {
    auto ring = RowRing::create(capacity, kFloats);
    ASSERT_TRUE(ring.ok());
    EXPECT_EQ(ring->capacity(), capacity);
    EXPECT_EQ(ring->row_floats(), kFloats);
    EXPECT_EQ(ring->size_bytes(), capacity * kFloats * 4);
    for (int64_t p = 0; p < 3 * capacity + 1; ++p) {
      for (int64_t c = 0; c < kFloats; ++c) ring->row(p)[c] = static_cast<float>(10 * p + c);
      for (int64_t old = std::max<int64_t>(0, p - capacity + 1); old <= p; ++old) {
        EXPECT_EQ(std::as_const(*ring).row(old)[2], static_cast<float>(10 * old + 2)) << capacity << " " << p;
      }
    }
  }
}

TEST(RowRing, PositionsBeyond32BitsFindTheirRow) {
  auto ring = RowRing::create(5, kFloats);
  ASSERT_TRUE(ring.ok());
  std::set<const float*> rows;
  const int64_t far = (int64_t{1} << 40) + 3;
  for (int64_t p = far; p < far + 5; ++p) rows.insert(ring->row(p));
  EXPECT_EQ(rows.size(), 5u);
  EXPECT_EQ(*rows.begin(), ring->row(0));
  EXPECT_EQ(ring->row(far + 5), ring->row(far));
}

TEST(RowRing, ReportsThatThereIsNoMemory) {
  EXPECT_EQ(RowRing::create(int64_t{1} << 32, int64_t{1} << 32).status().code(),
            StatusCode::kResourceExhausted);
}

}  // namespace
}  // namespace fathom
