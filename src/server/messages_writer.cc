// SPDX-License-Identifier: MIT
#include "server/messages_writer.h"

#include <optional>
#include <utility>
#include <vector>

#include "base/base64.h"
#include "base/concat.h"
#include "server/random_id.h"
#include "server/reply_json.h"
#include "text/closed_json.h"

namespace fathom {
namespace {

JsonValue text_or_null(const std::optional<std::string>& text) {
  return text ? json_text(*text) : JsonValue();
}

// Any value is taken back, so it only has to look like one.
std::string signature() { return encode_base64(random_id("", 48)); }

std::string_view stop_reason(const FinishedChoice& finished) {
  if (finished.stop_string) return "stop_sequence";
  switch (finished.reason) {
    case ChoiceReason::kStop: return "end_turn";
    case ChoiceReason::kLength: return "max_tokens";
    case ChoiceReason::kToolCalls: return "tool_use";
    case ChoiceReason::kAborted: return "end_turn";
  }
  return "end_turn";
}

// Ids of this API begin otherwise; what follows is the same, so that a call is known by either.
std::string tool_use_id(std::string_view call_id) {
  return concat("toolu_", call_id.substr(call_id.find('_') + 1));
}

JsonValue usage_object(const RequestStart& start, int64_t output_tokens) {
  JsonValue usage = JsonValue::object();
  usage.set("input_tokens", JsonValue::integer(start.prompt_tokens - start.cached_tokens));
  usage.set("cache_creation_input_tokens", JsonValue::integer(0));
  usage.set("cache_read_input_tokens", JsonValue::integer(start.cached_tokens));
  usage.set("output_tokens", JsonValue::integer(output_tokens));
  return usage;
}

JsonValue message_object(const MessagesFormat& format, std::vector<JsonValue> content) {
  JsonValue message = JsonValue::object();
  message.set("id", json_text(format.id));
  message.set("type", json_text("message"));
  message.set("role", json_text("assistant"));
  message.set("model", json_text(format.model));
  message.set("content", JsonValue::array(std::move(content)));
  return message;
}

JsonValue thinking_block(std::string_view text, std::string_view sign) {
  JsonValue block = typed("thinking");
  block.set("thinking", json_text(text));
  block.set("signature", json_text(sign));
  return block;
}

JsonValue text_block(std::string_view text) {
  JsonValue block = typed("text");
  block.set("text", json_text(text));
  return block;
}

JsonValue tool_block(std::string_view id, std::string_view name, JsonValue input) {
  JsonValue block = typed("tool_use");
  block.set("id", json_text(id));
  block.set("name", json_text(name));
  block.set("input", std::move(input));
  return block;
}

std::vector<JsonValue> content_blocks(const FinishedChoice& finished) {
  std::vector<JsonValue> blocks;
  const ReplyMessage& message = finished.message;
  if (!message.reasoning.empty()) blocks.push_back(thinking_block(message.reasoning, signature()));
  if (!message.content.empty()) blocks.push_back(text_block(message.content));
  for (size_t i = 0; i < finished.call_ids.size(); ++i) {
    blocks.push_back(tool_block(tool_use_id(finished.call_ids[i]), message.calls[i].name,
                                closed_object(message.calls[i].arguments)));
  }
  return blocks;
}

class MessagesWriter final : public ReplyWriter {
 public:
  MessagesWriter(std::shared_ptr<Exchange> exchange, MessagesFormat format)
      : exchange_(std::move(exchange)), format_(std::move(format)) {}

  void started(const RequestStart& start) override { start_ = start; }
  void text(int, const TextPart&) override {}
  void call(int, const StartedCall&) override {}
  void arguments(int, const ArgumentsPart&) override {}

  void choice_finished(int, const FinishedChoice& finished) override {
    reply_ = message_object(format_, content_blocks(finished));
    reply_.set("stop_reason", json_text(stop_reason(finished)));
    reply_.set("stop_sequence", text_or_null(finished.stop_string));
  }

  void finished(const Usage& usage) override {
    reply_.set("usage", usage_object(start_, usage.completion_tokens));
    exchange_->respond(json_response(reply_));
  }

  void failed(const ApiError& error) override { exchange_->fail(error); }

