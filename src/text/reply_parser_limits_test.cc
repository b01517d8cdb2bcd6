// SPDX-License-Identifier: MIT
// Long and hostile replies: linear time, small stacks (reliability.md P-2, R-6), and replies as token ids.
#include <gtest/gtest.h>
#include <pthread.h>

#include <algorithm>
#include <chrono>
#include <functional>
#include <string>
#include <vector>

#include "tests/support/chat_fixtures.h"
#include "text/chat_lines.h"
#include "text/reply_token_reader.h"
#include "text/reply_units.h"

namespace fathom {
namespace {

constexpr ReplyOptions kWithTools = {ReplyOptions::Start::kContent, ReplyOptions::Calls::kParsed};

std::string repeated(std::string_view piece, size_t bytes) {
  std::string out;
  out.reserve(bytes + piece.size());
  while (out.size() < bytes) out += piece;
  return out;
}

ReplyMessage parse(const std::vector<ReplyUnit>& units) {
  ReplyParser parser(kWithTools);
  for (const ReplyUnit& unit : units) push_unit(parser, unit);
  parser.finish_stopped();
  ReplyMessage message;
  for (const ReplyEvent& event : parser.take_events()) message.add(event);
  return message;
}

double seconds_to_parse(const std::vector<ReplyUnit>& units) {
  const auto start = std::chrono::steady_clock::now();
  parse(units);
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

const std::vector<std::pair<std::string, std::string>>& hostile_pieces() {
  static const std::string in_call = "<｜DSML｜tool_calls><｜DSML｜invoke name=\"f\">";
  static const std::string in_value = in_call + "<｜DSML｜parameter name=\"a\" string=\"true\">";
  static const std::string in_json = in_call + "<｜DSML｜parameter name=\"a\" string=\"false\">";
  static const std::vector<std::pair<std::string, std::string>> pieces = {
      {"", "<"},
      {"", "\n"},
      {"", "\n\n<"},
      {"", "<｜DSML｜"},
      {"", "<｜DSML｜tool_calls>"},
      {"", "<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\n"},
      {"", "<｜DSML｜invoke name=\""},
      {"<｜DSML｜tool_calls>", " "},
      {in_call, "<｜DSML｜invoke name=\"f\">"},
      {in_call, "<｜DSML｜parameter name=\"k"},
      {in_call, "<｜DSML｜parameter name=\"k\">"},
      {in_call, " "},
      {in_value, "<"},
      {in_value, "</"},
      {in_value, "<｜DSML｜"},
      {in_value, "</｜DSML｜parameter "},
      {in_value, "a"},
      {in_json, "["},
      {in_json, "[]"},
      {in_json, "\""},
  };
  return pieces;
}

// 4 MB take about four times as long as 1 MB; a quadratic parser takes sixteen times. Measured again, up to
// three times, when a busy machine spoils it.
TEST(ReplyParserLimits, TimeIsLinearInTheLength) {
  for (const auto& [start, piece] : hostile_pieces()) {
    const auto one = cut_reply(start + repeated(piece, 1 << 20));
    const auto four = cut_reply(start + repeated(piece, 4 << 20));
    double once = 1e9;
    double four_times = 1e9;
    for (int trial = 0; trial < 3 && (trial == 0 || four_times > 12 * once + 0.02); ++trial) {
      once = std::min(once, seconds_to_parse(one));
      four_times = std::min(four_times, seconds_to_parse(four));
    }
    EXPECT_LE(four_times, 12 * once + 0.02) << piece << ": " << once << " s, then " << four_times << " s";
  }
}

void run_with_small_stack(const std::function<void()>& work) {
  pthread_attr_t attributes;
  ASSERT_EQ(pthread_attr_init(&attributes), 0);
  ASSERT_EQ(pthread_attr_setstacksize(&attributes, 256 * 1024), 0);
  pthread_t thread{};
  const auto start = [](void* argument) -> void* {
    (*static_cast<const std::function<void()>*>(argument))();
    return nullptr;
  };
  ASSERT_EQ(pthread_create(&thread, &attributes, start, const_cast<std::function<void()>*>(&work)), 0);
  ASSERT_EQ(pthread_join(thread, nullptr), 0);
  pthread_attr_destroy(&attributes);
}

TEST(ReplyParserLimits, AStackOf256KiBIsEnough) {
  run_with_small_stack([] {
    for (const auto& [start, piece] : hostile_pieces()) parse(cut_reply(start + repeated(piece, 1 << 20)));
    for (const JsonValue& line : test::read_chat_fixture("parse.jsonl")) {
      EXPECT_EQ(parse_reply_line(write_json(line), {}), write_json(*line.find("expect")));
    }
    const MarkerIds markers(test::small_tokenizer());
    const TemplateContext context{test::small_tokenizer(), markers, Dialect::kPreview};
    const std::string deep =
        R"({"messages": [{"role": "assistant", "tool_calls": [{"function": {"name": "f", "arguments": ")" +
        repeated("[", 1 << 20) + R"("}}]}]})";
    EXPECT_TRUE(template_line(deep, context).starts_with(R"({"prompt": )"));
  });
}

