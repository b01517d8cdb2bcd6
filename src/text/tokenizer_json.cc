// SPDX-License-Identifier: MIT
#include "text/tokenizer_json.h"

#include <algorithm>
#include <array>
#include <optional>
#include <string>
#include <utility>

#include "base/concat.h"
#include "io/json.h"
#include "text/byte_alphabet.h"
#include "text/json_rules.h"
#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace fathom {
namespace {

// V4 has 6.4 MB and 260,000 values; with merges written as lists it would have 520,000.
constexpr size_t kMaxFileBytes = size_t{256} << 20;
constexpr int64_t kMaxValues = 1'500'000;

constexpr JsonRule kFileRules[] = {
    {"version", "\"1.0\""}, {"truncation", "null"}, {"padding", "null"},
    {"added_tokens", ""},   {"normalizer", ""},     {"pre_tokenizer", "", JsonRule::kRequired},
    {"decoder", ""},        {"post_processor", ""}, {"model", "", JsonRule::kRequired},
};
constexpr JsonRule kModelRules[] = {
    {"type", "\"BPE\"", JsonRule::kRequired},
    {"dropout", "null"},
    {"unk_token", "null"},
    {"continuing_subword_prefix", "null|\"\""},
    {"end_of_word_suffix", "null|\"\""},
    {"fuse_unk", "false"},
    {"byte_fallback", "false"},
    {"ignore_merges", "false"},
    {"vocab", "", JsonRule::kRequired},
    {"merges", "", JsonRule::kRequired},
};
constexpr JsonRule kSplitRules[] = {
    {"type", "\"Split\"", JsonRule::kRequired},
    {"pattern", "", JsonRule::kRequired},
    {"behavior", "\"Isolated\"", JsonRule::kRequired},
    {"invert", "false", JsonRule::kRequired},
};
// Of a post-processor or decoder the options only move offsets, which fathom does not have.
constexpr JsonRule kByteLevelRules[] = {
    {"type", "\"ByteLevel\"", JsonRule::kRequired},
    {"add_prefix_space", "false|true"},
    {"trim_offsets", "false|true"},
    {"use_regex", "false|true"},
};
constexpr JsonRule kByteLevelSplitRules[] = {
    {"type", "\"ByteLevel\"", JsonRule::kRequired},
    {"add_prefix_space", "false", JsonRule::kRequired},
    {"trim_offsets", "false|true"},
    {"use_regex", "false", JsonRule::kRequired},
};
constexpr JsonRule kNormalizerRules[] = {
    {"type", "\"Sequence\"", JsonRule::kRequired},
    {"normalizers", "[]", JsonRule::kRequired},
};
constexpr JsonRule kPreTokenizerRules[] = {
    {"type", "\"Sequence\"", JsonRule::kRequired},
    {"pretokenizers", "", JsonRule::kRequired},
};
constexpr JsonRule kAddedTokenRules[] = {
    {"id", "", JsonRule::kRequired},
    {"content", "", JsonRule::kRequired},
    {"single_word", "false", JsonRule::kRequired},
    {"lstrip", "false", JsonRule::kRequired},
    {"rstrip", "false", JsonRule::kRequired},
    {"normalized", "false|true", JsonRule::kRequired},
    {"special", "false|true", JsonRule::kRequired},
};

Status corrupt(std::string_view where, std::string_view expected, std::string_view found) {
  return {StatusCode::kCorrupt, concat(where, ": expected ", expected, ", found ", found)};
}
Status unsupported(std::string_view where, std::string_view expected, std::string_view found) {
  return {StatusCode::kUnsupported, concat(where, ": expected ", expected, ", found ", found)};
}

// The bytes that a vocabulary string stands for; nothing when a character is not of the alphabet.
std::optional<std::string> bytes_of(std::string_view spelled) {
  std::string bytes;
  while (!spelled.empty()) {
    const Utf8Step step = decode_utf8(spelled);
    if (step.code_point >= kByteAlphabetEnd || kByteAlphabet.byte_of[step.code_point] < 0)
      return std::nullopt;
    bytes.push_back(static_cast<char>(static_cast<uint8_t>(kByteAlphabet.byte_of[step.code_point])));
    spelled.remove_prefix(step.length);
  }
  return bytes;
}

Status check_pre_tokenizer(const JsonValue* value) {
  FATHOM_RETURN_IF_ERROR(check_json_object(value, "pre_tokenizer", kPreTokenizerRules));
  const JsonValue* list = value->find("pretokenizers");
  const size_t splits = PreTokenizer::kPatterns.size();
  if (!list->is_array() || list->items().size() != splits + 1) {
    return unsupported("pre_tokenizer.pretokenizers", "three Split steps and ByteLevel", describe_json(list));
  }
  for (size_t i = 0; i < splits; ++i) {
    const std::string where = concat("pre_tokenizer.pretokenizers[", i, "]");
    FATHOM_RETURN_IF_ERROR(check_json_object(&list->items()[i], where, kSplitRules));
    const JsonValue* pattern = list->items()[i].find("pattern");
    const JsonValue* regex = pattern->find("Regex");
    const bool known = regex != nullptr && pattern->members().size() == 1 && regex->is_string() &&
                       regex->as_string() == PreTokenizer::kPatterns[i];
    if (!known) {
      return unsupported(concat(where, ".pattern"), concat("DeepSeek-V4's pattern number ", i + 1),
                         describe_json(regex != nullptr ? regex : pattern));
    }
  }
  return check_json_object(&list->items()[splits], concat("pre_tokenizer.pretokenizers[", splits, "]"),
                           kByteLevelSplitRules);
}

Status check_options(const JsonValue& file) {
  FATHOM_RETURN_IF_ERROR(check_json_object(&file, "", kFileRules));
  FATHOM_RETURN_IF_ERROR(check_json_object(file.find("model"), "model", kModelRules));
  const JsonValue* normalizer = file.find("normalizer");
  if (normalizer != nullptr && !normalizer->is_null()) {
    FATHOM_RETURN_IF_ERROR(check_json_object(normalizer, "normalizer", kNormalizerRules));
  }
  FATHOM_RETURN_IF_ERROR(check_pre_tokenizer(file.find("pre_tokenizer")));
  const JsonValue* post_processor = file.find("post_processor");
  if (post_processor != nullptr && !post_processor->is_null()) {
    FATHOM_RETURN_IF_ERROR(check_json_object(post_processor, "post_processor", kByteLevelRules));
  }
  return check_json_object(file.find("decoder"), "decoder", kByteLevelRules);
}

// Who has an id: a base token by its spelling, or an added one by its text.
struct IdOwner {
  const std::string* text = nullptr;  // into the JSON values; null: nobody
  TokenTable::Kind kind = TokenTable::Kind::kBase;
  bool normalized = false;
};

// Puts every token at its id. `owners` has a place for every token of the file, more than that when a text is
// in both lists.
class IdAssignment {
 public:
  explicit IdAssignment(size_t most) : owners_(most) {}

