// SPDX-License-Identifier: MIT
// JSON schema `pattern`s and `format`s as regular expressions over the text itself (api.md 4.6). For tool
// parameters that stand raw; inside JSON strings the grammar engine does the same behind its quoting.
//
// Pure functions, linear in the pattern.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace fathom {

// Whether an automaton of reasonable size can follow the pattern: no look-around, back reference or word
// border in it, and no repetition of more than 1,000 times.
bool is_automaton_pattern(std::string_view pattern);

// A Lark regular expression, with its slashes, for the texts in which `pattern` is found (JSON schema
// patterns are not anchored); nothing when its anchors stand elsewhere than at the two ends.
std::optional<std::string> lark_pattern(std::string_view pattern);

// A `format` as an anchored pattern: date, time, date-time, uuid, ipv4, email. Nothing for others, which only
// annotate.
std::optional<std::string_view> format_pattern(std::string_view format);

}  // namespace fathom
