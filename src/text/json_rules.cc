// SPDX-License-Identifier: MIT
#include "text/json_rules.h"

#include <algorithm>

#include "base/concat.h"

namespace fathom {
namespace {

std::string path_of(std::string_view where, std::string_view key) {
  return where.empty() ? std::string(key) : concat(where, ".", key);
}

// Whether `allowed` ("a|b") lists the JSON text of `value`.
bool is_allowed(const JsonValue& value, std::string_view allowed) {
  if (allowed.empty()) return true;
  // Only scalars and empty containers are ever allowed; a long list need not be written out to see that it is
  // not.
  if (value.is_array() ? !value.items().empty() : value.is_object() && !value.members().empty()) return false;
  const std::string text = write_json(value);
  while (!allowed.empty()) {
    const size_t bar = std::min(allowed.find('|'), allowed.size());
    if (allowed.substr(0, bar) == text) return true;
    allowed.remove_prefix(std::min(bar + 1, allowed.size()));
  }
  return false;
}

// "a|b" as "a or b".
std::string spell_choice(std::string_view allowed) {
  std::string out;
  for (const char c : allowed) {
    if (c == '|') {
      out += " or ";
    } else {
      out += c;
    }
  }
  return out;
}

}  // namespace

std::string describe_text(std::string_view text) {
  constexpr size_t kShown = 100;
  std::string out;
  append_json_string(out, text.substr(0, kShown));
  if (text.size() > kShown) out += "...";
  return out;
}

std::string describe_json(const JsonValue* value) {
  if (value == nullptr) return "nothing";
  if (value->is_string()) return describe_text(value->as_string());
  if (value->is_number()) return value->as_number_text().substr(0, 40);
  if (value->is_null() || value->is_bool()) return write_json(*value);
  return std::string(value->kind_name());
}

Status check_json_object(const JsonValue* value, std::string_view where, std::span<const JsonRule> rules) {
  if (value == nullptr || !value->is_object()) {
    return {StatusCode::kCorrupt,
            concat(where.empty() ? "the file" : where, ": expected an object, found ", describe_json(value))};
  }
  for (const auto& [key, member] : value->members()) {
    const auto rule =
        std::find_if(rules.begin(), rules.end(), [&](const JsonRule& r) { return r.key == key; });
    if (rule == rules.end()) {
      return {StatusCode::kUnsupported, concat(path_of(where, key.substr(0, 100)),
                                               ": expected no such field, found ", describe_json(&member))};
    }
    if (is_allowed(member, rule->allowed)) continue;
    return {StatusCode::kUnsupported, concat(path_of(where, key), ": expected ", spell_choice(rule->allowed),
                                             ", found ", describe_json(&member))};
  }
  for (const JsonRule& rule : rules) {
    if (rule.presence == JsonRule::kOptional || value->find(rule.key) != nullptr) continue;
    return {StatusCode::kCorrupt, concat(path_of(where, rule.key), ": expected a value, found nothing")};
  }
  return {};
}

}  // namespace fathom
