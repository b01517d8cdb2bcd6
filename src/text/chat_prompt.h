// SPDX-License-Identifier: MIT
// Prompt: what the model is asked, as stretches of text and markers between them (chat.md 1, "client text").
//
// Invariant: two stretches never lie side by side, so each is encoded whole; text never becomes a marker.
// Thread rule: a value.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "base/status.h"
#include "text/chat_markers.h"
#include "text/tokenizer.h"

namespace fathom {

class Prompt {
 public:
  using Piece = std::variant<std::string, Marker>;

  void add_text(std::string_view text);
  void add_marker(Marker marker);
  // Text of our own templates: the spellings of ｜DSML｜, <think> and </think> in it are markers.
  void add_template(std::string_view text);

  const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  // Whether a reply continues inside reasoning: the last piece is <think>.
  bool ends_in_thinking() const noexcept;

  // Markers by their spelling, for people.
  std::string text() const;
  // kUnsupported when the tokenizer lacks a marker of this prompt.
  Result<std::vector<int32_t>> ids(const Tokenizer& tokenizer, const MarkerIds& markers) const;

 private:
  std::vector<Piece> pieces_;
};

}  // namespace fathom
