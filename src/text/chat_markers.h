// SPDX-License-Identifier: MIT
// Markers: the added tokens that the chat format itself writes and reads (chat.md 1, table).
//
// Invariant: a marker reaches the model by id only; the same letters from a client are ordinary text.
// Owned by whoever owns the Tokenizer; immutable after construction, any thread.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string_view>

#include "base/status.h"
#include "text/tokenizer.h"

namespace fathom {

enum class Marker : uint8_t {
  kBos,
  kEos,
  kUser,
  kAssistant,
  kThinkOpen,
  kThinkClose,
  kDsml,
  kLatestReminder,
  kAction,
  kQuery,
  kAuthority,
  kDomain,
  kTitle,
  kExtractedUrl,
  kReadUrl,
  kFimHole,
  kFimBegin,
  kFimEnd,
};
inline constexpr int kMarkerCount = 18;

// The text of the added token, as tokenizer.json spells it.
std::string_view marker_text(Marker marker) noexcept;

// The marker that `text` spells exactly.
std::optional<Marker> marker_from_text(std::string_view text) noexcept;

// The marker whose spelling `text` begins with. No spelling is a prefix of another, so there is at most one.
std::optional<Marker> marker_at_start(std::string_view text) noexcept;

// The token of a task word (chat.md 3: "action", "query", ...); nothing for an unknown one.
std::optional<Marker> marker_of_task(std::string_view task) noexcept;

// Marker -> id in one tokenizer.
class MarkerIds {
 public:
  // Looks every marker up; those the tokenizer lacks have no id.
  explicit MarkerIds(const Tokenizer& tokenizer);

  std::optional<int32_t> id(Marker marker) const noexcept;
  std::optional<Marker> marker(int32_t id) const noexcept;

  // Whether conversations can be encoded: every marker but those of fill-in-the-middle is there, and the
  // tokenizer is not of the V4.1 format. kUnsupported otherwise, naming the token.
  Status chat_available() const;

 private:
  std::array<std::optional<int32_t>, kMarkerCount> ids_;
  bool has_system_token_ = false;
};

}  // namespace fathom
