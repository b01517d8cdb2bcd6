// SPDX-License-Identifier: MIT
#include "text/tokenizer_writer.h"

#include <array>

#include "base/check.h"
#include "io/json.h"
#include "text/byte_alphabet.h"
#include "text/chat_markers.h"
#include "text/pre_tokenizer.h"
#include "text/utf8.h"

namespace fathom {
namespace {

constexpr std::array<std::string_view, kLeadingAddedTokens> kLeading = {
    "<｜begin▁of▁sentence｜>", "<｜end▁of▁sentence｜>", "<｜▁pad▁｜>"};

// The markers but BOS and EOS, in the order of the enum.
constexpr int kFirstTrailingMarker = 2;
static_assert(static_cast<int>(Marker::kBos) == 0 && static_cast<int>(Marker::kEos) == 1);

enum class Matching : uint8_t { kLiteral, kNormalized };  // against the text, or after the normalizer

std::string spelled(std::string_view bytes) {
  std::string text;
  for (const char byte : bytes) append_utf8(text, kByteAlphabet.character_of[static_cast<uint8_t>(byte)]);
  return text;
}

JsonValue added_token(int32_t id, std::string_view content, Matching matching) {
  const bool literal = matching == Matching::kLiteral;
  JsonValue token = JsonValue::object();
  token.set("id", JsonValue::integer(id));
  token.set("content", JsonValue::string(std::string(content)));
  for (const std::string_view key : {"single_word", "lstrip", "rstrip"}) {
    token.set(key, JsonValue::boolean(false));
  }
  token.set("normalized", JsonValue::boolean(!literal));
  token.set("special", JsonValue::boolean(literal));
  return token;
}

JsonValue added_tokens(int32_t after_base) {
  std::vector<JsonValue> tokens;
  for (int32_t i = 0; i < kLeadingAddedTokens; ++i) {
    tokens.push_back(added_token(i, kLeading[i], Matching::kLiteral));
  }
  for (int i = kFirstTrailingMarker; i < kMarkerCount; ++i) {
    tokens.push_back(added_token(after_base++, marker_text(static_cast<Marker>(i)), Matching::kNormalized));
  }
  return JsonValue::array(std::move(tokens));
}

JsonValue byte_level(bool add_prefix_space, bool trim_offsets, bool use_regex) {
  JsonValue step = JsonValue::object();
  step.set("type", JsonValue::string("ByteLevel"));
  step.set("add_prefix_space", JsonValue::boolean(add_prefix_space));
  step.set("trim_offsets", JsonValue::boolean(trim_offsets));
  step.set("use_regex", JsonValue::boolean(use_regex));
  return step;
}

JsonValue sequence(std::string_view list, std::vector<JsonValue> steps) {
  JsonValue object = JsonValue::object();
  object.set("type", JsonValue::string("Sequence"));
  object.set(list, JsonValue::array(std::move(steps)));
  return object;
}

JsonValue pre_tokenizer() {
  std::vector<JsonValue> steps;
  for (const std::string_view pattern : PreTokenizer::kPatterns) {
    JsonValue regex = JsonValue::object();
    regex.set("Regex", JsonValue::string(std::string(pattern)));
    JsonValue split = JsonValue::object();
    split.set("type", JsonValue::string("Split"));
    split.set("pattern", std::move(regex));
    split.set("behavior", JsonValue::string("Isolated"));
    split.set("invert", JsonValue::boolean(false));
    steps.push_back(std::move(split));
  }
  steps.push_back(byte_level(false, true, false));
  return sequence("pretokenizers", std::move(steps));
}

JsonValue model(const TrainedBpe& bpe) {
  std::vector<JsonValue::Member> vocab;
  for (int32_t i = 0; i < kLeadingAddedTokens; ++i) vocab.emplace_back(kLeading[i], JsonValue::integer(i));
  std::vector<std::string> spellings;
  for (const std::string& token : bpe.tokens) {
    spellings.push_back(spelled(token));
    vocab.emplace_back(spellings.back(), JsonValue::integer(static_cast<int64_t>(vocab.size())));
  }
  std::vector<JsonValue> merges;
  for (const Merge& merge : bpe.merges) {
    merges.push_back(JsonValue::string(spellings[merge.left - kLeadingAddedTokens] + " " +
                                       spellings[merge.right - kLeadingAddedTokens]));
  }
  JsonValue out = JsonValue::object();
  out.set("type", JsonValue::string("BPE"));
  for (const std::string_view key :
       {"dropout", "unk_token", "continuing_subword_prefix", "end_of_word_suffix"}) {
    out.set(key, JsonValue());
  }
  out.set("fuse_unk", JsonValue::boolean(false));
  out.set("byte_fallback", JsonValue::boolean(false));
  out.set("vocab", JsonValue::object(std::move(vocab)));
  out.set("merges", JsonValue::array(std::move(merges)));
  return out;
}

}  // namespace

int32_t added_token_count() noexcept { return kLeadingAddedTokens + kMarkerCount - kFirstTrailingMarker; }

std::string write_tokenizer_json(const TrainedBpe& bpe) {
  FATHOM_CHECK(bpe.merges.empty() || bpe.merges.front().result >= kLeadingAddedTokens + 256);
  JsonValue file = JsonValue::object();
  file.set("version", JsonValue::string("1.0"));
  file.set("truncation", JsonValue());
  file.set("padding", JsonValue());
  file.set("added_tokens", added_tokens(kLeadingAddedTokens + static_cast<int32_t>(bpe.tokens.size())));
  file.set("normalizer", sequence("normalizers", {}));
  file.set("pre_tokenizer", pre_tokenizer());
  file.set("post_processor", byte_level(true, false, true));
  file.set("decoder", byte_level(true, true, true));
  file.set("model", model(bpe));
  return write_json(file) + "\n";
}

}  // namespace fathom
