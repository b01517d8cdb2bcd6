// SPDX-License-Identifier: MIT
#include "text/tokenizer.h"

#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <functional>
#include <random>
#include <string>
#include <vector>

#include "base/base64.h"
#include "tests/support/jsonl.h"
#include "text/stream_decoder.h"
#include "text/utf8.h"

namespace fathom {
namespace {

using Special = Tokenizer::Special;

Tokenizer load(const std::string& path) {
  auto tokenizer = Tokenizer::from_json(test::read_text_file(path));
  if (!tokenizer.ok()) ADD_FAILURE() << tokenizer.status().message();
  return std::move(tokenizer).value();
}

const Tokenizer& small_tokenizer() {
  static const Tokenizer tokenizer = load(FATHOM_SOURCE_DIR "/models/tiny-chat/tokenizer.json");
  return tokenizer;
}

// DeepSeek-V4's own, too large for the repository: the path in FATHOM_V4_TOKENIZER, or null.
const Tokenizer* v4_tokenizer() {
  static const char* const path = std::getenv("FATHOM_V4_TOKENIZER");
  if (path == nullptr) return nullptr;
  static const Tokenizer tokenizer = load(path);
  return &tokenizer;
}

constexpr const char* kNoV4 = "FATHOM_V4_TOKENIZER names no DeepSeek-V4 tokenizer.json";

std::string fixture(std::string_view name) {
  return FATHOM_SOURCE_DIR "/tests/fixtures/tokenizer/" + std::string(name);
}

std::vector<int32_t> ids_of(const JsonValue& list) {
  std::vector<int32_t> ids;
  for (const JsonValue& item : list.items()) ids.push_back(static_cast<int32_t>(*item.as_int64()));
  return ids;
}

void expect_encodes_as_fixture(const Tokenizer& tokenizer, const std::string& path) {
  const auto lines = test::read_jsonl(path);
  EXPECT_EQ(lines.size(), 1051u);
  for (const JsonValue& line : lines) {
    const std::string& text = line.find("text")->as_string();
    const JsonValue* bytes = line.find("bytes_b64");
    const std::string input = bytes != nullptr ? *decode_base64(bytes->as_string()) : text;
    const auto ids = ids_of(*line.find("ids"));
    const JsonValue* plain = line.find("ids_plain");
    const auto ids_plain = plain != nullptr ? ids_of(*plain) : ids;
    ASSERT_EQ(tokenizer.encode(input, Special::kOn), ids) << write_json(line);
    ASSERT_EQ(tokenizer.encode(input, Special::kOff), ids_plain) << write_json(line);
    ASSERT_EQ(tokenizer.decode(ids), text) << write_json(line);
    ASSERT_EQ(tokenizer.decode(ids_plain), text) << write_json(line);
  }
}

void expect_streams_as_fixture(const Tokenizer& tokenizer, const std::string& path) {
  const auto lines = test::read_jsonl(path);
  EXPECT_EQ(lines.size(), 148u);
  for (const JsonValue& line : lines) {
    const auto ids = ids_of(*line.find("ids"));
    ASSERT_EQ(tokenizer.decode_bytes(ids), *decode_base64(line.find("bytes_b64")->as_string()));
    ASSERT_EQ(tokenizer.decode(ids), line.find("text")->as_string());
    StreamDecoder decoder;
    for (size_t i = 0; i < ids.size(); ++i) {
      ASSERT_EQ(decoder.push(tokenizer.bytes(ids[i])), line.find("steps")->items()[i].as_string())
          << write_json(line) << " at token " << i;
    }
    ASSERT_EQ(decoder.flush(), line.find("flush")->as_string()) << write_json(line);
  }
}

TEST(Tokenizer, EncodesEveryFixtureOfTheSmallTokenizer) {
  expect_encodes_as_fixture(small_tokenizer(), fixture("small/encode.jsonl"));
}

TEST(Tokenizer, StreamsEveryFixtureOfTheSmallTokenizer) {
  expect_streams_as_fixture(small_tokenizer(), fixture("small/stream.jsonl"));
}

TEST(Tokenizer, EncodesEveryFixtureOfV4) {
  if (v4_tokenizer() == nullptr) GTEST_SKIP() << kNoV4;
  expect_encodes_as_fixture(*v4_tokenizer(), fixture("v4.jsonl"));
}

TEST(Tokenizer, StreamsEveryFixtureOfV4) {
  if (v4_tokenizer() == nullptr) GTEST_SKIP() << kNoV4;
  expect_streams_as_fixture(*v4_tokenizer(), fixture("v4_stream.jsonl"));
}

// The table of chat.md 1.
TEST(Tokenizer, V4HasItsMarkersWhereTheyAreDocumented) {
  if (v4_tokenizer() == nullptr) GTEST_SKIP() << kNoV4;
  const Tokenizer& v4 = *v4_tokenizer();
  EXPECT_EQ(v4.size(), 129280);
  EXPECT_EQ(v4.added_token("<｜begin▁of▁sentence｜>"), 0);
  EXPECT_EQ(v4.added_token("<｜end▁of▁sentence｜>"), 1);
  EXPECT_EQ(v4.added_token("<｜place▁holder▁no▁799｜>"), 128799);
  EXPECT_EQ(v4.added_token("<｜User｜>"), 128803);
  EXPECT_EQ(v4.added_token("</think>"), 128822);
  EXPECT_EQ(v4.added_token("｜DSML｜"), 128825);
  EXPECT_EQ(v4.added_token("<tool_result>"), std::nullopt);
  for (int number = 0; number < 1000; ++number) {
    EXPECT_EQ(v4.encode(std::to_string(number)).size(), 1u) << number;
  }
  const auto ids = v4.encode("assistant.\n\n## Tools");
  EXPECT_TRUE(std::any_of(ids.begin(), ids.end(), [&](int32_t id) { return v4.bytes(id) == ".\n\n"; }));
}

TEST(Tokenizer, AnswersForEveryIdAndForNone) {
  const Tokenizer& small = small_tokenizer();
  EXPECT_EQ(small.size(), 4096);
  EXPECT_EQ(small.bytes(-1), "");
  EXPECT_EQ(small.bytes(4096), "");
  EXPECT_EQ(small.bytes(INT32_MAX), "");
  EXPECT_EQ(small.bytes(INT32_MIN), "");
  EXPECT_FALSE(small.is_added(-1));
  EXPECT_FALSE(small.is_added(4096));
  for (int32_t id = 0; id < small.size(); ++id) {
    const std::string_view bytes = small.bytes(id);
    ASSERT_FALSE(bytes.empty()) << id;
    ASSERT_EQ(small.added_token(bytes), small.is_added(id) ? std::optional(id) : std::nullopt);
  }
  EXPECT_EQ(small.added_token(""), std::nullopt);
  EXPECT_EQ(small.added_token("<｜User｜"), std::nullopt);
  EXPECT_EQ(small.decode(std::vector<int32_t>{-1, 5000}), "");
}

TEST(Tokenizer, AppendsToWhatIsThere) {
  std::vector<int32_t> ids = {7};
  small_tokenizer().encode("hello", Special::kOff, ids);
  ASSERT_GT(ids.size(), 1u);
  EXPECT_EQ(ids[0], 7);
  EXPECT_EQ(std::vector(ids.begin() + 1, ids.end()), small_tokenizer().encode("hello"));
}

// All the added tokens, whole and cut anywhere, among other text.
std::string random_marker_mix(const Tokenizer& tokenizer, std::mt19937& random) {
  static const std::string_view kFill[] = {"<", "｜",   ">",     "|", " ",  "\n", "</",
                                           "▁", "User", "think", "a", "中", "1"};
  std::string text;
  for (auto n = 1 + random() % 8; n > 0; --n) {
    if (random() % 3 == 0) {
      text += kFill[random() % std::size(kFill)];
      continue;
    }
    int32_t id = 0;
    do {
      id = static_cast<int32_t>(random() % static_cast<uint32_t>(tokenizer.size()));
    } while (!tokenizer.is_added(id));
    const std::string_view marker = tokenizer.bytes(id);
    const size_t begin = random() % 2 == 0 ? 0 : random() % marker.size();
    text += marker.substr(begin, random() % 2 == 0 ? marker.npos : random() % marker.size());
  }
  return text;
}

// reliability.md P-4: what a client writes never becomes a marker.
TEST(Tokenizer, PlainTextNeverBecomesAnAddedToken) {
  std::mt19937 random(7001);
  for (const Tokenizer* tokenizer : {&small_tokenizer(), v4_tokenizer()}) {
    if (tokenizer == nullptr) continue;
    for (int round = 0; round < 5000; ++round) {
      const std::string text = random_marker_mix(*tokenizer, random);
      const auto ids = tokenizer->encode(text, Special::kOff);
      for (const int32_t id : ids) ASSERT_FALSE(tokenizer->is_added(id)) << text;
      ASSERT_EQ(tokenizer->decode(ids), to_well_formed(text));
    }
  }
}

// The plain way to find them: at each place the longest one, else a byte of text.
TEST(Tokenizer, CutsOutAddedTokensLeftmostLongest) {
  std::mt19937 random(7002);
  const Tokenizer& small = small_tokenizer();
  for (int round = 0; round < 1000; ++round) {
    const std::string text = to_well_formed(random_marker_mix(small, random));
    std::vector<int32_t> expected;
    std::string plain;
    for (size_t at = 0; at < text.size();) {
      int32_t longest = -1;
      for (int32_t id = 0; id < small.size(); ++id) {
        if (!small.is_added(id) || !std::string_view(text).substr(at).starts_with(small.bytes(id))) continue;
        if (longest < 0 || small.bytes(id).size() > small.bytes(longest).size()) longest = id;
      }
      if (longest < 0) {
        plain += text[at++];
        continue;
      }
      small.encode(plain, Special::kOff, expected);
      plain.clear();
      expected.push_back(longest);
      at += small.bytes(longest).size();
    }
    small.encode(plain, Special::kOff, expected);
    ASSERT_EQ(small.encode(text, Special::kOn), expected) << text;
  }
}

char32_t random_scalar(std::mt19937& random) {
  static constexpr char32_t kLimits[] = {0x80, 0x80, 0x80, 0x800, 0x3100, 0x10000, 0x110000};
  for (;;) {
    const auto c = static_cast<char32_t>(random() % kLimits[random() % std::size(kLimits)]);
    if (c < 0xD800 || c > 0xDFFF) return c;
  }
}

TEST(Tokenizer, DecodingGivesBackWhatWasEncoded) {
  std::mt19937 random(7003);
  for (const Tokenizer* tokenizer : {&small_tokenizer(), v4_tokenizer()}) {
    if (tokenizer == nullptr) continue;
    for (int round = 0; round < 20000; ++round) {
      std::string text;
      for (auto n = random() % 24; n > 0; --n) append_utf8(text, random_scalar(random));
      ASSERT_EQ(tokenizer->decode_bytes(tokenizer->encode(text)), text);
    }
  }
}

TEST(Tokenizer, IllFormedBytesAreEncodedAsReplacementCharacters) {
  std::mt19937 random(7004);
  const Tokenizer& small = small_tokenizer();
  for (int round = 0; round < 20000; ++round) {
    std::string bytes;
    for (auto n = random() % 12; n > 0; --n) bytes += static_cast<char>(static_cast<uint8_t>(random()));
    ASSERT_EQ(small.encode(bytes), small.encode(to_well_formed(bytes)));
    ASSERT_EQ(small.decode(small.encode(bytes)), to_well_formed(bytes));
  }
}

// Runs `work` on a thread with a stack of 256 KiB (reliability.md R-6).
void run_on_small_stack(std::function<void()> work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 << 10), 0);
  pthread_t thread;
  const auto run = [](void* argument) -> void* {
    (*static_cast<std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, run, &work), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

std::string repeat(std::string_view unit, size_t bytes) {
  std::string text;
  text.reserve(bytes + unit.size());
  while (text.size() < bytes) text += unit;
  return text;
}

// Hostile runs of reliability.md P-3.
constexpr std::string_view kRuns[] = {"a",    " ", "\n",  "7",    "中", "\u0301", "👨\u200D👩\u200D",
                                      "\x80", "!", "ab ", "\t\n "};

TEST(Tokenizer, LongRunsNeedLittleStack) {
  run_on_small_stack([] {
    for (const std::string_view unit : kRuns) {
      const std::string text = repeat(unit, 300'000);
      const auto ids = small_tokenizer().encode(text, Special::kOn);
      EXPECT_EQ(small_tokenizer().decode(ids), to_well_formed(text)) << unit;
    }
  });
}

// Of this thread alone: other work on the machine does not count.
double cpu_seconds() {
  timespec time{};
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time);
  return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
}

double seconds_per_byte(const std::string& text) {
  double best = 1e9;
  for (int round = 0; round < 5; ++round) {
    const double start = cpu_seconds();
    EXPECT_FALSE(small_tokenizer().encode(text).empty());
    best = std::min(best, cpu_seconds() - start);
  }
  return best / static_cast<double>(text.size());
}

// Merging in a quadratic way would cost 16 times more per byte; 5 leaves room for caches and a busy machine.
TEST(Tokenizer, TimePerByteDoesNotGrowWithTheRun) {
  std::mt19937 random(7005);
  std::string letters;
  for (size_t i = 0; i < 1u << 20; ++i) letters += static_cast<char>('a' + random() % 26);
  std::vector<std::string> texts = {letters};
  for (const std::string_view unit : kRuns) texts.push_back(repeat(unit, 1 << 20));
  for (const std::string& text : texts) {
    EXPECT_LE(seconds_per_byte(text), 5 * seconds_per_byte(text.substr(0, 64 << 10)))
        << "a run of " << text.substr(0, 8);
  }
}

}  // namespace
}  // namespace fathom
