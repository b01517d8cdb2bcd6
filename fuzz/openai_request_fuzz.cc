// SPDX-License-Identifier: MIT
// Bodies of the OpenAI routes (docs/reliability.md S-1): the parameter table refuses or accepts; what it
// accepts has numbers inside their ranges and goes on to the readers without a crash.
//
// Input: one byte that chooses the API, then the JSON text.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

#include "base/check.h"
#include "io/json.h"
#include "server/chat_parameters.h"
#include "server/parameter.h"
#include "text/chat_codec.h"
#include "text/chat_request.h"
#include "text/json_fields.h"

namespace {

using namespace fathom;

// Of the fields that the API has; it ignores others, whatever they hold.
void check_ranges(const JsonValue& body, std::span<const Parameter> table) {
  const auto has = [&](std::string_view key) {
    return std::ranges::any_of(table, [key](const Parameter& parameter) { return parameter.name == key; });
  };
  const auto within = [&](std::string_view key, double min, double max) {
    if (!has(key)) return;
    const auto value = number_member(body, key);
    FATHOM_CHECK(!value || (*value >= min && *value <= max));
  };
  within("temperature", 0.0, 2.0);
  within("top_p", 0.0, 1.0);
  within("min_p", 0.0, 1.0);
  within("n", 1.0, 8.0);
  within("max_tokens", 0.0, 2147483647.0);
  if (!has("n")) return;
  const auto choices = integer_member(body, "n");
  FATHOM_CHECK(!choices || (*choices >= 1 && *choices <= 8));
}

std::span<const Parameter> table_of(uint8_t choice) {
  switch (choice % 4) {
    case 0: return chat_parameters();
    case 1: return completion_parameters();
    case 2: return tokenize_parameters();
    default: return detokenize_parameters();
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const auto body = read_json({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!body.ok() || !body->is_object()) return 0;
  const std::span<const Parameter> table = table_of(data[0]);
  const Status status = check_parameters(*body, table, RequestCaps{});
  if (!status.ok()) {
    FATHOM_CHECK(!status.message().empty());
    return 0;
  }
  if (!check_finite_numbers(*body).ok()) return 0;
  check_ranges(*body, table);
  const auto request = read_chat_request(*body, RequestDefaults{});
  if (request.ok())
    ignore_status(encode_conversation(request->conversation, Dialect::kPreview).status(), "may fail");
  return 0;
}
