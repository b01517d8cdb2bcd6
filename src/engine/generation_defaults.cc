// SPDX-License-Identifier: MIT
#include "engine/generation_defaults.h"

#include "base/concat.h"
#include "engine/builtin_model.h"
#include "io/directory.h"
#include "io/json.h"
#include "io/read_file.h"

namespace fathom {
namespace {

constexpr std::string_view kFileName = "generation_config.json";
constexpr int64_t kMaxFileBytes = 1 << 20;  // real ones hold a few hundred bytes

Status wrong_value(std::string_view key, std::string_view expected, const JsonValue& found) {
  return Status(StatusCode::kInvalidArgument,
                concat(kFileName, ": ", key, ": expected ", expected, ", found ",
                       found.is_number() ? found.as_number_text() : found.kind_name()));
}

// The value of a key that is there and not null.
const JsonValue* find_set(const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  return value == nullptr || value->is_null() ? nullptr : value;
}

Status read_number(const JsonValue& object, std::string_view key, double& out) {
  const JsonValue* value = find_set(object, key);
  if (value == nullptr) return Status();
  const std::optional<double> number = value->is_number() ? value->as_double() : std::nullopt;
  if (!number) return wrong_value(key, "a number", *value);
  out = *number;
  return Status();
}

Status read_integer(const JsonValue& object, std::string_view key, int64_t& out) {
  const JsonValue* value = find_set(object, key);
  if (value == nullptr) return Status();
  const std::optional<int64_t> number = value->is_number() ? value->as_int64() : std::nullopt;
  if (!number) return wrong_value(key, "an integer", *value);
  out = *number;
  return Status();
}

Status read_bool(const JsonValue& object, std::string_view key, bool& out) {
  const JsonValue* value = find_set(object, key);
  if (value == nullptr) return Status();
  if (!value->is_bool()) return wrong_value(key, "a boolean", *value);
  out = value->as_bool();
  return Status();
}

// Nothing when the model has no such file.
Result<std::optional<std::string>> config_text(IoEnv& env, const std::string& name) {
  if (name == kBuiltinModelName) return std::optional(std::string(builtin_model().generation_config));
  FATHOM_ASSIGN_OR_RETURN(const Directory directory, Directory::open(env, name));
  auto text = read_file(directory, kFileName, kMaxFileBytes);
  if (text.ok()) return std::optional(*std::move(text));
  if (text.status().code() == StatusCode::kNotFound) return std::optional<std::string>();
  return text.status();
}

}  // namespace

Result<GenerationDefaults> parse_generation_config(std::string_view text) {
  const auto json = read_json(text);
  if (!json.ok()) return json.status().in(kFileName);
  if (!json->is_object()) {
    return Status(StatusCode::kCorrupt, concat(kFileName, ": expected an object, found ", json->kind_name()));
  }
  bool do_sample = true;
  GenerationDefaults defaults;
  FATHOM_RETURN_IF_ERROR(read_bool(*json, "do_sample", do_sample));
  FATHOM_RETURN_IF_ERROR(read_number(*json, "temperature", defaults.sampling.temperature));
  FATHOM_RETURN_IF_ERROR(read_number(*json, "top_p", defaults.sampling.top_p));
  FATHOM_RETURN_IF_ERROR(read_integer(*json, "top_k", defaults.sampling.top_k));
  FATHOM_RETURN_IF_ERROR(read_number(*json, "min_p", defaults.sampling.min_p));
  FATHOM_RETURN_IF_ERROR(read_number(*json, "repetition_penalty", defaults.sampling.repetition_penalty));
  defaults.greedy = !do_sample;
  FATHOM_RETURN_IF_ERROR(defaults.sampling.validate().in(kFileName));
  return defaults;
}

Result<GenerationDefaults> open_generation_defaults(IoEnv& env, const std::string& name) {
  FATHOM_ASSIGN_OR_RETURN(const std::optional<std::string> text, config_text(env, name));
  if (!text) return GenerationDefaults{};
  return parse_generation_config(*text);
}

}  // namespace fathom