  Status add_vocabulary(const JsonValue& vocab) {
    for (const auto& [spelled, value] : vocab.members()) {
      const std::string where = concat("model.vocab[", describe_text(spelled), "]");
      FATHOM_ASSIGN_OR_RETURN(IdOwner* const owner, owner_of(value, where));
      if (owner->text != nullptr) return taken(where, *owner, value);
      *owner = {&spelled, TokenTable::Kind::kBase, false};
      ++count_;
    }
    return {};
  }

  Status add_added_token(const JsonValue& token, const std::string& where) {
    FATHOM_RETURN_IF_ERROR(check_json_object(&token, where, kAddedTokenRules));
    const JsonValue& content = *token.find("content");
    if (!content.is_string()) return corrupt(concat(where, ".content"), "a string", describe_json(&content));
    const std::string& text = content.as_string();
    if (text.empty() || text.size() > AddedTokenSet::kMaxBytes) {
      return unsupported(concat(where, ".content"), concat("1 to ", AddedTokenSet::kMaxBytes, " bytes"),
                         concat(text.size(), " bytes"));
    }
    const JsonValue& id = *token.find("id");
    FATHOM_ASSIGN_OR_RETURN(IdOwner* const owner, owner_of(id, concat(where, ".id")));
    // The vocabulary may list an added token too, with the same id.
    if (owner->text != nullptr && (owner->kind == TokenTable::Kind::kAdded || *owner->text != text)) {
      return taken(concat(where, ".id"), *owner, id);
    }
    if (owner->text == nullptr) ++count_;
    *owner = {&text, TokenTable::Kind::kAdded, token.find("normalized")->as_bool()};
    return {};
  }

