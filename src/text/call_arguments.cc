// SPDX-License-Identifier: MIT
#include "text/call_arguments.h"

#include <algorithm>

#include "base/check.h"
#include "io/json.h"
#include "text/json_syntax.h"

namespace fathom {

void CallArguments::open_call() {
  FATHOM_CHECK(!in_call_);
  in_call_ = true;
  names_.clear();
}

void CallArguments::open_parameter(std::string_view name, Kind kind) {
  FATHOM_CHECK(in_call_ && !in_parameter());
  const bool first = names_.empty();
  if (!names_.emplace(name).second) {
    mode_ = Mode::kSkipped;
    return;
  }
  std::string out(first ? "{" : ", ");
  append_json_string(out, name);
  out += ": ";
  if (kind == Kind::kString) out += '"';
  emit(out);
  mode_ = kind == Kind::kString ? Mode::kString : Mode::kJson;
  value_.clear();
}

void CallArguments::add_value(std::string_view text) {
  switch (mode_) {
    case Mode::kString: emit_escaped(text); return;
    case Mode::kJson: value_.append(text); return;
    case Mode::kSkipped: return;
    case Mode::kNone: FATHOM_CHECK(in_parameter());
  }
}

// Byte by byte, because a piece may end inside a character.
void CallArguments::emit_escaped(std::string_view text) {
  const auto is_plain = [](char c) { return c != '"' && c != '\\' && static_cast<uint8_t>(c) >= 0x20; };
  std::string out;
  std::string quoted;
  while (!text.empty()) {
    const auto end = std::find_if_not(text.begin(), text.end(), is_plain);
    const auto plain = static_cast<size_t>(end - text.begin());
    out.append(text.substr(0, plain));
    text.remove_prefix(plain);
    if (text.empty()) break;
    quoted.clear();
    append_json_string(quoted, text.substr(0, 1));
    out.append(quoted, 1, quoted.size() - 2);
    text.remove_prefix(1);
  }
  emit(out);
}

void CallArguments::close_parameter() {
  FATHOM_CHECK(in_parameter());
  if (mode_ == Mode::kString) emit("\"");
  if (mode_ == Mode::kJson) {
    std::string quoted;
    const bool valid = is_json_text(value_);
    if (!valid) append_json_string(quoted, value_);
    emit(valid ? value_ : quoted);
  }
  mode_ = Mode::kNone;
}

void CallArguments::close_call() {
  FATHOM_CHECK(in_call_ && !in_parameter());
  emit(names_.empty() ? "{}" : "}");
  in_call_ = false;
}

}  // namespace fathom
