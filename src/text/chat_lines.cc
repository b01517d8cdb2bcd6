// SPDX-License-Identifier: MIT
#include "text/chat_lines.h"

#include <array>

#include "base/concat.h"
#include "io/json.h"
#include "text/chat_codec.h"
#include "text/chat_request.h"
#include "text/dsml_words.h"
#include "text/json_fields.h"
#include "text/reply_units.h"

namespace fathom {
namespace {

using Kind = JsonValue::Kind;

// A request may be 64 deep (api.md 2), and the line is one level around it.
constexpr int kMaxLineDepth = 65;

std::string error_line(const Status& status) {
  JsonValue out = JsonValue::object();
  out.set("error", JsonValue::integer(400));
  out.set("message", JsonValue::string(std::string(status.message())));
  return write_json(out);
}

Result<JsonValue> read_line(std::string_view line) {
  JsonReadOptions options;
  options.max_depth = kMaxLineDepth;
  FATHOM_ASSIGN_OR_RETURN(JsonValue value, read_json(line, options));
  if (!value.is_object()) return wrong_field("line", "an object", value);
  return value;
}

Result<Conversation> read_request(const JsonPlace& line, Dialect dialect) {
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> api, optional_string(line, "api"));
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> text, optional_string(line, "request_text"));
  JsonValue parsed;
  if (text) {
    FATHOM_ASSIGN_OR_RETURN(parsed, read_json(*text));
  }
  const JsonValue* inner = line.object.find("request");
  const JsonValue& body = text || inner == nullptr ? parsed : *inner;
  RequestDefaults defaults;
  defaults.dialect = dialect;
  const std::string name = api.value_or("chat");
  if (name != "chat" && name != "messages") {
    return Status(StatusCode::kInvalidArgument,
                  concat("api: expected chat or messages, found \"", name, '"'));
  }
  FATHOM_ASSIGN_OR_RETURN(ChatRequest request, name == "chat" ? read_chat_request(body, defaults)
                                                              : read_messages_request(body, defaults));
  return std::move(request.conversation);
}

Result<std::string> render_line(std::string_view text, const TemplateContext& context) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue line, read_line(text));
  const bool is_request = line.find("request") != nullptr || line.find("request_text") != nullptr;
  FATHOM_ASSIGN_OR_RETURN(const Conversation conversation, is_request
                                                               ? read_request({line, ""}, context.dialect)
                                                               : read_conversation(line, context.dialect));
  FATHOM_ASSIGN_OR_RETURN(const Prompt prompt, encode_conversation(conversation, context.dialect));
  FATHOM_ASSIGN_OR_RETURN(const std::vector<int32_t> ids, prompt.ids(context.tokenizer, context.markers));
  JsonValue out = JsonValue::object();
  out.set("prompt", JsonValue::string(prompt.text()));
  std::vector<JsonValue> items;
  for (const int32_t id : ids) items.push_back(JsonValue::integer(id));
  out.set("ids", JsonValue::array(std::move(items)));
  out.set("thinking_mode", JsonValue::string(std::string(thinking_mode_name(conversation.thinking_mode))));
  const std::string_view effort = effort_name(conversation.effort);
  out.set("reasoning_effort", effort.empty() ? JsonValue() : JsonValue::string(std::string(effort)));
  return write_json(out);
}

// Code points of reasoning, code points of content, calls announced, code points of all arguments.
using Totals = std::array<int64_t, 4>;

int64_t count_code_points(std::string_view text) noexcept {
  int64_t count = 0;
  for (const char c : text) count += begins_code_point(c) ? 1 : 0;
  return count;
}

void add_to(Totals& totals, const ReplyEvent& event) noexcept {
  switch (event.kind) {
    case ReplyEvent::Kind::kReasoning: totals[0] += count_code_points(event.text); return;
    case ReplyEvent::Kind::kContent: totals[1] += count_code_points(event.text); return;
    case ReplyEvent::Kind::kCall: ++totals[2]; return;
    case ReplyEvent::Kind::kArguments: totals[3] += count_code_points(event.text); return;
    case ReplyEvent::Kind::kFinished: return;
  }
}

struct ReplyLine {
  std::vector<std::vector<ReplyUnit>> steps;  // what is fed before each line of `cumulative`
  ReplyOptions options;
};

