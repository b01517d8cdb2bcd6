// SPDX-License-Identifier: MIT
#include "server/responses_writer.h"

#include <string>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "server/random_id.h"
#include "server/reply_json.h"

namespace fathom {
namespace {

JsonValue list_of(JsonValue item) {
  std::vector<JsonValue> items;
  items.push_back(std::move(item));
  return JsonValue::array(std::move(items));
}

JsonValue usage_object(const Usage& usage) {
  JsonValue cached = JsonValue::object();
  cached.set("cached_tokens", JsonValue::integer(usage.cached_tokens));
  JsonValue reasoning = JsonValue::object();
  reasoning.set("reasoning_tokens", JsonValue::integer(usage.reasoning_tokens));
  JsonValue value = JsonValue::object();
  value.set("input_tokens", JsonValue::integer(usage.prompt_tokens));
  value.set("input_tokens_details", std::move(cached));
  value.set("output_tokens", JsonValue::integer(usage.completion_tokens));
  value.set("output_tokens_details", std::move(reasoning));
  value.set("total_tokens", JsonValue::integer(usage.prompt_tokens + usage.completion_tokens));
  return value;
}

// One output item while it grows.
struct Item {
  enum class Kind : uint8_t { kReasoning, kMessage, kCall };
  Kind kind = Kind::kMessage;
  std::string id;
  std::string text = {};  // or the arguments of a call
  std::string call_id = {};
  std::string name = {};
  std::vector<TokenEntry> logprobs = {};
};

class ResponsesWriter final : public ReplyWriter {
 public:
  ResponsesWriter(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer, ResponsesFormat format)
      : exchange_(std::move(exchange)), tokenizer_(tokenizer), format_(std::move(format)) {
    if (streams()) exchange_->expect_events(": keep-alive\n\n");
  }

  void started(const RequestStart&) override {
    send_response("response.created", response_as("in_progress"));
    send_response("response.in_progress", response_as("in_progress"));
  }

  void text(int, const TextPart& part) override {
    const Item::Kind kind = part.kind == PartKind::kReasoning ? Item::Kind::kReasoning : Item::Kind::kMessage;
    if (!open_ || item_.kind != kind) {
      open({kind, random_id(kind == Item::Kind::kReasoning ? "rs_" : "msg_")});
    }
    item_.text += part.text;
    JsonValue event = part_event(kind == Item::Kind::kReasoning ? "response.reasoning_text.delta"
                                                                : "response.output_text.delta");
    event.set("delta", json_text(part.text));
    if (kind == Item::Kind::kMessage) event.set("logprobs", entries(part.logprobs));
    send(std::move(event));
    item_.logprobs.insert(item_.logprobs.end(), part.logprobs.begin(), part.logprobs.end());
  }

  void call(int, const StartedCall& call) override {
    open({Item::Kind::kCall, random_id("fc_"), {}, std::string(call.id), std::string(call.name)});
  }

  void arguments(int, const ArgumentsPart& arguments) override {
    item_.text += arguments.text;
    JsonValue event = item_event("response.function_call_arguments.delta");
    event.set("delta", json_text(arguments.text));
    send(std::move(event));
  }

  void choice_finished(int, const FinishedChoice& finished) override {
    reason_ = finished.reason;
    close(reason_ == ChoiceReason::kStop || reason_ == ChoiceReason::kToolCalls ? "completed" : "incomplete");
  }

  void finished(const Usage& usage) override {
    JsonValue response = final_response();
    response.set("usage", usage_object(usage));
    if (!streams()) return exchange_->respond(json_response(response));
    const std::string type = concat("response.", response.find("status")->as_string());
    send_response(type, std::move(response));
    exchange_->end_events(AfterReply::kKeepAlive);
  }

  void failed(const ApiError& error) override {
    if (!exchange_->events_begun()) return exchange_->fail(error);
    JsonValue response = response_as("failed");
    response.set("error", error_object(error.message));
    send_response("response.failed", std::move(response));
    exchange_->end_events(AfterReply::kClose);
  }

 private:
  // How much of the item's content to show: none as it is added, all as it is done.
  enum class Extent : uint8_t { kNothing, kWhole };

  bool streams() const { return format_.delivery == ResponsesFormat::Delivery::kEvents; }

  static JsonValue error_object(std::string_view message) {
    JsonValue error = JsonValue::object();
    error.set("code", json_text("server_error"));
    error.set("message", json_text(message));
    return error;
  }

  JsonValue response_as(std::string_view status) const {
    JsonValue response = format_.response.clone();
    std::vector<JsonValue> output;
    for (const JsonValue& item : output_) output.push_back(item.clone());
    response.set("status", json_text(status));
    response.set("output", JsonValue::array(std::move(output)));
    return response;
  }

  JsonValue final_response() const {
    switch (reason_) {
      case ChoiceReason::kStop:
      case ChoiceReason::kToolCalls: return response_as("completed");
      case ChoiceReason::kLength: {
        JsonValue details = JsonValue::object();
        details.set("reason", json_text("max_output_tokens"));
        JsonValue response = response_as("incomplete");
        response.set("incomplete_details", std::move(details));
        return response;
      }
      case ChoiceReason::kAborted: break;
    }
    JsonValue response = response_as("failed");
    response.set("error", error_object("the reply was broken off by the server"));
    return response;
  }

