// SPDX-License-Identifier: MIT
#include "io/zstd.h"

#include <gtest/gtest.h>
#include <zstd.h>

namespace fathom {
namespace {

std::string compressed(const std::string& text) {
  std::string out(ZSTD_compressBound(text.size()), '\0');
  out.resize(ZSTD_compress(out.data(), out.size(), text.data(), text.size(), 3));
  return out;
}

Result<std::string> decompressed(const std::string& bytes, int64_t max_bytes = int64_t{1} << 30) {
  return decompress_zstd(std::as_bytes(std::span(bytes)), max_bytes);
}

TEST(Zstd, FramesOneAfterTheOtherAreOneText) {
  std::string big;
  for (int i = 0; i < 200'000; ++i) big += std::to_string(i * 7919);
  const auto text = decompressed(compressed(big) + compressed("") + compressed("the end"));
  ASSERT_TRUE(text.ok()) << text.status().message();
  EXPECT_EQ(*text, big + "the end");
}

TEST(Zstd, EveryCutIsCorruptAndNothingElse) {
  const std::string whole = compressed("some text that is cut");
  for (size_t length = 0; length < whole.size(); ++length) {
    EXPECT_EQ(decompressed(whole.substr(0, length)).status().code(), StatusCode::kCorrupt) << length;
  }
  EXPECT_EQ(decompressed("no zstd at all").status().code(), StatusCode::kCorrupt);
  EXPECT_EQ(decompressed(whole + "x").status().code(), StatusCode::kCorrupt);
}

TEST(Zstd, AFrameThatGrowsBeyondTheCapIsRefused) {
  const std::string bomb = compressed(std::string(64 << 20, 'a'));
  EXPECT_LT(bomb.size(), 10'000u);
  EXPECT_EQ(decompressed(bomb, 1 << 20).status().code(), StatusCode::kResourceExhausted);
  EXPECT_TRUE(decompressed(bomb, 64 << 20).ok());
}

}  // namespace
}  // namespace fathom
