// SPDX-License-Identifier: MIT
// Prompt: what the model is asked, as stretches of text, markers between them (chat.md 1, "client text") and
// replies as they were sampled (chat.md 9).
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
  using SampledIds = std::vector<int32_t>;
  using Piece = std::variant<std::string, Marker, SampledIds>;

  void add_text(std::string_view text);
  void add_marker(Marker marker);
  void add_sampled(const SampledIds& ids);
  // Text of our own templates: the spellings of ｜DSML｜, <think> and </think> in it are markers.
  void add_template(std::string_view text);

  const std::vector<Piece>& pieces() const noexcept { return pieces_; }
  // Whether a reply continues inside reasoning: the last piece is <think>.
  bool ends_in_thinking() const noexcept;

  // Markers by their spelling, for people; sampled ids need the tokenizer.
  std::string text() const;
  std::string text(const Tokenizer& tokenizer) const;
  // kUnsupported when the tokenizer lacks a marker of this prompt.
  Result<std::vector<int32_t>> ids(const Tokenizer& tokenizer, const MarkerIds& markers) const;

 private:
  std::vector<Piece> pieces_;
};

}  // namespace fathom
