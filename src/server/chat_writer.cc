// SPDX-License-Identifier: MIT
#include "server/chat_writer.h"

#include <chrono>
#include <utility>

#include "base/concat.h"
#include "server/parameter.h"
#include "server/random_id.h"
#include "server/reply_json.h"

namespace fathom {
namespace {

std::vector<JsonValue> one(JsonValue value) {
  std::vector<JsonValue> list;
  list.push_back(std::move(value));
  return list;
}

class ChatWriter final : public ReplyWriter {
 public:
  ChatWriter(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer, ReplyFormat format)
      : exchange_(std::move(exchange)),
        tokenizer_(tokenizer),
        format_(std::move(format)),
        choices_(static_cast<size_t>(format_.choices)) {}

  void started(const RequestStart&) override {}
  void text(int, const TextPart&) override {}
  void call(int, const StartedCall&) override {}
  void arguments(int, const ArgumentsPart&) override {}

  void choice_finished(int index, const FinishedChoice& finished) override {
    JsonValue choice = JsonValue::object();
    choice.set("index", JsonValue::integer(index));
    choice.set("message", message_of(finished));
    choice.set("logprobs", format_.logprobs ? chat_logprobs(finished.content_logprobs,
                                                            finished.reasoning_logprobs, tokenizer_)
                                            : JsonValue());
    choice.set("finish_reason", json_text(choice_reason_name(finished.reason)));
    choices_[static_cast<size_t>(index)] = std::move(choice);
  }

  void finished(const Usage& usage) override {
    JsonValue reply = envelope_json(format_.envelope);
    reply.set("choices", JsonValue::array(std::move(choices_)));
    reply.set("usage", usage_json(usage, format_.prices));
    if (format_.timings) reply.set("timings", timings_json(usage));
    exchange_->respond(json_response(reply));
  }

  void failed(const ApiError& error) override { exchange_->fail(error); }

 private:
  JsonValue message_of(const FinishedChoice& finished) const {
    const bool only_calls = finished.message.content.empty() && !finished.call_ids.empty();
    JsonValue message = JsonValue::object();
    message.set("role", json_text("assistant"));
    message.set("content", only_calls ? JsonValue() : json_text(finished.message.content));
    if (format_.thinking) message.set("reasoning_content", json_text(finished.message.reasoning));
    if (!finished.call_ids.empty()) message.set("tool_calls", tool_calls_json(finished));
    return message;
  }

  const std::shared_ptr<Exchange> exchange_;
  const Tokenizer& tokenizer_;
  const ReplyFormat format_;
  std::vector<JsonValue> choices_;
};

class ChatStreamWriter final : public ReplyWriter {
 public:
  ChatStreamWriter(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer, ReplyFormat format)
      : exchange_(std::move(exchange)), tokenizer_(tokenizer), format_(std::move(format)) {
    exchange_->expect_events(": keep-alive\n\n");
  }

  void started(const RequestStart&) override {
    for (int index = 0; index < format_.choices; ++index) {
      JsonValue delta = JsonValue::object();
      delta.set("role", json_text("assistant"));
      delta.set("content", format_.thinking ? JsonValue() : json_text(""));
      if (format_.thinking) delta.set("reasoning_content", json_text(""));
      send(index, std::move(delta), {});
    }
  }

  void text(int index, const TextPart& part) override {
    const bool reasoning = part.kind == PartKind::kReasoning;
    JsonValue delta = JsonValue::object();
    delta.set(reasoning ? "reasoning_content" : "content", json_text(part.text));
    JsonValue logprobs;
    if (format_.logprobs) {
      const std::span<const TokenEntry> none;
      logprobs = reasoning ? chat_logprobs(none, part.logprobs, tokenizer_)
                           : chat_logprobs(part.logprobs, none, tokenizer_);
    }
    send(index, std::move(delta), {std::move(logprobs), {}});
  }

  void call(int index, const StartedCall& call) override {
    JsonValue function = JsonValue::object();
    function.set("name", json_text(call.name));
    function.set("arguments", json_text(""));
    JsonValue entry = JsonValue::object();
    entry.set("index", JsonValue::integer(call.index));
    entry.set("id", json_text(call.id));
    entry.set("type", json_text("function"));
    entry.set("function", std::move(function));
    send_call(index, std::move(entry));
  }