  // The owners of ids 0 ... count - 1, when there is no hole.
  Result<std::vector<IdOwner>> finish() {
    for (size_t id = 0; id < count_; ++id) {
      if (owners_[id].text == nullptr) {
        return corrupt("model.vocab, added_tokens", concat("ids 0 to ", count_ - 1, " without a hole"),
                       concat("none with id ", id));
      }
    }
    owners_.resize(count_);
    return std::move(owners_);
  }

 private:
  Result<IdOwner*> owner_of(const JsonValue& value, std::string_view where) {
    const auto id = value.as_int64();
    if (!value.is_number() || !id || *id < 0 || static_cast<uint64_t>(*id) >= owners_.size()) {
      return corrupt(
          where,
          concat("an id from 0 to ", static_cast<int64_t>(owners_.size()) - 1, " (one for each token)"),
          describe_json(&value));
    }
    return &owners_[static_cast<size_t>(*id)];
  }

  static Status taken(std::string_view where, const IdOwner& owner, const JsonValue& id) {
    return corrupt(where, "an id of its own",
                   concat(describe_json(&id), ", the id of ", describe_text(*owner.text)));
  }

  std::vector<IdOwner> owners_;  // by id
  size_t count_ = 0;
};

Result<std::vector<IdOwner>> assign_ids(const JsonValue& file) {
  const JsonValue& vocab = *file.find("model")->find("vocab");
  if (!vocab.is_object()) return corrupt("model.vocab", "an object", describe_json(&vocab));
  static const JsonValue kNone = JsonValue::array();
  const JsonValue* found = file.find("added_tokens");
  const JsonValue& added = found != nullptr ? *found : kNone;
  if (!added.is_array()) return corrupt("added_tokens", "an array", describe_json(&added));
  const size_t most = vocab.members().size() + added.items().size();
  if (most > TokenTable::kMaxTokens) {
    return unsupported("model.vocab, added_tokens", concat("at most ", TokenTable::kMaxTokens, " tokens"),
                       concat(most));
  }
  IdAssignment ids(most);
  FATHOM_RETURN_IF_ERROR(ids.add_vocabulary(vocab));
  for (size_t i = 0; i < added.items().size(); ++i) {
    FATHOM_RETURN_IF_ERROR(ids.add_added_token(added.items()[i], concat("added_tokens[", i, "]")));
  }
  return ids.finish();
}

// An added token spelled like a base token of another id: which of the two the text means would be open.
Status check_added_spelling(const TokenTable& tokens, const std::string& text) {
  const auto bytes = bytes_of(text);
  const int32_t base = bytes ? tokens.find(*bytes) : -1;
  if (base < 0) return {};
  return corrupt("added_tokens", concat("no text of the vocabulary with another id"),
                 concat(describe_text(text), ", which is id ", base, " there"));
}

Status fill_tokens(const std::vector<IdOwner>& owners, TokenizerParts& parts) {
  for (size_t id = 0; id < owners.size(); ++id) {
    const IdOwner& owner = owners[id];
    if (owner.kind == TokenTable::Kind::kAdded) {
      (owner.normalized ? parts.normalized : parts.literal).add(*owner.text, static_cast<int32_t>(id));
      parts.tokens.append(*owner.text, owner.kind);
      continue;
    }
    const auto bytes = bytes_of(*owner.text);
    if (!bytes || bytes->empty()) {
      return unsupported(concat("model.vocab[", describe_text(*owner.text), "]"),
                         "a string over the 256 characters of the byte-level alphabet", "another one");
    }
    parts.tokens.append(*bytes, owner.kind);
  }
  parts.tokens.build_index();
  FATHOM_RETURN_IF_ERROR(parts.literal.finish());
  FATHOM_RETURN_IF_ERROR(parts.normalized.finish());
  for (const IdOwner& owner : owners) {
    if (owner.kind != TokenTable::Kind::kAdded) continue;
    FATHOM_RETURN_IF_ERROR(check_added_spelling(parts.tokens, *owner.text));
    if (owner.normalized && parts.literal.find(*owner.text)) {
      return corrupt("added_tokens", "different texts",
                     concat(describe_text(*owner.text), " more than once"));
    }
  }
  for (int byte = 0; byte < 256; ++byte) {
    const auto text = static_cast<char>(byte);
    if (parts.tokens.find(std::string_view(&text, 1)) < 0) {
      return unsupported("model.vocab", "a token for each of the 256 bytes", concat("none for byte ", byte));
    }
  }
  return {};
}

// The two parts of a merge, written "a b" or ["a", "b"]. No spelling contains a space.
Result<std::pair<std::string_view, std::string_view>> merge_parts(const JsonValue& merge,
                                                                  std::string_view where) {
  if (merge.is_string()) {
    const std::string_view text = merge.as_string();
    const size_t space = text.find(' ');
    if (space != std::string_view::npos) return std::pair(text.substr(0, space), text.substr(space + 1));
  }
  if (merge.is_array() && merge.items().size() == 2 && merge.items()[0].is_string() &&
      merge.items()[1].is_string()) {
    return std::pair<std::string_view, std::string_view>(merge.items()[0].as_string(),
                                                         merge.items()[1].as_string());
  }
  return corrupt(where, "two token texts, as \"a b\" or [\"a\", \"b\"]", describe_json(&merge));
}

Result<Merge> read_merge(const JsonValue& value, const TokenTable& tokens, const std::string& where) {
  FATHOM_ASSIGN_OR_RETURN(const auto parts, merge_parts(value, where));
  const auto left = bytes_of(parts.first);
  const auto right = bytes_of(parts.second);
  const auto find = [&](const std::optional<std::string>& bytes) {
    return bytes && !bytes->empty() ? tokens.find(*bytes) : -1;
  };
  const Merge merge = {find(left), find(right), left && right ? find(*left + *right) : -1};
  if (merge.left < 0 || merge.right < 0) {
    return corrupt(where, "tokens of the vocabulary",
                   concat(describe_text(merge.left < 0 ? parts.first : parts.second), ", which is none"));
  }
  if (merge.result < 0) {
    return corrupt(where, "a result that is in the vocabulary",
                   concat(describe_text(concat(parts.first, parts.second)), ", which is not"));
  }
  return merge;
}

Status check_distinct(const std::vector<Merge>& merges) {
  std::vector<std::pair<uint64_t, uint32_t>> pairs;  // the two ids, the rank
  pairs.reserve(merges.size());
  for (const Merge& merge : merges) {
    pairs.emplace_back(static_cast<uint64_t>(merge.left) << 32 | static_cast<uint32_t>(merge.right),
                       pairs.size());
  }
  std::sort(pairs.begin(), pairs.end());
  const auto same = std::adjacent_find(pairs.begin(), pairs.end(),
                                       [](const auto& a, const auto& b) { return a.first == b.first; });
  if (same == pairs.end()) return {};
  return corrupt(concat("model.merges[", (same + 1)->second, "]"), "a pair that was not there before",
                 concat("that of model.merges[", same->second, "]"));
}

Status read_merges(const JsonValue& list, TokenizerParts& parts) {
  if (!list.is_array()) return corrupt("model.merges", "an array", describe_json(&list));
  if (list.items().size() >= TokenTable::kMaxTokens) {
    return unsupported("model.merges", concat("fewer than ", TokenTable::kMaxTokens),
                       concat(list.items().size()));
  }
  parts.merges.reserve(list.items().size());
  for (const JsonValue& item : list.items()) {
    const std::string where = concat("model.merges[", parts.merges.size(), "]");
    FATHOM_ASSIGN_OR_RETURN(const Merge merge, read_merge(item, parts.tokens, where));
    parts.merges.push_back(merge);
  }
  return check_distinct(parts.merges);
}

Result<TokenizerParts> read_parts(std::string_view json_text) {
  if (json_text.size() > kMaxFileBytes) {
    return unsupported("size", concat("at most ", kMaxFileBytes, " bytes"), concat(json_text.size()));
  }
  FATHOM_ASSIGN_OR_RETURN(const JsonValue file, read_json(json_text, {.max_nodes = kMaxValues}));
  FATHOM_RETURN_IF_ERROR(check_options(file));
  FATHOM_ASSIGN_OR_RETURN(const std::vector<IdOwner> owners, assign_ids(file));
  TokenizerParts parts;
  FATHOM_RETURN_IF_ERROR(fill_tokens(owners, parts));
  FATHOM_RETURN_IF_ERROR(read_merges(*file.find("model")->find("merges"), parts));
  return parts;
}

}  // namespace

Result<TokenizerParts> read_tokenizer_json(std::string_view json_text) {
  auto parts = read_parts(json_text);
  if (!parts.ok()) return parts.status().in("tokenizer.json");
  return parts;
}

}  // namespace fathom
