// SPDX-License-Identifier: MIT
#include "text/stream_decoder.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <vector>

#include "text/utf8.h"

namespace fathom {
namespace {

constexpr const char* kR = "\xEF\xBF\xBD";

std::vector<std::string> push_all(const std::vector<std::string>& parts) {
  StreamDecoder decoder;
  std::vector<std::string> out;
  for (const std::string& part : parts) out.push_back(decoder.push(part));
  out.push_back(decoder.flush());
  return out;
}

TEST(StreamDecoder, GivesACharacterOutWithTheByteThatCompletesIt) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(push_all({"\xF0", "\x9F", "\x98", "\x80"}), (Parts{"", "", "", "😀", ""}));
  EXPECT_EQ(push_all({"a\xC3", "\xA9z\xE4", "\xB8\xAD"}), (Parts{"a", "éz", "中", ""}));
  EXPECT_EQ(push_all({"", "\xC3", "", "\xA9"}), (Parts{"", "", "", "é", ""}));
}

TEST(StreamDecoder, GivesUpAsSoonAsBytesCannotBecomeACharacter) {
  using Parts = std::vector<std::string>;
  EXPECT_EQ(push_all({"\x80", "\xFF", "\xC0"}), (Parts{kR, kR, kR, ""}));
  EXPECT_EQ(push_all({"\xC3", "x"}), (Parts{"", std::string(kR) + "x", ""}));  // unfinished, then a letter
  EXPECT_EQ(push_all({"\xE4\xB8", "\xE4"}), (Parts{"", kR, kR}));              // a new lead ends the old one
  EXPECT_EQ(push_all({"\xE0", "\x80"}), (Parts{"", std::string(kR) + kR, ""}));  // over-long: two parts
  EXPECT_EQ(push_all({"\xF4", "\x90"}), (Parts{"", std::string(kR) + kR, ""}));  // beyond U+10FFFF
  EXPECT_EQ(push_all({"\xED", "\xA0", "\x80"}),
            (Parts{"", "", std::string(kR) + kR + kR, ""}));  // a surrogate
  EXPECT_EQ(push_all({"\xED", "\xA0"}), (Parts{"", "", std::string(kR) + kR}));
  EXPECT_EQ(push_all({"\xF0\x9F\x98"}), (Parts{"", kR}));
}

// Bytes that begin, go on with, break and end characters.
std::string random_bytes(std::mt19937& random) {
  static constexpr uint8_t kBytes[] = {'a',  0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC1, 0xC2, 0xDF,
                                       0xE0, 0xE4, 0xED, 0xEF, 0xF0, 0xF1, 0xF4, 0xF5, 0xFF};
  std::string bytes;
  for (auto n = random() % 11; n > 0; --n) bytes += static_cast<char>(kBytes[random() % std::size(kBytes)]);
  return bytes;
}

// reliability.md P-5: all splits, as each of the borders is cut or not.
TEST(StreamDecoder, StreamedTextEqualsTheWholeDecodeOverAllSplits) {
  std::mt19937 random(8001);
  for (int round = 0; round < 1000; ++round) {
    const std::string bytes = random_bytes(random);
    const std::string whole = to_well_formed(bytes);
    for (uint32_t cuts = 0; cuts < 1u << (bytes.empty() ? 0 : bytes.size() - 1); ++cuts) {
      StreamDecoder decoder;
      std::string streamed;
      size_t begin = 0;
      for (size_t end = 1; end <= bytes.size(); ++end) {
        if (end != bytes.size() && (cuts >> (end - 1) & 1) == 0) continue;
        const std::string text = decoder.push(std::string_view(bytes).substr(begin, end - begin));
        ASSERT_TRUE(is_well_formed_utf8(text));
        streamed += text;
        begin = end;
      }
      streamed += decoder.flush();
      ASSERT_EQ(streamed, whole) << testing::PrintToString(bytes) << " cuts " << cuts;
    }
  }
}

}  // namespace
}  // namespace fathom
