// SPDX-License-Identifier: MIT
#include "text/added_token_set.h"

#include <algorithm>

#include "base/check.h"
#include "base/concat.h"

namespace fathom {

void AddedTokenSet::add(std::string_view text, int32_t id) {
  FATHOM_CHECK(!text.empty() && text.size() <= kMaxBytes);
  entries_.push_back({std::string(text), id});
  is_first_byte_[static_cast<uint8_t>(text[0])] = true;
}

Status AddedTokenSet::finish() {
  std::sort(entries_.begin(), entries_.end(), [](const Entry& a, const Entry& b) { return a.text < b.text; });
  const auto same = std::adjacent_find(entries_.begin(), entries_.end(),
                                       [](const Entry& a, const Entry& b) { return a.text == b.text; });
  if (same == entries_.end()) return {};
  return {StatusCode::kCorrupt,
          concat("added_tokens: expected different texts, found \"", same->text, "\" more than once")};
}

std::optional<int32_t> AddedTokenSet::find(std::string_view text) const noexcept {
  const auto entry = std::lower_bound(entries_.begin(), entries_.end(), text,
                                      [](const Entry& a, std::string_view b) { return a.text < b; });
  if (entry == entries_.end() || entry->text != text) return std::nullopt;
  return entry->id;
}

// Entries that share the first `depth` bytes of `text` are neighbours, the shortest first: narrow the range
// byte by byte.
const AddedTokenSet::Entry* AddedTokenSet::longest_prefix(std::string_view text) const noexcept {
  auto first = entries_.begin();
  auto last = entries_.end();
  const Entry* longest = nullptr;
  for (size_t depth = 0; first != last && depth < text.size(); ++depth) {
    const auto wanted = static_cast<uint8_t>(text[depth]);
    const auto byte_at = [depth](const Entry& entry) { return static_cast<uint8_t>(entry.text[depth]); };
    first = std::lower_bound(first, last, wanted,
                             [&](const Entry& e, uint8_t byte) { return byte_at(e) < byte; });
    last = std::upper_bound(first, last, wanted,
                            [&](uint8_t byte, const Entry& e) { return byte < byte_at(e); });
    if (first != last && first->text.size() == depth + 1) longest = &*first++;
  }
  return longest;
}

std::optional<AddedTokenSet::Match> AddedTokenSet::next(std::string_view text, size_t from) const noexcept {
  for (size_t begin = from; begin < text.size(); ++begin) {
    if (!is_first_byte_[static_cast<uint8_t>(text[begin])]) continue;
    const Entry* entry = longest_prefix(text.substr(begin));
    if (entry != nullptr) return Match{begin, begin + entry->text.size(), entry->id};
  }
  return std::nullopt;
}

}  // namespace fathom
