// SPDX-License-Identifier: MIT
// Tokenizer: text <-> token ids, byte-level BPE with DeepSeek's splits (chat.md 1).
//
// Immutable after load; every method may be called from any thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"

namespace fathom {

class Tokenizer {
 public:
  // Whether the spelling of an added token in the text becomes that token.
  enum class Special : uint8_t { kOff, kOn };

  // Reads the text of a tokenizer.json. kUnsupported or kCorrupt, naming the field.
  static Result<Tokenizer> from_json(std::string_view json_text);

  Tokenizer(Tokenizer&&) noexcept;
  Tokenizer& operator=(Tokenizer&&) noexcept;
  ~Tokenizer();

  // Appends the ids of `text`. Ill-formed UTF-8 is read as U+FFFD, one per maximal ill-formed part. No BOS is
  // added.
  void encode(std::string_view text, Special special, std::vector<int32_t>& ids) const;
  std::vector<int32_t> encode(std::string_view text, Special special = Special::kOff) const;

  // The bytes of one token; empty for an id outside [0, size()).
  std::string_view bytes(int32_t id) const noexcept;
  // The concatenated bytes of `ids`, exactly; may be ill-formed UTF-8.
  std::string decode_bytes(std::span<const int32_t> ids) const;
  // The same for people: ill-formed parts as U+FFFD.
  std::string decode(std::span<const int32_t> ids) const;

  // The id of an added token by its text ("<｜User｜>"); nothing for ordinary vocabulary.
  std::optional<int32_t> added_token(std::string_view text) const noexcept;
  bool is_added(int32_t id) const noexcept;
  int32_t size() const noexcept;  // ids are 0 ... size() - 1 without a hole

 private:
  struct Tables;
  explicit Tokenizer(std::unique_ptr<const Tables> tables);
  std::unique_ptr<const Tables> tables_;
};

}  // namespace fathom
