// SPDX-License-Identifier: MIT
// What the chat tests share: tokenizers, fixture paths, ids of a JSON list.
#pragma once

#include <gtest/gtest.h>

#include <cstdint>
#include <cstdlib>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "tests/support/jsonl.h"
#include "text/tokenizer.h"

namespace fathom::test {

inline Tokenizer load_tokenizer(const std::string& path) {
  auto tokenizer = Tokenizer::from_json(read_text_file(path));
  if (!tokenizer.ok()) ADD_FAILURE() << path << ": " << tokenizer.status().message();
  return std::move(tokenizer).value();
}

inline const Tokenizer& small_tokenizer() {
  static const Tokenizer tokenizer = load_tokenizer(FATHOM_SOURCE_DIR "/models/tiny-chat/tokenizer.json");
  return tokenizer;
}

// DeepSeek-V4's own, too large for the repository: the path in FATHOM_V4_TOKENIZER, or null.
inline const Tokenizer* v4_tokenizer() {
  static const char* const path = std::getenv("FATHOM_V4_TOKENIZER");
  if (path == nullptr) return nullptr;
  static const Tokenizer tokenizer = load_tokenizer(path);
  return &tokenizer;
}

inline std::vector<JsonValue> read_chat_fixture(std::string_view name) {
  return read_jsonl(FATHOM_SOURCE_DIR "/tests/fixtures/chat/" + std::string(name));
}

inline std::vector<int32_t> ids_of(const JsonValue& list) {
  std::vector<int32_t> ids;
  for (const JsonValue& item : list.items()) ids.push_back(static_cast<int32_t>(*item.as_int64()));
  return ids;
}

}  // namespace fathom::test