  JsonValue entries(const std::vector<TokenEntry>& logprobs) const {
    return format_.logprobs ? logprob_entries(logprobs, tokenizer_) : JsonValue::array();
  }

  JsonValue part_object(Extent extent) const {
    JsonValue part = typed(item_.kind == Item::Kind::kReasoning ? "reasoning_text" : "output_text");
    part.set("text", json_text(extent == Extent::kWhole ? std::string_view(item_.text) : std::string_view()));
    if (item_.kind == Item::Kind::kMessage) {
      part.set("annotations", JsonValue::array());
      part.set("logprobs", extent == Extent::kWhole ? entries(item_.logprobs) : JsonValue::array());
    }
    return part;
  }

  // The item without content (as it is added), or with all of it.
  JsonValue item_object(std::string_view status, Extent extent) const {
    JsonValue content = extent == Extent::kWhole ? list_of(part_object(extent)) : JsonValue::array();
    JsonValue item;
    switch (item_.kind) {
      case Item::Kind::kReasoning:
        item = typed("reasoning");
        item.set("id", json_text(item_.id));
        item.set("summary", JsonValue::array());
        item.set("content", std::move(content));
        break;
      case Item::Kind::kMessage:
        item = typed("message");
        item.set("id", json_text(item_.id));
        item.set("role", json_text("assistant"));
        item.set("content", std::move(content));
        break;
      case Item::Kind::kCall:
        item = typed("function_call");
        item.set("id", json_text(item_.id));
        item.set("call_id", json_text(item_.call_id));
        item.set("name", json_text(item_.name));
        item.set("arguments", json_text(item_.text));
        break;
    }
    item.set("status", json_text(status));
    return item;
  }

  void open(Item item) {
    close("completed");
    item_ = std::move(item);
    open_ = true;
    JsonValue added = typed("response.output_item.added");
    added.set("output_index", index());
    added.set("item", item_object("in_progress", Extent::kNothing));
    send(std::move(added));
    if (item_.kind == Item::Kind::kCall) return;
    JsonValue part = part_event("response.content_part.added");
    part.set("part", part_object(Extent::kNothing));
    send(std::move(part));
  }

  void close(std::string_view status) {
    if (!open_) return;
    open_ = false;
    if (item_.kind == Item::Kind::kCall) {
      JsonValue done = item_event("response.function_call_arguments.done");
      done.set("name", json_text(item_.name));
      done.set("arguments", json_text(item_.text));
      send(std::move(done));
    } else {
      close_part();
    }
    JsonValue item = item_object(status, Extent::kWhole);
    JsonValue done = typed("response.output_item.done");
    done.set("output_index", index());
    done.set("item", item.clone());
    send(std::move(done));
    output_.push_back(std::move(item));
  }

  void close_part() {
    const bool reasoning = item_.kind == Item::Kind::kReasoning;
    JsonValue text = part_event(reasoning ? "response.reasoning_text.done" : "response.output_text.done");
    text.set("text", json_text(item_.text));
    if (!reasoning) text.set("logprobs", entries(item_.logprobs));
    send(std::move(text));
    JsonValue part = part_event("response.content_part.done");
    part.set("part", part_object(Extent::kWhole));
    send(std::move(part));
  }

  JsonValue index() const { return JsonValue::integer(static_cast<int64_t>(output_.size())); }

  JsonValue item_event(std::string_view type) const {
    JsonValue event = typed(type);
    event.set("item_id", json_text(item_.id));
    event.set("output_index", index());
    return event;
  }

  JsonValue part_event(std::string_view type) const {
    JsonValue event = item_event(type);
    event.set("content_index", JsonValue::integer(0));
    return event;
  }

  void send_response(std::string_view type, JsonValue response) {
    JsonValue event = typed(type);
    event.set("response", std::move(response));
    send(std::move(event));
  }

  void send(JsonValue event) {
    if (!streams()) return;
    event.set("sequence_number", JsonValue::integer(sequence_++));
    exchange_->send_events(
        concat("event: ", event.find("type")->as_string(), "\ndata: ", write_json(event), "\n\n"));
  }

  const std::shared_ptr<Exchange> exchange_;
  const Tokenizer& tokenizer_;
  const ResponsesFormat format_;
  std::vector<JsonValue> output_;  // items that are complete
  Item item_;
  bool open_ = false;
  ChoiceReason reason_ = ChoiceReason::kStop;
  int64_t sequence_ = 0;
};

}  // namespace

std::unique_ptr<ReplyWriter> make_responses_writer(std::shared_ptr<Exchange> exchange,
                                                   const Tokenizer& tokenizer, ResponsesFormat format) {
  return std::make_unique<ResponsesWriter>(std::move(exchange), tokenizer, std::move(format));
}

}  // namespace fathom
