// SPDX-License-Identifier: MIT
#include "text/chat_prompt.h"

#include "base/concat.h"

namespace fathom {
namespace {

constexpr Marker kTemplateMarkers[] = {Marker::kDsml, Marker::kThinkOpen, Marker::kThinkClose};

}  // namespace

void Prompt::add_text(std::string_view text) {
  if (text.empty()) return;
  if (pieces_.empty() || !std::holds_alternative<std::string>(pieces_.back()))
    pieces_.emplace_back(std::string());
  std::get<std::string>(pieces_.back()).append(text);
}

void Prompt::add_marker(Marker marker) { pieces_.emplace_back(marker); }

void Prompt::add_sampled(const SampledIds& ids) { pieces_.emplace_back(ids); }

void Prompt::add_template(std::string_view text) {
  while (!text.empty()) {
    size_t cut = text.size();
    Marker next = Marker::kDsml;
    for (const Marker marker : kTemplateMarkers) {
      const size_t found = text.find(marker_text(marker));
      if (found >= cut) continue;
      cut = found;
      next = marker;
    }
    add_text(text.substr(0, cut));
    if (cut == text.size()) return;
    add_marker(next);
    text.remove_prefix(cut + marker_text(next).size());
  }
}

bool Prompt::ends_in_thinking() const noexcept {
  const Marker* last = pieces_.empty() ? nullptr : std::get_if<Marker>(&pieces_.back());
  return last != nullptr && *last == Marker::kThinkOpen;
}

std::string Prompt::text() const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (const auto* text = std::get_if<std::string>(&piece)) out.append(*text);
    if (const auto* marker = std::get_if<Marker>(&piece)) out.append(marker_text(*marker));
  }
  return out;
}

std::string Prompt::text(const Tokenizer& tokenizer) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    if (const auto* text = std::get_if<std::string>(&piece)) out.append(*text);
    if (const auto* marker = std::get_if<Marker>(&piece)) out.append(marker_text(*marker));
    if (const auto* ids = std::get_if<SampledIds>(&piece)) out.append(tokenizer.decode(*ids));
  }
  return out;
}

Result<std::vector<int32_t>> Prompt::ids(const Tokenizer& tokenizer, const MarkerIds& markers) const {
  std::vector<int32_t> out;
  for (const Piece& piece : pieces_) {
    if (const auto* text = std::get_if<std::string>(&piece)) {
      tokenizer.encode(*text, Tokenizer::Special::kOff, out);
      continue;
    }
    if (const auto* sampled = std::get_if<SampledIds>(&piece)) {
      out.insert(out.end(), sampled->begin(), sampled->end());
      continue;
    }
    const Marker marker = std::get<Marker>(piece);
    const std::optional<int32_t> id = markers.id(marker);
    if (!id) {
      return Status(StatusCode::kUnsupported, concat("prompt: tokenizer.json: expected the added token ",
                                                     marker_text(marker), ", found none"));
    }
    out.push_back(*id);
  }
  return out;
}

}  // namespace fathom
