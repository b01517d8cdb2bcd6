// SPDX-License-Identifier: MIT
#include "server/responses_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "base/concat.h"
#include "server/writer_test_support.h"
#include "tests/support/jsonl.h"

namespace fathom {
namespace {

const Tokenizer& tokenizer() {
  static const Tokenizer loaded =
      Tokenizer::from_json(test::read_text_file(FATHOM_SOURCE_DIR "/models/tiny-chat/tokenizer.json"))
          .value();
  return loaded;
}

std::unique_ptr<ReplyWriter> make(test::Wire& wire, ResponsesFormat::Delivery delivery) {
  ResponsesFormat format;
  format.delivery = delivery;
  format.response = read_json(R"({"id": "resp_1", "object": "response", "error": null})").value();
  return make_responses_writer(wire.exchange(), tokenizer(), std::move(format));
}

// Ids of items are random; only what they begin with matters.
std::string without_ids(JsonValue value) {
  std::string text = write_json(value);
  for (const std::string_view prefix : {"\"rs_", "\"msg_", "\"fc_"}) {
    for (size_t at = text.find(prefix); at != std::string::npos; at = text.find(prefix, at + 1)) {
      text.erase(at + prefix.size(), 24);
    }
  }
  return text;
}

constexpr std::string_view kReasoning =
    R"({"type": "reasoning", "id": "rs_", "summary": [], "content": [{"type": "reasoning_text", "text": "I think."}], "status": "completed"})";
constexpr std::string_view kMessage =
    R"({"type": "message", "id": "msg_", "role": "assistant", "content": [{"type": "output_text", "text": "Calling", "annotations": [], "logprobs": []}], "status": "completed"})";
constexpr std::string_view kCall =
    R"({"type": "function_call", "id": "fc_", "call_id": "call_abc", "name": "add", "arguments": "{\"a\": 1}", "status": "completed"})";

TEST(ResponsesWriter, WholeReplyHasItemsInOrder) {
  test::Wire wire;
  test::write_everything(*make(wire, ResponsesFormat::Delivery::kWhole));
  EXPECT_EQ(
      without_ids(wire.whole()),
      concat(
          R"({"id": "resp_1", "object": "response", "error": null, "status": "completed", "output": [)",
          kReasoning, ", ", kMessage, ", ", kCall,
          R"(], "usage": {"input_tokens": 10, "input_tokens_details": {"cached_tokens": 4}, )"
          R"("output_tokens": 9, "output_tokens_details": {"reasoning_tokens": 3}, "total_tokens": 19}})"));
}

TEST(ResponsesWriter, EventsComeInTheDocumentedOrder) {
  test::Wire wire;
  test::write_everything(*make(wire, ResponsesFormat::Delivery::kEvents));
  std::vector<std::string> names;
  const auto events = wire.events();
  for (size_t i = 0; i < events.size(); ++i) {
    EXPECT_EQ(events[i].second.find("type")->as_string(), events[i].first);
    EXPECT_EQ(events[i].second.find("sequence_number")->as_int64(), static_cast<int64_t>(i));
    names.push_back(events[i].first.substr(sizeof("response.") - 1));
  }
  const std::vector<std::string> expected = {"created",
                                             "in_progress",
                                             "output_item.added",
                                             "content_part.added",
                                             "reasoning_text.delta",
                                             "reasoning_text.delta",
                                             "reasoning_text.done",
                                             "content_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "content_part.added",
                                             "output_text.delta",
                                             "output_text.done",
                                             "content_part.done",
                                             "output_item.done",
                                             "output_item.added",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.delta",
                                             "function_call_arguments.done",
                                             "output_item.done",
                                             "completed"};
  EXPECT_EQ(names, expected);
  EXPECT_EQ(without_ids(events[8].second.find("item")->clone()), kReasoning);
  EXPECT_EQ(without_ids(events[14].second.find("item")->clone()), kMessage);
  EXPECT_EQ(without_ids(events[19].second.find("item")->clone()), kCall);
  EXPECT_EQ(events[9].second.find("item")->find("content")->items().size(), 0U);
  EXPECT_EQ(write_json(*events[20].second.find("response")->find("status")), "\"completed\"");
  EXPECT_EQ(events[20].second.find("response")->find("output")->items().size(), 3U);
}

TEST(ResponsesWriter, CutReplyIsIncomplete) {
  test::Wire wire;
  test::write_everything(*make(wire, ResponsesFormat::Delivery::kEvents), ChoiceReason::kLength);
  const auto events = wire.events();
  EXPECT_EQ(events.back().first, "response.incomplete");
  const JsonValue& response = *events.back().second.find("response");
  EXPECT_EQ(write_json(*response.find("incomplete_details")), R"({"reason": "max_output_tokens"})");
  EXPECT_EQ(write_json(*response.find("output")->items().back().find("status")), "\"incomplete\"");
}

TEST(ResponsesWriter, FailureAfterTheBeginningIsAnEvent) {
  test::Wire wire;
  const auto writer = make(wire, ResponsesFormat::Delivery::kEvents);
  writer->started({});
  writer->failed({ErrorCode::kInternalError, "broken", "", 0});
  const auto events = wire.events();
  EXPECT_EQ(events.back().first, "response.failed");
  EXPECT_EQ(write_json(*events.back().second.find("response")->find("error")),
            R"({"code": "server_error", "message": "broken"})");
}

}  // namespace
}  // namespace fathom