  void arguments(int index, const ArgumentsPart& arguments) override {
    JsonValue function = JsonValue::object();
    function.set("arguments", json_text(arguments.text));
    JsonValue entry = JsonValue::object();
    entry.set("index", JsonValue::integer(arguments.index));
    entry.set("function", std::move(function));
    send_call(index, std::move(entry));
  }

  void choice_finished(int index, const FinishedChoice& finished) override {
    send(index, JsonValue::object(), {{}, choice_reason_name(finished.reason)});
  }

  void finished(const Usage& usage) override {
    if (format_.usage_in_stream || format_.timings) {
      JsonValue chunk = envelope_json(format_.envelope);
      chunk.set("choices", JsonValue::array());
      if (format_.usage_in_stream) chunk.set("usage", usage_json(usage, format_.prices));
      if (format_.timings) chunk.set("timings", timings_json(usage));
      exchange_->send_events(data_event(chunk));
    }
    exchange_->send_events("data: [DONE]\n\n");
    exchange_->end_events(AfterReply::kKeepAlive);
  }

  void failed(const ApiError& error) override { fail_openai(*exchange_, error); }

 private:
  struct Rest {
    JsonValue logprobs = {};
    std::string_view finish_reason = {};  // empty: none yet
  };

  void send_call(int index, JsonValue entry) {
    JsonValue delta = JsonValue::object();
    delta.set("tool_calls", JsonValue::array(one(std::move(entry))));
    send(index, std::move(delta), {});
  }

  void send(int index, JsonValue delta, Rest rest) {
    JsonValue choice = JsonValue::object();
    choice.set("index", JsonValue::integer(index));
    choice.set("delta", std::move(delta));
    choice.set("logprobs", std::move(rest.logprobs));
    choice.set("finish_reason", rest.finish_reason.empty() ? JsonValue() : json_text(rest.finish_reason));
    JsonValue chunk = envelope_json(format_.envelope);
    chunk.set("choices", JsonValue::array(one(std::move(choice))));
    if (format_.usage_in_stream) chunk.set("usage", JsonValue());
    exchange_->send_events(data_event(chunk));
  }

  const std::shared_ptr<Exchange> exchange_;
  const Tokenizer& tokenizer_;
  const ReplyFormat format_;
};

}  // namespace

ReplyEnvelope make_envelope(std::string_view id_prefix, std::string_view object, const JsonValue& body,
                            const ServedModel& model) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return {random_id(id_prefix), std::string(object),
          std::chrono::duration_cast<std::chrono::seconds>(now).count(),
          string_member(body, "model").value_or(model.id), "fp_" + model.fingerprint};
}

JsonValue envelope_json(const ReplyEnvelope& envelope) {
  JsonValue value = JsonValue::object();
  value.set("id", json_text(envelope.id));
  value.set("object", json_text(envelope.object));
  value.set("created", JsonValue::integer(envelope.created));
  value.set("model", json_text(envelope.model));
  value.set("system_fingerprint", json_text(envelope.fingerprint));
  return value;
}

std::string data_event(const JsonValue& value) { return concat("data: ", write_json(value), "\n\n"); }

void fail_openai(Exchange& exchange, const ApiError& error) {
  if (!exchange.events_begun()) return exchange.fail(error);
  JsonValue value = JsonValue::object();
  value.set("error", openai_error(error));
  exchange.send_events(data_event(value));
  exchange.end_events(AfterReply::kClose);
}

std::unique_ptr<ReplyWriter> make_chat_writer(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer,
                                              ReplyFormat format) {
  return std::make_unique<ChatWriter>(std::move(exchange), tokenizer, std::move(format));
}

std::unique_ptr<ReplyWriter> make_chat_stream_writer(std::shared_ptr<Exchange> exchange,
                                                     const Tokenizer& tokenizer, ReplyFormat format) {
  return std::make_unique<ChatStreamWriter>(std::move(exchange), tokenizer, std::move(format));
}

}  // namespace fathom
