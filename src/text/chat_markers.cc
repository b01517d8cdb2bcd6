// SPDX-License-Identifier: MIT
#include "text/chat_markers.h"

#include "base/concat.h"

namespace fathom {
namespace {

// In the order of the enumeration.
constexpr std::array<std::string_view, kMarkerCount> kTexts = {
    "<｜begin▁of▁sentence｜>",
    "<｜end▁of▁sentence｜>",
    "<｜User｜>",
    "<｜Assistant｜>",
    "<think>",
    "</think>",
    "｜DSML｜",
    "<｜latest_reminder｜>",
    "<｜action｜>",
    "<｜query｜>",
    "<｜authority｜>",
    "<｜domain｜>",
    "<｜title｜>",
    "<｜extracted_url｜>",
    "<｜read_url｜>",
    "<｜fim▁hole｜>",
    "<｜fim▁begin｜>",
    "<｜fim▁end｜>",
};

struct TaskWord {
  std::string_view word;
  Marker marker;
};

constexpr TaskWord kTaskWords[] = {
    {"action", Marker::kAction},    {"query", Marker::kQuery}, {"authority", Marker::kAuthority},
    {"domain", Marker::kDomain},    {"title", Marker::kTitle}, {"extracted_url", Marker::kExtractedUrl},
    {"read_url", Marker::kReadUrl},
};

constexpr Marker marker_at(size_t index) noexcept { return static_cast<Marker>(index); }
constexpr size_t index_of(Marker marker) noexcept { return static_cast<size_t>(marker); }

}  // namespace

std::string_view marker_text(Marker marker) noexcept { return kTexts[index_of(marker)]; }

std::optional<Marker> marker_from_text(std::string_view text) noexcept {
  for (size_t i = 0; i < kTexts.size(); ++i) {
    if (kTexts[i] == text) return marker_at(i);
  }
  return std::nullopt;
}

std::optional<Marker> marker_at_start(std::string_view text) noexcept {
  for (size_t i = 0; i < kTexts.size(); ++i) {
    if (text.starts_with(kTexts[i])) return marker_at(i);
  }
  return std::nullopt;
}

std::optional<Marker> marker_of_task(std::string_view task) noexcept {
  for (const TaskWord& entry : kTaskWords) {
    if (entry.word == task) return entry.marker;
  }
  return std::nullopt;
}

MarkerIds::MarkerIds(const Tokenizer& tokenizer)
    : has_system_token_(tokenizer.added_token("<｜System｜>").has_value()) {
  for (size_t i = 0; i < kTexts.size(); ++i) ids_[i] = tokenizer.added_token(kTexts[i]);
}

std::optional<int32_t> MarkerIds::id(Marker marker) const noexcept { return ids_[index_of(marker)]; }

std::optional<Marker> MarkerIds::marker(int32_t id) const noexcept {
  for (size_t i = 0; i < ids_.size(); ++i) {
    if (ids_[i] == id) return marker_at(i);
  }
  return std::nullopt;
}

Status MarkerIds::chat_available() const {
  if (has_system_token_) {
    return Status(
        StatusCode::kUnsupported,
        "chat: tokenizer.json: expected the chat format of V4, found that of V4.1 (a <｜System｜> token)");
  }
  for (size_t i = 0; i < index_of(Marker::kFimHole); ++i) {
    if (ids_[i]) continue;
    return Status(StatusCode::kUnsupported, concat("chat: tokenizer.json: expected the added token ",
                                                   kTexts[i], ", found none; plain completion still works"));
  }
  return {};
}

}  // namespace fathom
