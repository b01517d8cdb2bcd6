// SPDX-License-Identifier: MIT
#include "text/utf8.h"

#include <cstring>

#include "base/check.h"

namespace fathom {
namespace {

// What may follow a lead byte: `length` bytes in all, the second one in [second_low, second_high], the others
// in 80-BF (Unicode, table 3-7: neither over-long forms, nor surrogates, nor beyond U+10FFFF).
struct LeadByte {
  uint8_t length;  // 0: not a lead byte
  uint8_t second_low;
  uint8_t second_high;
};

constexpr LeadByte lead_byte(uint8_t lead) noexcept {
  if (lead < 0x80) return {1, 0, 0};
  if (lead < 0xC2) return {0, 0, 0};
  if (lead < 0xE0) return {2, 0x80, 0xBF};
  if (lead == 0xE0) return {3, 0xA0, 0xBF};
  if (lead == 0xED) return {3, 0x80, 0x9F};
  if (lead < 0xF0) return {3, 0x80, 0xBF};
  if (lead == 0xF0) return {4, 0x90, 0xBF};
  if (lead < 0xF4) return {4, 0x80, 0xBF};
  if (lead == 0xF4) return {4, 0x80, 0x8F};
  return {0, 0, 0};
}

// Eight bytes at a time: most text is ASCII.
size_t ascii_prefix(std::string_view bytes) noexcept {
  size_t at = 0;
  for (uint64_t word = 0; bytes.size() - at >= sizeof word; at += sizeof word) {
    std::memcpy(&word, bytes.data() + at, sizeof word);
    if ((word & 0x8080808080808080u) != 0) break;
  }
  while (at < bytes.size() && static_cast<uint8_t>(bytes[at]) < 0x80) ++at;
  return at;
}

}  // namespace

Utf8Step decode_utf8(std::string_view bytes) noexcept {
  FATHOM_DCHECK(!bytes.empty());
  const auto lead = static_cast<uint8_t>(bytes[0]);
  const LeadByte rule = lead_byte(lead);
  if (rule.length == 0) return {kReplacementCharacter, 1, Utf8Kind::kIllFormed};
  for (uint8_t i = 1; i < rule.length; ++i) {
    if (i == bytes.size()) return {kReplacementCharacter, i, Utf8Kind::kUnfinished};
    const auto byte = static_cast<uint8_t>(bytes[i]);
    const uint8_t low = i == 1 ? rule.second_low : 0x80;
    const uint8_t high = i == 1 ? rule.second_high : 0xBF;
    if (byte < low || byte > high) return {kReplacementCharacter, i, Utf8Kind::kIllFormed};
  }
  size_t length = 0;
  // NOLINTNEXTLINE(bugprone-suspicious-stringview-data-usage): reads rule.length bytes, which are there
  return {decode_well_formed(bytes.data(), length), rule.length, Utf8Kind::kCharacter};
}

size_t well_formed_prefix(std::string_view bytes) noexcept {
  size_t at = ascii_prefix(bytes);
  while (at < bytes.size()) {
    const Utf8Step step = decode_utf8(bytes.substr(at));
    if (step.kind != Utf8Kind::kCharacter) break;
    at += step.length;
    at += ascii_prefix(bytes.substr(at));
  }
  return at;
}

void append_utf8(std::string& out, char32_t code_point) {
  FATHOM_DCHECK(code_point <= 0x10FFFF && (code_point < 0xD800 || code_point > 0xDFFF));
  const auto put = [&out](char32_t byte) { out.push_back(static_cast<char>(static_cast<uint8_t>(byte))); };
  if (code_point < 0x80) {
    put(code_point);
    return;
  }
  if (code_point < 0x800) {
    put(0xC0 | code_point >> 6);
  } else {
    if (code_point < 0x10000) {
      put(0xE0 | code_point >> 12);
    } else {
      put(0xF0 | code_point >> 18);
      put(0x80 | (code_point >> 12 & 0x3F));
    }
    put(0x80 | (code_point >> 6 & 0x3F));
  }
  put(0x80 | (code_point & 0x3F));
}

void append_well_formed(std::string& out, std::string_view bytes) {
  size_t copied = 0;
  size_t at = 0;
  while (at < bytes.size()) {
    const Utf8Step step = decode_utf8(bytes.substr(at));
    if (step.kind != Utf8Kind::kCharacter) {
      out.append(bytes.substr(copied, at - copied));
      out.append(kReplacementUtf8);
      copied = at + step.length;
    }
    at += step.length;
    at += ascii_prefix(bytes.substr(at));
  }
  out.append(bytes.substr(copied));
}

std::string to_well_formed(std::string_view bytes) {
  std::string out;
  append_well_formed(out, bytes);
  return out;
}

}  // namespace fathom
