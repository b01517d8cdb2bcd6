// SPDX-License-Identifier: MIT
// The bytes of a segment are those of docs/formats/segment.md: a change of the format is a new version.
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <vector>

#include "cache/segment.h"
#include "cache/stamped_model.h"

namespace fathom {
namespace {

std::string read(const std::string& name) {
  const auto path = std::filesystem::path(FATHOM_SOURCE_DIR) / "fuzz/corpus/cache_segment_fuzz" / name;
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

std::vector<int32_t> weekdays(int count) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(i % 7);
  return tokens;
}

TEST(SegmentFormat, TheExamplesAreEncodedAgainByteForByte) {
  const StampedModel model;
  for (const auto& [name, tokens] : {std::pair("three_tokens", 3), std::pair("forty_tokens", 40)}) {
    SegmentHeader header;
    header.range = {0, tokens, tokens};
    const auto encoded = encode_segment(header, model.evaluate(weekdays(tokens)));
    ASSERT_TRUE(encoded.ok());
    const std::string_view bytes(reinterpret_cast<const char*>(encoded->data()), encoded->size_bytes());
    EXPECT_TRUE(bytes == read(name)) << name;
    EXPECT_EQ(header.file_bytes(), static_cast<int64_t>(bytes.size()));
  }
}

TEST(SegmentFormat, TheExamplesAreReadAgain) {
  const StampedModel model;
  for (const auto& [name, tokens] : {std::pair("three_tokens", 3), std::pair("forty_tokens", 40)}) {
    const std::string file = read(name);
    const auto parsed = parse_segment(std::as_bytes(std::span(file)), Checksum::kVerify);
    ASSERT_TRUE(parsed.ok()) << parsed.status().message();
    SequenceState state = model.make_state();
    SnapshotReader reader(state);
    ASSERT_TRUE(reader.append(parsed->snapshot()).ok());
    ASSERT_TRUE(reader.finish(parsed->snapshot()).ok());
    EXPECT_EQ(digest_of(state), digest_of(model.evaluate(weekdays(tokens))));
  }
}

}  // namespace
}  // namespace fathom
