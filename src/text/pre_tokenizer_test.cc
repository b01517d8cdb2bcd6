// SPDX-License-Identifier: MIT
#include "text/pre_tokenizer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <ctime>
#include <random>
#include <string>
#include <vector>

#include "tests/support/jsonl.h"
#include "text/utf8.h"

namespace fathom {
namespace {

std::vector<std::string> pieces_of(std::string_view text) {
  std::vector<std::string> pieces;
  PreTokenizer splitter(text);
  for (std::string_view piece = splitter.next(); !piece.empty(); piece = splitter.next()) {
    pieces.emplace_back(piece);
  }
  return pieces;
}

int64_t code_points(std::string_view text) {
  int64_t count = 0;
  for (const char c : text) count += (static_cast<uint8_t>(c) & 0xC0) != 0x80;
  return count;
}

TEST(PreTokenizer, SplitsEveryFixtureAsTheReferenceDoes) {
  const auto lines = test::read_jsonl(FATHOM_SOURCE_DIR "/tests/fixtures/tokenizer/presplit.jsonl");
  EXPECT_EQ(lines.size(), 4063u);
  for (const JsonValue& line : lines) {
    const std::string& text = line.items()[0].as_string();
    std::vector<int64_t> expected;
    for (const JsonValue& length : line.items()[1].items()) expected.push_back(*length.as_int64());
    std::vector<int64_t> found;
    for (const std::string& piece : pieces_of(text)) found.push_back(code_points(piece));
    EXPECT_EQ(found, expected) << write_json(line);
  }
}

// Each by hand from the patterns of chat.md 1.
TEST(PreTokenizer, FollowsThePatternsAtTheirBorders) {
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(pieces_of(""), Pieces{});
  EXPECT_EQ(pieces_of("1234567"), (Pieces{"123", "456", "7"}));
  EXPECT_EQ(pieces_of("!cafés"), (Pieces{"!caf", "és"}));  // (a) takes ASCII letters only
  EXPECT_EQ(pieces_of("!é"), (Pieces{"!", "é"}));          // (a) needs one
  EXPECT_EQ(pieces_of("a  b"), (Pieces{"a", " ", " b"}));  // (?!\S) leaves the last blank
  EXPECT_EQ(pieces_of("a  1"), (Pieces{"a", "  ", "1"}));  // but a piece border is an end
  EXPECT_EQ(pieces_of("a  中"), (Pieces{"a", "  ", "中"}));
  EXPECT_EQ(pieces_of(" \n \n  x"), (Pieces{" \n \n", " ", " x"}));  // (d) up to the last line break
  EXPECT_EQ(pieces_of("\t\tx"), (Pieces{"\t", "\tx"}));
  EXPECT_EQ(pieces_of("\nx"), (Pieces{"\n", "x"}));  // a line break never starts (b)
  EXPECT_EQ(pieces_of(" ...\r\n\r\nx"), (Pieces{" ...\r\n\r\n", "x"}));
  EXPECT_EQ(pieces_of("\t..."), (Pieces{"\t", "..."}));                  // (c) takes a space, nothing else
  EXPECT_EQ(pieces_of("中・文゛"), (Pieces{"中", "・", "文", "゛"}));    // pass 3 splits what pass 2 found
  EXPECT_EQ(pieces_of("\x01\x01\x01x"), (Pieces{"\x01\x01", "\x01x"}));  // no class: a gap up to (b)
  EXPECT_EQ(pieces_of("\x01\x01!"), (Pieces{"\x01\x01", "!"}));
  EXPECT_EQ(pieces_of("\u0301\u0301a"), (Pieces{"\u0301\u0301a"}));      // marks count as letters
  EXPECT_EQ(pieces_of("\u00A0\u0085x"), (Pieces{"\u00A0", "\u0085x"}));  // Cc, but white space
  EXPECT_EQ(pieces_of("\u200B\u200B "), (Pieces{"\u200B\u200B", " "}));  // Cf, not white space
}

TEST(PreTokenizer, ThePiecesAreTheWholeText) {
  const std::string_view alphabet[] = {" ",      "\n",     "\r",     "\t",     "a",      "Z", "1",
                                       "!",      "中",     "\u30FB", "\u0301", "\u200D", "é", "😀",
                                       "\u3040", "\u00A0", "٣",      "\x01",   "\uFFFD"};
  std::mt19937 random(20240601);
  for (int round = 0; round < 20000; ++round) {
    std::string text;
    for (auto n = random() % 12; n > 0; --n) text += alphabet[random() % std::size(alphabet)];
    std::string joined;
    for (const std::string& piece : pieces_of(text)) {
      ASSERT_FALSE(piece.empty());
      ASSERT_TRUE(is_well_formed_utf8(piece)) << text;
      joined += piece;
    }
    ASSERT_EQ(joined, text);
  }
}

// CPU time of this thread: other work on the machine does not count.
double seconds_per_byte(std::string_view unit, size_t bytes) {
  std::string text;
  while (text.size() < bytes) text += unit;
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    timespec start{};
    timespec end{};
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &start);
    size_t total = 0;
    PreTokenizer splitter(text);
    for (std::string_view piece = splitter.next(); !piece.empty(); piece = splitter.next())
      total += piece.size();
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &end);
    EXPECT_EQ(total, text.size());
    best = std::min(best, static_cast<double>(end.tv_sec - start.tv_sec) +
                              1e-9 * static_cast<double>(end.tv_nsec - start.tv_nsec));
  }
  return best / static_cast<double>(text.size());
}

// A rule that looks back or ahead without bound would make the cost per byte grow 16 times here.
TEST(PreTokenizer, TimeIsLinearInLongRuns) {
  for (const std::string_view unit : {"a", " ", "\n", "1", "!", "中", "\u0301", "\u200D", "👨\u200D",
                                      "\u00A0 ", " \n", "\x01", "\u3040", "\u200D\u200Da", "a ", "\t!"}) {
    EXPECT_LE(seconds_per_byte(unit, 2 << 20), 5 * seconds_per_byte(unit, 128 << 10)) << "unit " << unit;
  }
}

}  // namespace
}  // namespace fathom
