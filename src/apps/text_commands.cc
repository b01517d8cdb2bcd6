// SPDX-License-Identifier: MIT
// The commands that need a tokenizer and no weights: tokenize, detokenize, template, parse-reply
// (conformance.md).
#include "apps/commands.h"
#include "apps/standard_streams.h"
#include "base/base64.h"
#include "base/concat.h"
#include "engine/loaded_model.h"
#include "io/json.h"
#include "text/chat_lines.h"
#include "text/stream_decoder.h"

namespace fathom {
namespace {

// A line may hold the ids of a book.
constexpr JsonReadOptions kLineOptions{.max_nodes = int64_t{1} << 28};

JsonValue ids_as_json(std::span<const int32_t> ids) {
  std::vector<JsonValue> items;
  items.reserve(ids.size());
  for (const int32_t id : ids) items.push_back(JsonValue::integer(id));
  return JsonValue::array(std::move(items));
}

Result<JsonValue> read_object(const std::string& line) {
  FATHOM_ASSIGN_OR_RETURN(JsonValue value, read_json(line, kLineOptions));
  if (value.is_object()) return value;
  return Status(StatusCode::kInvalidArgument, concat("expected a JSON object, found ", value.kind_name()));
}

// The bytes of {"text"} or {"bytes_b64"}.
Result<std::string> line_bytes(const std::string& line) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue object, read_object(line));
  if (const JsonValue* bytes = object.find("bytes_b64"); bytes != nullptr && bytes->is_string()) {
    return decode_base64(bytes->as_string());
  }
  const JsonValue* text = object.find("text");
  if (text != nullptr && text->is_string()) return text->as_string();
  return Status(StatusCode::kInvalidArgument, "expected a string text or bytes_b64, found neither");
}

Result<std::vector<int32_t>> line_ids(const std::string& line, const Tokenizer& tokenizer) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue object, read_object(line));
  const JsonValue* list = object.find("ids");
  if (list == nullptr || !list->is_array()) {
    return Status(StatusCode::kInvalidArgument, "expected an array ids, found none");
  }
  std::vector<int32_t> ids;
  for (const JsonValue& item : list->items()) {
    const auto id = item.as_int64();
    if (!id || *id < 0 || *id >= tokenizer.size()) {
      return Status(StatusCode::kInvalidArgument, concat("ids[", ids.size(), "]: expected an id below ",
                                                         tokenizer.size(), ", found ", write_json(item)));
    }
    ids.push_back(static_cast<int32_t>(*id));
  }
  return ids;
}

JsonValue stream_steps(std::span<const int32_t> ids, const Tokenizer& tokenizer) {
  StreamDecoder decoder;
  std::vector<JsonValue> steps;
  for (const int32_t id : ids) steps.push_back(JsonValue::string(decoder.push(tokenizer.bytes(id))));
  JsonValue out = JsonValue::object();
  out.set("steps", JsonValue::array(std::move(steps)));
  out.set("flush", JsonValue::string(decoder.flush()));
  return out;
}

JsonValue whole_text(std::span<const int32_t> ids, const Tokenizer& tokenizer) {
  JsonValue out = JsonValue::object();
  out.set("text", JsonValue::string(tokenizer.decode(ids)));
  out.set("bytes_b64", JsonValue::string(encode_base64(tokenizer.decode_bytes(ids))));
  return out;
}

}  // namespace

Status run_tokenize(const TokenizeCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const Tokenizer tokenizer, open_tokenizer(system_io(), command.model));
  const auto special = command.special ? Tokenizer::Special::kOn : Tokenizer::Special::kOff;
  if (command.jsonl) {
    return for_each_line([&](const std::string& line) -> Status {
      FATHOM_ASSIGN_OR_RETURN(const std::string bytes, line_bytes(line));
      JsonValue out = JsonValue::object();
      out.set("ids", ids_as_json(tokenizer.encode(bytes, special)));
      return write_stdout(write_json(out) + "\n");
    });
  }
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_stdin());
  return write_stdout(write_json(ids_as_json(tokenizer.encode(text, special))) + "\n");
}

Status run_detokenize(const DetokenizeCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const Tokenizer tokenizer, open_tokenizer(system_io(), command.model));
  return for_each_line([&](const std::string& line) -> Status {
    FATHOM_ASSIGN_OR_RETURN(const auto ids, line_ids(line, tokenizer));
    const JsonValue out = command.stream ? stream_steps(ids, tokenizer) : whole_text(ids, tokenizer);
    return write_stdout(write_json(out) + "\n");
  });
}

Status run_template(const TemplateCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const Tokenizer tokenizer, open_tokenizer(system_io(), command.model));
  FATHOM_ASSIGN_OR_RETURN(Dialect dialect, open_dialect(system_io(), command.model));
  if (!command.dialect.empty()) {
    const auto named = dialect_from_name(command.dialect);
    if (!named) {
      return Status(StatusCode::kInvalidArgument,
                    concat("--dialect: expected preview or official, found \"", command.dialect, "\""));
    }
    dialect = *named;
  }
  const MarkerIds markers(tokenizer);
  FATHOM_RETURN_IF_ERROR(markers.chat_available());
  return for_each_line([&](const std::string& line) {
    return write_stdout(template_line(line, {tokenizer, markers, dialect}) + "\n");
  });
}

Status run_parse_reply(const ParseReplyCommand& command) {
  if (command.units < 0 || command.units > INT32_MAX) {
    return Status(StatusCode::kInvalidArgument, concat("--units: expected 0 or more, found ", command.units));
  }
  const ParseReplyOptions options{
      .unit_code_points = static_cast<int>(command.units),
      .events = command.events ? ParseReplyOptions::Events::kYes : ParseReplyOptions::Events::kNo};
  return for_each_line(
      [&](const std::string& line) { return write_stdout(parse_reply_line(line, options) + "\n"); });
}

}  // namespace fathom
