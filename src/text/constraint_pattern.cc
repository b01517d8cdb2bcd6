// SPDX-License-Identifier: MIT
#include "text/constraint_pattern.h"

#include <array>
#include <utility>

#include "base/concat.h"

namespace fathom {
namespace {

using std::string_view;

// Walks the characters of a pattern, telling escapes and classes apart.
class PatternWalker {
 public:
  explicit PatternWalker(string_view pattern) : rest_(pattern) {}

  // The next unit: one character, or a backslash and what it escapes. False at the end.
  bool next() {
    if (rest_.empty()) return false;
    const size_t size = rest_.front() == '\\' && rest_.size() > 1 ? 2 : 1;
    unit_ = rest_.substr(0, size);
    rest_.remove_prefix(size);
    was_in_class_ = in_class_;
    if (unit_ == "[") in_class_ = true;
    if (unit_ == "]") in_class_ = false;
    if (!was_in_class_ && unit_ == "(") ++depth_;
    if (!was_in_class_ && unit_ == ")") --depth_;
    return true;
  }

  string_view unit() const { return unit_; }
  string_view rest() const { return rest_; }
  bool in_class() const { return was_in_class_; }
  int depth() const { return depth_; }

 private:
  string_view rest_;
  string_view unit_;
  bool in_class_ = false;
  bool was_in_class_ = false;
  int depth_ = 0;
};

bool is_refused_escape(char c) { return c == 'b' || c == 'B' || (c >= '1' && c <= '9') || c == 'k'; }

// \d and \w are ASCII in JSON schema; the engine's own are Unicode.
string_view ascii_class(char c) {
  switch (c) {
    case 'd': return "[0-9]";
    case 'D': return "[^0-9]";
    case 'w': return "[0-9a-zA-Z_]";
    case 'W': return "[^0-9a-zA-Z_]";
    default: return {};
  }
}

// Whether ^ or $ stands inside, or an alternative at the outermost level, where stripping the ends would
// change the meaning.
bool has_inner_anchor(string_view pattern) {
  for (PatternWalker walker(pattern); walker.next();) {
    if (walker.in_class()) continue;
    if (walker.unit() == "^" || walker.unit() == "$") return true;
    if (walker.unit() == "|" && walker.depth() == 0) return true;
  }
  return false;
}

bool ends_with_anchor(string_view pattern) {
  string_view last;
  for (PatternWalker walker(pattern); walker.next();)
    last = walker.in_class() ? string_view() : walker.unit();
  return last == "$";
}

// Whether a repetition `{m,n}` begins, after its brace, with a number of four digits or more, "1000"
// excepted.
bool has_large_count(string_view rest) {
  size_t digits = 0;
  string_view number;
  for (size_t i = 0; i < rest.size() && rest[i] != '}'; ++i) {
    digits = rest[i] >= '0' && rest[i] <= '9' ? digits + 1 : 0;
    number = rest.substr(i + 1 - digits, digits);
    if (digits > 4 || (digits == 4 && number > "1000")) return true;
  }
  return false;
}

constexpr string_view kAny = "(?s:.*)";

#define FATHOM_DATE                                                                                          \
  "[1-9][0-9]{3}-((0[13578]|1[02])-(0[1-9]|[12][0-9]|3[01])|(0[469]|11)-(0[1-9]|[12][0-9]|30)|02-(0[1-9]|1[" \
  "0-9]|"                                                                                                    \
  "2[0-8]))"
#define FATHOM_TIME \
  "([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\\.[0-9]{1,6})?(Z|[+-]([01][0-9]|2[0-3]):[0-5][0-9])"
#define FATHOM_BYTE "(25[0-5]|2[0-4][0-9]|1[0-9][0-9]|[1-9]?[0-9])"
#define FATHOM_LABEL "[0-9A-Za-z]([0-9A-Za-z-]{0,61}[0-9A-Za-z])?"

// Left out: the 29th of February and leap seconds, which depend on the rest of the date, and years before
// 1000, which many readers refuse.
constexpr std::array<std::pair<string_view, string_view>, 6> kFormats = {{
    {"date", "^" FATHOM_DATE "$"},
    {"time", "^" FATHOM_TIME "$"},
    {"date-time", "^" FATHOM_DATE "T" FATHOM_TIME "$"},
    {"uuid", "^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$"},
    {"ipv4", "^(" FATHOM_BYTE "\\.){3}" FATHOM_BYTE "$"},
    {"email", "^[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+(\\.[0-9A-Za-z!#$%&'*+/=?^_`{|}~-]+)*@" FATHOM_LABEL
              "(\\." FATHOM_LABEL ")*$"},
}};

#undef FATHOM_DATE
#undef FATHOM_TIME
#undef FATHOM_BYTE
#undef FATHOM_LABEL

}  // namespace

bool is_automaton_pattern(string_view pattern) {
  for (PatternWalker walker(pattern); walker.next();) {
    const string_view unit = walker.unit();
    if (walker.in_class()) continue;
    if (unit == "{" && has_large_count(walker.rest())) return false;
    if (unit.size() == 2 && is_refused_escape(unit[1])) return false;
    if (unit != "(") continue;
    const string_view rest = walker.rest();
    if (rest.starts_with("?=") || rest.starts_with("?!") || rest.starts_with("?<=") ||
        rest.starts_with("?<!")) {
      return false;
    }
  }
  return true;
}

std::optional<std::string> lark_pattern(string_view pattern) {
  string_view before = kAny;
  string_view after = kAny;
  if (!pattern.empty() && pattern.front() == '^') {
    before = {};
    pattern.remove_prefix(1);
  }
  if (ends_with_anchor(pattern)) {
    after = {};
    pattern.remove_suffix(1);
  }
  const bool anchored = before.empty() || after.empty();
  if (anchored ? has_inner_anchor(pattern) : has_inner_anchor(concat("(", pattern, ")"))) return std::nullopt;
  std::string out = concat("/", before, "(?:");
  for (PatternWalker walker(pattern); walker.next();) {
    const string_view unit = walker.unit();
    const string_view ascii = unit.size() == 2 ? ascii_class(unit[1]) : string_view();
    out.append(unit == "/" ? string_view("\\/") : !ascii.empty() ? ascii : unit);
  }
  return concat(out, ")", after, "/");
}

std::optional<string_view> format_pattern(string_view format) {
  for (const auto& [name, pattern] : kFormats) {
    if (name == format) return pattern;
  }
  return std::nullopt;
}

}  // namespace fathom