// Ids of a reply as a model would sample them: markers by id, the text between in whole stretches.
std::vector<int32_t> reply_ids(std::string_view text) {
  return test::small_tokenizer().encode(text, Tokenizer::Special::kOn);
}

TEST(ReplyTokenReader, MessagesFromTokenIdsEqualTheFixtures) {
  const MarkerIds markers(test::small_tokenizer());
  for (const JsonValue& line : test::read_chat_fixture("parse.jsonl")) {
    ReplyOptions options;
    if (line.find("thinking_mode")->as_string() == "thinking")
      options.start = ReplyOptions::Start::kReasoning;
    if (line.find("tools")->as_bool()) options.calls = ReplyOptions::Calls::kParsed;
    ReplyTokenReader reader(test::small_tokenizer(), markers, options);
    for (const int32_t id : reply_ids(line.find("text")->as_string())) reader.push(id);
    reader.finish_cut();
    ReplyMessage message;
    for (const ReplyEvent& event : reader.take_events()) message.add(event);
    const JsonValue& expect = *line.find("expect");
    EXPECT_EQ(message.reasoning, expect.find("reasoning_content")->as_string());
    EXPECT_EQ(message.content, expect.find("content")->as_string());
    EXPECT_EQ(finish_reason_name(message.finish_reason), expect.find("finish_reason")->as_string());
    ASSERT_EQ(message.calls.size(), expect.find("tool_calls")->items().size());
    for (size_t i = 0; i < message.calls.size(); ++i) {
      EXPECT_EQ(message.calls[i].arguments,
                expect.find("tool_calls")->items()[i].find("arguments")->as_string());
    }
  }
}

TEST(ReplyTokenReader, TheSpellingOfAMarkerInOrdinaryTokensIsText) {
  const MarkerIds markers(test::small_tokenizer());
  ReplyTokenReader reader(test::small_tokenizer(), markers, kWithTools);
  const std::string text = "<｜DSML｜invoke name=\"f\"><｜User｜>";
  for (const int32_t id : test::small_tokenizer().encode(text)) reader.push(id);
  EXPECT_FALSE(reader.ended());
  reader.finish_stopped();
  ReplyMessage message;
  for (const ReplyEvent& event : reader.take_events()) message.add(event);
  EXPECT_EQ(message.content, text);
}

TEST(ReplyTokenReader, AnUnfinishedCharacterBeforeAMarkerBecomesU_FFFD) {
  const MarkerIds markers(test::small_tokenizer());
  ReplyTokenReader reader(test::small_tokenizer(), markers, kWithTools);
  std::vector<int32_t> ids = test::small_tokenizer().encode("\xF0\x9F\x98\x80");
  ASSERT_GT(ids.size(), 1u);  // the emoji is several tokens, so its first one is no whole character
  reader.push(ids[0]);
  EXPECT_TRUE(reader.take_events().empty());
  reader.push(*markers.id(Marker::kEos));
  ReplyMessage message;
  for (const ReplyEvent& event : reader.take_events()) message.add(event);
  EXPECT_EQ(message.content, "\uFFFD");
  EXPECT_TRUE(reader.ended());
}

}  // namespace
}  // namespace fathom