 private:
  const std::shared_ptr<Exchange> exchange_;
  const MessagesFormat format_;
  RequestStart start_;
  JsonValue reply_;
};

class MessagesStreamWriter final : public ReplyWriter {
 public:
  MessagesStreamWriter(std::shared_ptr<Exchange> exchange, MessagesFormat format)
      : exchange_(std::move(exchange)), format_(std::move(format)) {
    exchange_->expect_events(": keep-alive\n\n");
  }

  void started(const RequestStart& start) override {
    start_ = start;
    JsonValue message = message_object(format_, {});
    message.set("stop_reason", JsonValue());
    message.set("stop_sequence", JsonValue());
    message.set("usage", usage_object(start, 0));
    JsonValue event = typed("message_start");
    event.set("message", std::move(message));
    send(event);
    send(typed("ping"));
    exchange_->expect_events("event: ping\ndata: {\"type\": \"ping\"}\n\n");
  }

  void text(int, const TextPart& part) override {
    const bool thinking = part.kind == PartKind::kReasoning;
    const Block kind = thinking ? Block::kThinking : Block::kText;
    if (block_ != kind) open(kind, thinking ? thinking_block("", "") : text_block(""));
    JsonValue delta = typed(thinking ? "thinking_delta" : "text_delta");
    delta.set(thinking ? "thinking" : "text", json_text(part.text));
    send_delta(std::move(delta));
  }

  void call(int, const StartedCall& call) override {
    open(Block::kTool, tool_block(tool_use_id(call.id), call.name, JsonValue::object()));
  }

  void arguments(int, const ArgumentsPart& arguments) override {
    JsonValue delta = typed("input_json_delta");
    delta.set("partial_json", json_text(arguments.text));
    send_delta(std::move(delta));
  }

  void choice_finished(int, const FinishedChoice& finished) override {
    close();
    final_delta_ = JsonValue::object();
    final_delta_.set("stop_reason", json_text(stop_reason(finished)));
    final_delta_.set("stop_sequence", text_or_null(finished.stop_string));
  }

  void finished(const Usage& usage) override {
    JsonValue event = typed("message_delta");
    event.set("delta", std::move(final_delta_));
    event.set("usage", usage_object(start_, usage.completion_tokens));
    send(event);
    send(typed("message_stop"));
    exchange_->end_events(AfterReply::kKeepAlive);
  }

  void failed(const ApiError& error) override {
    if (!exchange_->events_begun()) return exchange_->fail(error);
    const JsonValue value = anthropic_error(error, exchange_->facts().id);
    exchange_->send_events(concat("event: error\ndata: ", write_json(value), "\n\n"));
    exchange_->end_events(AfterReply::kClose);
  }

 private:
  enum class Block : uint8_t { kNone, kThinking, kText, kTool };

  void open(Block kind, JsonValue block) {
    close();
    block_ = kind;
    JsonValue event = typed("content_block_start");
    event.set("index", JsonValue::integer(index_));
    event.set("content_block", std::move(block));
    send(event);
  }

  void close() {
    if (block_ == Block::kNone) return;
    if (block_ == Block::kThinking) {
      JsonValue delta = typed("signature_delta");
      delta.set("signature", json_text(signature()));
      send_delta(std::move(delta));
    }
    JsonValue event = typed("content_block_stop");
    event.set("index", JsonValue::integer(index_));
    send(event);
    block_ = Block::kNone;
    ++index_;
  }

  void send_delta(JsonValue delta) {
    JsonValue event = typed("content_block_delta");
    event.set("index", JsonValue::integer(index_));
    event.set("delta", std::move(delta));
    send(event);
  }

  void send(const JsonValue& event) {
    exchange_->send_events(
        concat("event: ", event.find("type")->as_string(), "\ndata: ", write_json(event), "\n\n"));
  }

  const std::shared_ptr<Exchange> exchange_;
  const MessagesFormat format_;
  RequestStart start_;
  Block block_ = Block::kNone;
  int index_ = 0;  // of the block that is open, or the next one
  JsonValue final_delta_;
};

}  // namespace

std::unique_ptr<ReplyWriter> make_messages_writer(std::shared_ptr<Exchange> exchange, MessagesFormat format) {
  return std::make_unique<MessagesWriter>(std::move(exchange), std::move(format));
}

std::unique_ptr<ReplyWriter> make_messages_stream_writer(std::shared_ptr<Exchange> exchange,
                                                         MessagesFormat format) {
  return std::make_unique<MessagesStreamWriter>(std::move(exchange), std::move(format));
}

}  // namespace fathom
