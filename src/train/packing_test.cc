// SPDX-License-Identifier: MIT
#include "train/packing.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <numeric>
#include <random>

namespace fathom {
namespace {

int64_t tokens(const PackedSequence& sequence) {
  return std::accumulate(sequence.begin(), sequence.end(), int64_t{0},
                         [](int64_t sum, const DocumentPiece& piece) { return sum + piece.size(); });
}

TEST(Packing, LongDocumentsAreCutAndSingleTokensLeftOut) {
  const std::vector<int64_t> lengths = {5, 8, 9, 1, 0, 16, 18};
  std::map<int64_t, std::vector<int64_t>> sizes;
  for (const DocumentPiece& piece : cut_documents(lengths, 8)) sizes[piece.document].push_back(piece.size());
  const std::map<int64_t, std::vector<int64_t>> expected = {
      {0, {5}}, {1, {8}}, {2, {8}}, {5, {8, 8}}, {6, {8, 8, 2}}};
  EXPECT_EQ(sizes, expected);
}

// Longest first: 7, then 5; 3 fills the room beside 5; 2 does not fit beside 7.
TEST(Packing, TheFullestSequenceWithRoomIsTaken) {
  const std::vector<int64_t> lengths = {3, 7, 2, 5};
  const auto sequences = pack_best_fit(cut_documents(lengths, 8), 8);
  ASSERT_EQ(sequences.size(), 3u);
  EXPECT_EQ(sequences[0][0].document, 1);
  ASSERT_EQ(sequences[1].size(), 2u);
  EXPECT_EQ(sequences[1][0].document, 3);
  EXPECT_EQ(sequences[1][1].document, 0);
  EXPECT_EQ(sequences[2][0].document, 2);
}

TEST(Packing, EveryPieceIsThereOnceWithinItsRoom) {
  std::mt19937 rng(3);
  for (int trial = 0; trial < 50; ++trial) {
    const int64_t room = std::uniform_int_distribution<int64_t>(2, 200)(rng);
    std::vector<int64_t> lengths(std::uniform_int_distribution<size_t>(0, 300)(rng));
    for (int64_t& length : lengths) length = std::geometric_distribution<int64_t>(0.02)(rng);
    const auto pieces = cut_documents(lengths, room);
    std::map<std::pair<int64_t, int64_t>, int64_t> ends;
    for (const DocumentPiece& piece : pieces) ends[{piece.document, piece.begin}] = piece.end;
    int64_t total = 0;
    const auto sequences = pack_best_fit(pieces, room);
    for (const PackedSequence& sequence : sequences) {
      EXPECT_LE(tokens(sequence), room);
      total += tokens(sequence);
      for (const DocumentPiece& piece : sequence) {
        const auto known = ends.find({piece.document, piece.begin});
        ASSERT_NE(known, ends.end());
        EXPECT_EQ(known->second, piece.end);
        ends.erase(known);
      }
    }
    EXPECT_TRUE(ends.empty());
    // Two sequences that would fit into one were not left apart: best fit uses at most twice the least
    // number.
    EXPECT_LE(std::ssize(sequences), 2 * ((total + room - 1) / room) + 1);
  }
}

TEST(Packing, ManyShortDocumentsLeaveLittleRoom) {
  std::mt19937 rng(4);
  std::vector<int64_t> lengths(20'000);
  for (int64_t& length : lengths) length = std::uniform_int_distribution<int64_t>(2, 700)(rng);
  const auto sequences = pack_best_fit(cut_documents(lengths, 1024), 1024);
  const double total = static_cast<double>(std::accumulate(lengths.begin(), lengths.end(), int64_t{0}));
  EXPECT_GT(total / (1024.0 * static_cast<double>(sequences.size())), 0.99);
}

}  // namespace
}  // namespace fathom
