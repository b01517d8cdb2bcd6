// SPDX-License-Identifier: MIT
// JSON values: read from text with every limit stated, written as Python's json.dumps writes (chat.md 3).
//
// Invariants: objects keep the order of their keys; a number keeps its exact text; nesting never exceeds the
// reader's max_depth, so walking a value needs little stack. Our own reader because one parser must serve
// both the strict mode (files, requests) and Python's leniency in call arguments (NaN, repeated keys, lone
// surrogates), which no packaged parser offers.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/status.h"

namespace fathom {

class JsonValue {
 public:
  enum class Kind : uint8_t { kNull, kBool, kNumber, kString, kArray, kObject };
  using Member = std::pair<std::string, JsonValue>;

  JsonValue() = default;  // null
  JsonValue(JsonValue&&) noexcept = default;
  JsonValue& operator=(JsonValue&&) noexcept = default;
  JsonValue(const JsonValue&) = delete;
  JsonValue& operator=(const JsonValue&) = delete;

  static JsonValue boolean(bool value);
  static JsonValue string(std::string value);
  static JsonValue integer(int64_t value);
  static JsonValue number(double value);
  // A number by its text, which must be a JSON number or NaN, Infinity, -Infinity.
  static JsonValue number_text(std::string text);
  static JsonValue array(std::vector<JsonValue> items = {});
  static JsonValue object(std::vector<Member> members = {});
  JsonValue clone() const;

  Kind kind() const noexcept { return kind_; }
  bool is_null() const noexcept { return kind_ == Kind::kNull; }
  bool is_bool() const noexcept { return kind_ == Kind::kBool; }
  bool is_number() const noexcept { return kind_ == Kind::kNumber; }
  bool is_string() const noexcept { return kind_ == Kind::kString; }
  bool is_array() const noexcept { return kind_ == Kind::kArray; }
  bool is_object() const noexcept { return kind_ == Kind::kObject; }

  // Each requires its own kind.
  bool as_bool() const noexcept;
  const std::string& as_string() const noexcept;
  const std::string& as_number_text() const noexcept;
  const std::vector<JsonValue>& items() const noexcept;
  const std::vector<Member>& members() const noexcept;
  std::vector<JsonValue>& items() noexcept;
  std::vector<Member>& members() noexcept;

  // The number as an integer when its text has no '.', 'e' or 'E' and it fits; as the nearest binary64, when
  // finite.
  std::optional<int64_t> as_int64() const noexcept;
  std::optional<double> as_double() const noexcept;

  // The member of an object with this key, or null when there is none (or this is not an object).
  const JsonValue* find(std::string_view key) const noexcept;
  // Sets or replaces a member of an object; a new one goes last.
  void set(std::string_view key, JsonValue value);

  // "null", "a boolean", "a number", "a string", "an array", "an object": for error messages.
  std::string_view kind_name() const noexcept;

 private:
  Kind kind_ = Kind::kNull;
  bool bool_ = false;
  std::string text_;  // string or number text
  std::vector<JsonValue> items_;
  std::unique_ptr<std::vector<Member>> members_;
};

// What to accept beyond RFC 8259. The default is strict: repeated keys and lone surrogate escapes are errors.
struct JsonReadOptions {
  enum class Leniency : uint8_t {
    kStrict,
    kPython,  // as json.loads: NaN and infinities; a repeated key keeps its first place and its last value; a
              // lone surrogate escape reads as U+FFFD; raw control characters in strings stay errors
  };
  Leniency leniency = Leniency::kStrict;
  int max_depth = 64;
  int64_t max_nodes = 1'000'000;
};

// Reads one JSON text (UTF-8, nothing but white space after it).
// Returns kCorrupt "JSON: byte N: expected X, found Y".
Result<JsonValue> read_json(std::string_view text, const JsonReadOptions& options = {});

// One line in the format of Python's json.dumps(x, ensure_ascii=False): chat.md 3 "JSON text".
std::string write_json(const JsonValue& value);

// Appends `text`, which must be UTF-8, as a JSON string with quotes, escaped as above.
void append_json_string(std::string& out, std::string_view text);

// A binary64 as Python's repr prints it: fewest digits that read back, "1e+16", "0.0001", "1.0".
std::string format_json_double(double value);

}  // namespace fathom
