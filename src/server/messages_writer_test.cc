// SPDX-License-Identifier: MIT
#include "server/messages_writer.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "server/writer_test_support.h"

namespace fathom {
namespace {

const MessagesFormat kFormat{"msg_1", "m"};

// Whatever is random is replaced by a word.
std::string fixed(JsonValue& value) {
  if (value.find("signature") != nullptr && !value.find("signature")->as_string().empty()) {
    value.set("signature", JsonValue::string("SIGNED"));
  }
  return write_json(value);
}

TEST(MessagesWriter, WholeReplyHasBlocksInOrder) {
  test::Wire wire;
  test::write_everything(*make_messages_writer(wire.exchange(), kFormat));
  JsonValue reply = wire.whole();
  fixed(reply.members()[4].second.items()[0]);
  EXPECT_EQ(
      write_json(reply),
      R"({"id": "msg_1", "type": "message", "role": "assistant", "model": "m", "content": [)"
      R"({"type": "thinking", "thinking": "I think.", "signature": "SIGNED"}, {"type": "text", "text": "Calling"}, )"
      R"({"type": "tool_use", "id": "toolu_abc", "name": "add", "input": {"a": 1}}], )"
      R"("stop_reason": "tool_use", "stop_sequence": null, "usage": {"input_tokens": 6, )"
      R"("cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 9}})");
}

TEST(MessagesWriter, StreamHasEachBlockClosedBeforeTheNext) {
  test::Wire wire;
  test::write_everything(*make_messages_stream_writer(wire.exchange(), kFormat));
  std::vector<std::string> lines;
  for (auto& [name, data] : wire.events()) {
    EXPECT_EQ(data.find("type")->as_string(), name);
    if (JsonValue* delta = const_cast<JsonValue*>(data.find("delta"))) fixed(*delta);
    lines.push_back(write_json(data));
  }
  const std::vector<std::string> expected = {
      R"({"type": "message_start", "message": {"id": "msg_1", "type": "message", "role": "assistant", "model": "m", )"
      R"("content": [], "stop_reason": null, "stop_sequence": null, "usage": {"input_tokens": 6, )"
      R"("cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 0}}})",
      R"({"type": "ping"})",
      R"({"type": "content_block_start", "index": 0, "content_block": {"type": "thinking", "thinking": "", "signature": ""}})",
      R"({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "I "}})",
      R"({"type": "content_block_delta", "index": 0, "delta": {"type": "thinking_delta", "thinking": "think."}})",
      R"({"type": "content_block_delta", "index": 0, "delta": {"type": "signature_delta", "signature": "SIGNED"}})",
      R"({"type": "content_block_stop", "index": 0})",
      R"({"type": "content_block_start", "index": 1, "content_block": {"type": "text", "text": ""}})",
      R"({"type": "content_block_delta", "index": 1, "delta": {"type": "text_delta", "text": "Calling"}})",
      R"({"type": "content_block_stop", "index": 1})",
      R"({"type": "content_block_start", "index": 2, "content_block": {"type": "tool_use", "id": "toolu_abc", "name": "add", "input": {}}})",
      R"({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "{\"a\": "}})",
      R"({"type": "content_block_delta", "index": 2, "delta": {"type": "input_json_delta", "partial_json": "1}"}})",
      R"({"type": "content_block_stop", "index": 2})",
      R"({"type": "message_delta", "delta": {"stop_reason": "tool_use", "stop_sequence": null}, "usage": {"input_tokens": 6, )"
      R"("cache_creation_input_tokens": 0, "cache_read_input_tokens": 4, "output_tokens": 9}})",
      R"({"type": "message_stop"})"};
  EXPECT_EQ(lines, expected);
}

TEST(MessagesWriter, ReasonsHaveTheirNames) {
  const auto reason = [](ChoiceReason why, std::optional<std::string> stop) {
    test::Wire wire;
    const auto writer = make_messages_writer(wire.exchange(), kFormat);
    FinishedChoice finished;
    finished.reason = why;
    finished.stop_string = std::move(stop);
    writer->choice_finished(0, finished);
    writer->finished({});
    const JsonValue reply = wire.whole();
    EXPECT_TRUE(reply.find("content")->items().empty());
    return reply.find("stop_reason")->as_string() + " " + write_json(*reply.find("stop_sequence"));
  };
  EXPECT_EQ(reason(ChoiceReason::kStop, std::nullopt), "end_turn null");
  EXPECT_EQ(reason(ChoiceReason::kLength, std::nullopt), "max_tokens null");
  EXPECT_EQ(reason(ChoiceReason::kStop, "###"), "stop_sequence \"###\"");
}

TEST(MessagesWriter, ErrorsAfterTheBeginningAreEvents) {
  test::Wire wire;
  const auto writer = make_messages_stream_writer(wire.exchange(), kFormat);
  writer->started({});
  writer->failed({ErrorCode::kDraining, "stopping", "", 5});
  const auto events = wire.events();
  ASSERT_EQ(events.size(), 3U);
  EXPECT_EQ(events.back().first, "error");
  EXPECT_EQ(
      write_json(events.back().second),
      R"({"type": "error", "error": {"type": "overloaded_error", "message": "stopping"}, "request_id": "req_1"})");
}

}  // namespace
}  // namespace fathom
