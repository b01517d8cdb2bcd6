// SPDX-License-Identifier: MIT
#include "server/key_ring.h"

#include <openssl/crypto.h>

#include <algorithm>
#include <span>

#include "base/concat.h"

namespace fathom {
namespace {

std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

std::string_view next_word(std::string_view& line) {
  const size_t begin = std::min(line.find_first_not_of(" \t"), line.size());
  line.remove_prefix(begin);
  const size_t end = std::min(line.find_first_of(" \t"), line.size());
  const std::string_view word = line.substr(0, end);
  line.remove_prefix(end);
  return word;
}

bool equal_ignoring_case(std::string_view a, std::string_view b) noexcept {
  return std::equal(a.begin(), a.end(), b.begin(), b.end(),
                    [](char x, char y) { return (x | 0x20) == (y | 0x20); });
}

}  // namespace

Status KeyRing::add(std::string_view name, std::string_view key) {
  // What a header can carry; a short key could be tried out.
  constexpr size_t kMinKey = 8;
  constexpr size_t kMaxKey = 4096;
  const bool printable = std::all_of(key.begin(), key.end(), [](char c) { return c > ' ' && c < 0x7F; });
  if (key.size() < kMinKey || key.size() > kMaxKey || !printable)
    return Status(StatusCode::kInvalidArgument,
                  "API key: expected 8 to 4096 printable characters without blanks");
  keys_.push_back({std::string(name), sha256({std::as_bytes(std::span(key))})});
  return {};
}

Status KeyRing::add_file_text(std::string_view text) {
  for (int number = 1; !text.empty(); ++number) {
    std::string_view line = next_line(text);
    const std::string where = concat("--api-key-file: line ", number);
    const std::string_view name = next_word(line);
    if (name.empty() || name.starts_with('#')) continue;
    const std::string_view key = next_word(line);
    if (key.empty() || !next_word(line).empty())
      return Status(StatusCode::kInvalidArgument, concat(where, ": expected NAME KEY"));
    const auto same = [&](const Key& other) { return other.name == name; };
    if (std::any_of(keys_.begin(), keys_.end(), same))
      return Status(StatusCode::kInvalidArgument,
                    concat(where, ": expected a name of its own for every key"));
    FATHOM_RETURN_IF_ERROR(add(name, key).in(where));
  }
  return empty() ? Status(StatusCode::kInvalidArgument,
                          "--api-key-file: expected at least one NAME KEY, found none")
                 : Status();
}

std::optional<Caller> KeyRing::find(std::string_view candidate) const {
  const Digest digest = sha256({std::as_bytes(std::span(candidate))});
  const Key* found = nullptr;
  for (const Key& key : keys_) {  // all of them, so that the time tells nothing
    if (::CRYPTO_memcmp(key.digest.data(), digest.data(), digest.size()) == 0) found = &key;
  }
  if (found == nullptr) return std::nullopt;
  return Caller{found->name, hex(found->digest)};
}

std::optional<Caller> KeyRing::authenticate(const HttpHead& head) const {
  constexpr std::string_view kScheme = "bearer ";
  if (const std::string* value = head.find("authorization")) {
    std::string_view text = *value;
    if (text.size() > kScheme.size() && equal_ignoring_case(text.substr(0, kScheme.size()), kScheme)) {
      if (auto caller = find(text.substr(kScheme.size()))) return caller;
    }
  }
  if (const std::string* value = head.find("x-api-key")) return find(*value);
  return std::nullopt;
}

}  // namespace fathom
