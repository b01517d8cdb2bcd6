// SPDX-License-Identifier: MIT
// A tokenizer.json of a few merges, for tests that need odd vocabularies: ids 0 to 255 are the bytes, then
// come the results of the merges in the order of their first occurrence, then the added tokens.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "io/json.h"
#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace fathom::test {

struct ToyMerge {
  std::string left;  // printable ASCII, which stands for itself in the byte-level alphabet
  std::string right;
};

// The vocabulary spelling of a byte (chat.md 1).
inline std::string spell_byte(int byte) {
  int shifted = 0x100;
  for (int i = 0; i <= byte; ++i) {
    const bool printable = (i >= 33 && i <= 126) || (i >= 161 && i <= 172) || i >= 174;
    if (i == byte && printable) shifted = byte;
    if (i < byte && !printable) ++shifted;
  }
  std::string out;
  append_utf8(out, static_cast<char32_t>(shifted));
  return out;
}

inline JsonValue toy_vocabulary(const std::vector<ToyMerge>& merges) {
  JsonValue vocab = JsonValue::object();
  const auto add = [&vocab](const std::string& spelled) {
    if (vocab.find(spelled) != nullptr) return;
    const auto id = static_cast<int64_t>(vocab.members().size());
    vocab.set(spelled, JsonValue::integer(id));
  };
  for (int byte = 0; byte < 256; ++byte) add(spell_byte(byte));
  for (const ToyMerge& merge : merges) add(merge.left + merge.right);
  return vocab;
}

inline std::string toy_added_tokens(const std::vector<std::string>& added, size_t first_id) {
  std::string out;
  for (const std::string& text : added) {
    out += concat(out.empty() ? "" : ", ", "{\"id\": ", first_id++, ", \"content\": ");
    append_json_string(out, text);
    // Both ways of an added token occur.
    out += concat(R"(, "single_word": false, "lstrip": false, "rstrip": false, "normalized": )",
                  first_id % 2 == 0, R"(, "special": false})");
  }
  return out;
}

inline std::string toy_pre_tokenizer() {
  std::string out = R"({"type": "Sequence", "pretokenizers": [)";
  for (const std::string_view pattern : PreTokenizer::kPatterns) {
    out += R"({"type": "Split", "pattern": {"Regex": )";
    append_json_string(out, pattern);
    out += R"(}, "behavior": "Isolated", "invert": false}, )";
  }
  return out +
         R"({"type": "ByteLevel", "add_prefix_space": false, "trim_offsets": true, "use_regex": false}]})";
}

inline std::string toy_tokenizer_json(const std::vector<ToyMerge>& merges,
                                      const std::vector<std::string>& added) {
  const JsonValue vocab = toy_vocabulary(merges);
  std::string list;
  for (const ToyMerge& merge : merges) {
    list += concat(list.empty() ? "" : ", ");
    append_json_string(list, concat(merge.left, " ", merge.right));
  }
  return concat(
      R"({"version": "1.0", "truncation": null, "padding": null, "added_tokens": [)",
      toy_added_tokens(added, vocab.members().size()),
      R"(], "normalizer": {"type": "Sequence", "normalizers": []}, "pre_tokenizer": )", toy_pre_tokenizer(),
      R"(, "post_processor": null, "decoder": {"type": "ByteLevel", "add_prefix_space": true, )",
      R"("trim_offsets": true, "use_regex": true}, "model": {"type": "BPE", "dropout": null, )",
      R"("unk_token": null, "continuing_subword_prefix": null, "end_of_word_suffix": null, "fuse_unk": false, )",
      R"("byte_fallback": false, "ignore_merges": false, "vocab": )", write_json(vocab), R"(, "merges": [)",
      list, "]}}");
}

}  // namespace fathom::test