Status read_units(const JsonPlace& line, const ParseReplyOptions& options, ReplyLine& out) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue* list, optional_member(line, "units", Kind::kArray));
  std::vector<ReplyUnit> all;
  if (list != nullptr) {
    for (const JsonValue& unit : list->items()) {
      if (!unit.is_string()) return wrong_field("units", "an array of strings", unit);
      std::vector<ReplyUnit> cut = cut_reply(unit.as_string());
      all.insert(all.end(), cut.begin(), cut.end());
      out.steps.push_back(std::move(cut));
    }
  } else {
    FATHOM_ASSIGN_OR_RETURN(const std::string text, required_string(line, "text"));
    all = cut_reply(text);
  }
  const bool by_character = list == nullptr && options.events == ParseReplyOptions::Events::kYes;
  const int code_points = options.unit_code_points > 0 ? options.unit_code_points : by_character ? 1 : 0;
  if (list != nullptr && code_points == 0) return {};
  out.steps.clear();
  if (code_points > 0) all = recut_reply(all, code_points);
  for (ReplyUnit& unit : all) out.steps.push_back({std::move(unit)});
  return {};
}

Result<ReplyLine> read_reply_line(std::string_view text, const ParseReplyOptions& options) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue value, read_line(text));
  const JsonPlace line{value, ""};
  ReplyLine out;
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> mode, optional_string(line, "thinking_mode"));
  const std::optional<ThinkingMode> known = thinking_mode_from_name(mode.value_or("chat"));
  if (!known) {
    return Status(StatusCode::kInvalidArgument,
                  concat("thinking_mode: expected chat or thinking, found \"", *mode, '"'));
  }
  if (*known == ThinkingMode::kThinking) out.options.start = ReplyOptions::Start::kReasoning;
  FATHOM_ASSIGN_OR_RETURN(const std::optional<bool> tools, optional_bool(line, "tools"));
  if (tools.value_or(false)) out.options.calls = ReplyOptions::Calls::kParsed;
  FATHOM_RETURN_IF_ERROR(read_units(line, options, out));
  return out;
}

JsonValue calls_json(const std::vector<ReplyCall>& calls) {
  std::vector<JsonValue> items;
  for (const ReplyCall& call : calls) {
    JsonValue item = JsonValue::object();
    item.set("name", JsonValue::string(call.name));
    item.set("arguments", JsonValue::string(call.arguments));
    items.push_back(std::move(item));
  }
  return JsonValue::array(std::move(items));
}

// Runs the parser over the line's steps; `cumulative` gets the totals after each.
ReplyMessage run_parser(const ReplyLine& line, std::vector<JsonValue>& cumulative) {
  ReplyParser parser(line.options);
  ReplyMessage message;
  Totals totals{};
  const auto take = [&] {
    for (const ReplyEvent& event : parser.take_events()) {
      message.add(event);
      add_to(totals, event);
    }
  };
  for (const std::vector<ReplyUnit>& step : line.steps) {
    for (const ReplyUnit& unit : step) push_unit(parser, unit);
    take();
    std::vector<JsonValue> row;
    for (const int64_t total : totals) row.push_back(JsonValue::integer(total));
    cumulative.push_back(JsonValue::array(std::move(row)));
  }
  parser.finish_cut();  // a text without an end marker was cut by the length limit
  take();
  return message;
}

}  // namespace

std::string template_line(std::string_view line, const TemplateContext& context) {
  const Result<std::string> rendered = render_line(line, context);
  return rendered.ok() ? *rendered : error_line(rendered.status());
}

std::string parse_reply_line(std::string_view line, const ParseReplyOptions& options) {
  const Result<ReplyLine> read = read_reply_line(line, options);
  if (!read.ok()) return error_line(read.status());
  std::vector<JsonValue> cumulative;
  const ReplyMessage message = run_parser(*read, cumulative);
  JsonValue out = JsonValue::object();
  out.set("reasoning_content", JsonValue::string(message.reasoning));
  out.set("content", JsonValue::string(message.content));
  out.set("tool_calls", calls_json(message.calls));
  out.set("finish_reason", JsonValue::string(std::string(finish_reason_name(message.finish_reason))));
  if (options.events == ParseReplyOptions::Events::kYes)
    out.set("cumulative", JsonValue::array(std::move(cumulative)));
  return write_json(out);
}

}  // namespace fathom
