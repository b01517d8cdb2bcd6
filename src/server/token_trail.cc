// SPDX-License-Identifier: MIT
#include "server/token_trail.h"

#include <algorithm>
#include <utility>

namespace fathom {
namespace {

// Of well-formed UTF-8: bytes that do not go on with a character.
int64_t count_characters(std::string_view text) noexcept {
  return std::count_if(text.begin(), text.end(),
                       [](char c) { return (static_cast<uint8_t>(c) & 0xC0) != 0x80; });
}

}  // namespace

void TokenTrail::hold(const GeneratedToken& token, std::string_view text) {
  Held held;
  held.entry = {token.id, token.logprob, {token.top.begin(), token.top.end()}, characters_};
  held.bytes = text.size();
  characters_ += count_characters(text);
  held_.push_back(std::move(held));
}

void TokenTrail::push_text(const GeneratedToken& token, std::string_view bytes) {
  hold(token, decoder_.push(bytes));
}

void TokenTrail::push_spelling(const GeneratedToken& token, std::string_view bytes) {
  end_character();
  hold(token, bytes);
}

void TokenTrail::end_character() {
  const std::string text = decoder_.flush();
  characters_ += count_characters(text);
  if (!text.empty() && !held_.empty()) held_.back().bytes += text.size();
}

std::vector<TokenEntry> TokenTrail::take(size_t bytes) {
  std::vector<TokenEntry> out;
  while (bytes > 0 && !held_.empty()) {
    Held& front = held_.front();
    if (!front.given) out.push_back(std::move(front.entry));
    front.given = true;
    const size_t used = std::min(front.bytes, bytes);
    front.bytes -= used;
    bytes -= used;
    if (front.bytes == 0) held_.pop_front();
  }
  return out;
}

void TokenTrail::clear() {
  held_.clear();
  decoder_ = StreamDecoder();
}

}  // namespace fathom
