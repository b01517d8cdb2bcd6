// SPDX-License-Identifier: MIT
// Passes 1 and 2 cut the text into stretches: up to three digits, a run of CJK, or what lies between. Pass 3
// splits each stretch; as digits match nothing there, a digit stretch is a piece. The alternatives of pass 3
// are
//   (a) [!-/:-@[-`{-~][A-Za-z]+          (b) [^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+     (c)
//   ?[\p{P}\p{S}]+[\r\n]* (d) \s*[\r\n]+                       (e) \s+(?!\S) (f) \s+
// The class of the first character and of the one behind it decide which is the first to match, so a cursor
// that never goes back more than one character is enough.
#include "text/pre_tokenizer.h"

#include <cstddef>
#include <cstdint>

#include "text/unicode_tables.h"
#include "text/utf8.h"

namespace fathom {

const std::array<std::string_view, 3> PreTokenizer::kPatterns = {
    "\\p{N}{1,3}",
    "[一-龥぀-ゟ゠-ヿ]+",
    "[!\"#$%&'()*+,\\-./:;<=>?@\\[\\\\\\]^_`{|}~][A-Za-z]+|[^\r\n\\p{L}\\p{P}\\p{S}]?[\\p{L}\\p{M}]+"
    "| ?[\\p{P}\\p{S}]+[\r\n]*|\\s*[\r\n]+|\\s+(?!\\S)|\\s+",
};

namespace {

// One character of well-formed text. At the end of a stretch: class 0, no length.
struct Char {
  const char* end;
  uint8_t unicode_class;

  bool is(int classes) const noexcept { return (unicode_class & classes) != 0; }
};

bool is_ascii(const char* p) noexcept { return static_cast<uint8_t>(*p) < 0x80; }
bool is_line_break(const char* p) noexcept { return *p == '\r' || *p == '\n'; }

Char char_at(const char* p, const char* end) noexcept {
  if (p == end) return {p, 0};
  if (is_ascii(p))
    return {p + 1, kUnicodeBlocks[static_cast<uint8_t>(*p)]};  // block 0 comes first in the table
  size_t length = 0;
  const char32_t code_point = decode_well_formed(p, length);
  return {p + length, unicode_class(code_point)};
}

// The class of pass 2. Its members start with the bytes E3 to E9.
bool is_cjk(const char* p) noexcept {
  const auto lead = static_cast<uint8_t>(*p);
  if (lead < 0xE3 || lead > 0xE9) return false;
  size_t length = 0;
  const char32_t c = decode_well_formed(p, length);
  return (c >= 0x4E00 && c <= 0x9FA5) || (c >= 0x3040 && c <= 0x30FF);
}

const char* skip_class(const char* p, const char* end, int classes) noexcept {
  while (p != end) {
    const Char c = char_at(p, end);
    if (!c.is(classes)) break;
    p = c.end;
  }
  return p;
}

const char* skip_line_breaks(const char* p, const char* end) noexcept {
  while (p != end && is_line_break(p)) ++p;
  return p;
}

// The end of the stretch that starts at p < end.
const char* end_of_stretch(const char* p, const char* end) noexcept {
  if (char_at(p, end).is(kNumber)) {
    for (int digits = 0; digits < 3 && p != end; ++digits) {
      const Char c = char_at(p, end);
      if (!c.is(kNumber)) break;
      p = c.end;
    }
    return p;
  }
  if (is_cjk(p)) {
    while (p != end && is_cjk(p)) p += 3;
    return p;
  }
  while (p != end) {
    const Char c = char_at(p, end);
    if (c.is(kNumber) || is_cjk(p)) break;
    p = c.end;
  }
  return p;
}

// (d), (e), (f): the run of white space at p. With a line break in it the piece ends behind the last one; a
// run up to the end of the stretch is one piece; otherwise its last character is left to what follows, unless
// it is the only one.
const char* end_of_white_space(const char* p, const char* end) noexcept {
  const char* last = p;
  const char* behind_line_break = nullptr;
  const char* q = p;
  while (q != end) {
    const Char c = char_at(q, end);
    if (!c.is(kWhiteSpace)) break;
    if (is_line_break(q)) behind_line_break = c.end;
    last = q;
    q = c.end;
  }
  if (behind_line_break != nullptr) return behind_line_break;
  return q == end || last == p ? q : last;
}

// Characters of no class at p, the first of which does not begin a match of (b): nothing matches before such
// a character stands in front of a letter, or one that has a class comes.
const char* end_of_gap(const char* p, const char* end) noexcept {
  const char* q = char_at(p, end).end;
  while (q != end) {
    const Char c = char_at(q, end);
    if (c.unicode_class != 0 || char_at(c.end, end).is(kLetter | kMark)) break;
    q = c.end;
  }
  return q;
}

// The end of the piece of pass 3 that starts at p; `end` is the end of the stretch, p < end.
const char* end_of_piece(const char* p, const char* end) noexcept {
  const Char first = char_at(p, end);
  if (first.is(kLetter | kMark)) return skip_class(first.end, end, kLetter | kMark);  // (b)
  const Char second = char_at(first.end, end);
  if (first.is(kPunctuation | kSymbol)) {
    if (is_ascii(p) && second.is(kLetter) && is_ascii(first.end)) {  // (a)
      const char* q = second.end;
      while (q != end && is_ascii(q) && char_at(q, end).is(kLetter)) ++q;
      return q;
    }
    return skip_line_breaks(skip_class(first.end, end, kPunctuation | kSymbol), end);  // (c)
  }
  if (second.is(kLetter | kMark) && !is_line_break(p)) {  // (b)
    return skip_class(second.end, end, kLetter | kMark);
  }
  if (*p == ' ' && second.is(kPunctuation | kSymbol)) {  // (c)
    return skip_line_breaks(skip_class(second.end, end, kPunctuation | kSymbol), end);
  }
  return first.is(kWhiteSpace) ? end_of_white_space(p, end) : end_of_gap(p, end);
}

}  // namespace

std::string_view PreTokenizer::next() noexcept {
  if (at_ == end_) return {};
  const char* const start = at_;
  if (at_ == stretch_end_) {
    stretch_end_ = end_of_stretch(start, end_);
    if (char_at(start, end_).is(kNumber)) {
      at_ = stretch_end_;
      return {start, static_cast<size_t>(at_ - start)};
    }
  }
  at_ = end_of_piece(start, stretch_end_);
  return {start, static_cast<size_t>(at_ - start)};
}

}  // namespace fathom
