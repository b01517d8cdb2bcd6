// SPDX-License-Identifier: MIT
#include "base/base64.h"

#include <cstdint>

#include "base/concat.h"

namespace fathom {
namespace {

constexpr std::string_view kAlphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";

}  // namespace

std::string encode_base64(std::string_view bytes) {
  std::string out;
  out.reserve((bytes.size() + 2) / 3 * 4);
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t j = 0; j < 3; ++j) {
      group = group << 8 | (i + j < bytes.size() ? static_cast<uint8_t>(bytes[i + j]) : 0U);
    }
    for (size_t j = 0; j < 4; ++j) {
      out.push_back(i + j <= bytes.size() ? kAlphabet[group >> (18 - 6 * j) & 63] : '=');
    }
  }
  return out;
}

Result<std::string> decode_base64(std::string_view text) {
  const auto error = [&](size_t at) {
    return Status(StatusCode::kInvalidArgument, concat("base64: character ", at, ": expected padded base64"));
  };
  if (text.size() % 4 != 0) return error(text.size());
  const size_t padding = text.ends_with("==") ? 2 : text.ends_with("=") ? 1 : 0;
  std::string out;
  out.reserve(text.size() / 4 * 3);
  for (size_t i = 0; i < text.size(); i += 4) {
    uint32_t group = 0;
    for (size_t j = i; j < i + 4; ++j) {
      const size_t digit = j >= text.size() - padding ? 0 : kAlphabet.find(text[j]);
      if (digit == std::string_view::npos) return error(j);
      group = group << 6 | static_cast<uint32_t>(digit);
    }
    for (int shift = 16; shift >= 0; shift -= 8) out.push_back(static_cast<char>(group >> shift & 255));
  }
  out.resize(out.size() - padding);
  return out;
}

}  // namespace fathom
