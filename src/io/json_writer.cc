// SPDX-License-Identifier: MIT
// write_json: byte for byte what Python's json.dumps(x, ensure_ascii=False) prints (chat.md 3).
#include <charconv>
#include <cmath>

#include "io/json.h"

namespace fathom {
namespace {

// The number as json.dumps prints json.loads of its text: integers keep their digits, the rest is
// repr(float).
std::string number_as_python(const std::string& text) {
  if (text == "NaN" || text == "Infinity" || text == "-Infinity") return text;
  if (text.find_first_of(".eE") == std::string::npos) return text == "-0" ? "0" : text;
  double value = 0;
  const auto parsed = std::from_chars(text.data(), text.data() + text.size(), value);
  if (parsed.ec == std::errc::result_out_of_range) {
    const bool tiny = std::abs(std::strtod(text.c_str(), nullptr)) < 1;
    const std::string magnitude = tiny ? "0.0" : "Infinity";
    return text[0] == '-' ? "-" + magnitude : magnitude;
  }
  return format_json_double(value);
}

void append_value(std::string& out, const JsonValue& value);

void append_object(std::string& out, const JsonValue& value) {
  out.push_back('{');
  bool first = true;
  for (const JsonValue::Member& member : value.members()) {
    if (!first) out += ", ";
    first = false;
    append_json_string(out, member.first);
    out += ": ";
    append_value(out, member.second);
  }
  out.push_back('}');
}

void append_array(std::string& out, const JsonValue& value) {
  out.push_back('[');
  bool first = true;
  for (const JsonValue& item : value.items()) {
    if (!first) out += ", ";
    first = false;
    append_value(out, item);
  }
  out.push_back(']');
}

void append_value(std::string& out, const JsonValue& value) {
  switch (value.kind()) {
    case JsonValue::Kind::kNull: out += "null"; return;
    case JsonValue::Kind::kBool: out += value.as_bool() ? "true" : "false"; return;
    case JsonValue::Kind::kNumber: out += number_as_python(value.as_number_text()); return;
    case JsonValue::Kind::kString: append_json_string(out, value.as_string()); return;
    case JsonValue::Kind::kArray: append_array(out, value); return;
    case JsonValue::Kind::kObject: append_object(out, value); return;
  }
}

void append_escaped_control(std::string& out, uint8_t c) {
  switch (c) {
    case '\n': out += "\\n"; return;
    case '\r': out += "\\r"; return;
    case '\t': out += "\\t"; return;
    case '\b': out += "\\b"; return;
    case '\f': out += "\\f"; return;
    default: break;
  }
  constexpr std::string_view kHex = "0123456789abcdef";
  out += "\\u00";
  out.push_back(kHex[c >> 4]);
  out.push_back(kHex[c & 15]);
}

}  // namespace

std::string format_json_double(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  char buffer[64];
  auto end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::scientific);
  const std::string shortest(buffer, end.ptr);
  const size_t e = shortest.find('e');
  int exponent = 0;
  const char* exponent_text = shortest.c_str() + e + 1;
  if (*exponent_text == '+') ++exponent_text;
  std::from_chars(exponent_text, shortest.c_str() + shortest.size(), exponent);
  if (exponent >= -4 && exponent < 16) {
    end = std::to_chars(buffer, buffer + sizeof buffer, value, std::chars_format::fixed);
    std::string fixed(buffer, end.ptr);
    if (fixed.find('.') == std::string::npos) fixed += ".0";
    return fixed;
  }
  return shortest;
}

void append_json_string(std::string& out, std::string_view text) {
  out.push_back('"');
  for (const char c : text) {
    if (c == '"' || c == '\\') {
      out.push_back('\\');
      out.push_back(c);
    } else if (static_cast<uint8_t>(c) < 0x20) {
      append_escaped_control(out, static_cast<uint8_t>(c));
    } else {
      out.push_back(c);
    }
  }
  out.push_back('"');
}

std::string write_json(const JsonValue& value) {
  std::string out;
  append_value(out, value);
  return out;
}

}  // namespace fathom
