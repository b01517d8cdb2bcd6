// SPDX-License-Identifier: MIT
#include "text/tokenizer_json.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "tests/support/toy_tokenizer.h"
#include "text/tokenizer.h"

namespace fathom {
namespace {

using testing::HasSubstr;

const std::vector<test::ToyMerge> kMerges = {{"a", "b"}, {"ab", "c"}};
const std::vector<std::string> kAdded = {"<s>", "<t>"};

std::string toy() { return test::toy_tokenizer_json(kMerges, kAdded); }

std::string replaced(std::string text, std::string_view from, std::string_view to) {
  const size_t at = text.find(from);
  EXPECT_NE(at, text.npos) << from;
  return at == text.npos ? text : text.replace(at, from.size(), to);
}

struct Refusal {
  const char* from;  // of the toy file
  const char* to;
  StatusCode code;
  const char* message;  // a part of it
};

void expect_refused(const std::string& json, const Refusal& refusal) {
  const auto parts = read_tokenizer_json(json);
  ASSERT_FALSE(parts.ok()) << refusal.to;
  EXPECT_EQ(parts.status().code(), refusal.code) << parts.status().message();
  EXPECT_THAT(std::string(parts.status().message()), HasSubstr(refusal.message));
  EXPECT_TRUE(parts.status().message().starts_with("tokenizer.json: ")) << parts.status().message();
}

TEST(TokenizerJson, ReadsTheToyFile) {
  const auto parts = read_tokenizer_json(toy());
  ASSERT_TRUE(parts.ok()) << parts.status().message();
  EXPECT_EQ(parts->tokens.size(), 260);
  ASSERT_EQ(parts->merges.size(), 2u);
  EXPECT_EQ(parts->tokens.bytes(parts->merges[1].result), "abc");
  EXPECT_EQ(parts->literal.find("<s>").value_or(-1) + parts->normalized.find("<t>").value_or(-1), 258 + 259);
  for (int byte = 0; byte < 256; ++byte) {
    EXPECT_EQ(parts->tokens.bytes(byte), std::string(1, static_cast<char>(byte))) << byte;
  }
}

TEST(TokenizerJson, AcceptsTheOtherSpellingsOfTheSame) {
  const std::pair<const char*, const char*> cases[] = {
      {"\"a b\", \"ab c\"", "[\"a\", \"b\"], [\"ab\", \"c\"]"},
      {"{\"type\": \"Sequence\", \"normalizers\": []}", "null"},
      {"\"normalizer\": {\"type\": \"Sequence\", \"normalizers\": []}, ", ""},
      {"\"post_processor\": null", "\"post_processor\": {\"type\": \"ByteLevel\", \"use_regex\": true}"},
      {"\"continuing_subword_prefix\": null", "\"continuing_subword_prefix\": \"\""},
      {"\"truncation\": null, \"padding\": null, ", ""},
      {"\"ignore_merges\": false, ", ""},
  };
  const auto expected = Tokenizer::from_json(toy())->encode("abcabaa<s>", Tokenizer::Special::kOn);
  for (const auto& [from, to] : cases) {
    const auto tokenizer = Tokenizer::from_json(replaced(toy(), from, to));
    ASSERT_TRUE(tokenizer.ok()) << to << ": " << tokenizer.status().message();
    EXPECT_EQ(tokenizer->encode("abcabaa<s>", Tokenizer::Special::kOn), expected) << to;
  }
}

TEST(TokenizerJson, RefusesOptionsWithoutAMechanismByName) {
  constexpr auto kUnsupported = StatusCode::kUnsupported;
  const Refusal cases[] = {
      {"\"1.0\"", "\"2.0\"", kUnsupported, "version: expected \"1.0\", found \"2.0\""},
      {"\"truncation\": null", "\"truncation\": {\"max_length\": 5}", kUnsupported,
       "truncation: expected null"},
      {"\"padding\": null", "\"padding\": {}", kUnsupported, "padding: expected null, found an object"},
      {"\"padding\"", "\"surprise\"", kUnsupported, "surprise: expected no such field"},
      {"\"BPE\"", "\"Unigram\"", kUnsupported, "model.type: expected \"BPE\", found \"Unigram\""},
      {"\"dropout\": null", "\"dropout\": 0.1", kUnsupported, "model.dropout: expected null, found 0.1"},
      {"\"unk_token\": null", "\"unk_token\": \"a\"", kUnsupported,
       "model.unk_token: expected null, found \"a\""},
      {"\"continuing_subword_prefix\": null", "\"continuing_subword_prefix\": \"#\"", kUnsupported,
       "model.continuing_subword_prefix: expected null or \"\", found \"#\""},
      {"\"end_of_word_suffix\": null", "\"end_of_word_suffix\": \"#\"", kUnsupported,
       "model.end_of_word_suffix"},
      {"\"fuse_unk\": false", "\"fuse_unk\": true", kUnsupported,
       "model.fuse_unk: expected false, found true"},
      {"\"byte_fallback\": false", "\"byte_fallback\": true", kUnsupported, "model.byte_fallback"},
      {"\"ignore_merges\": false", "\"ignore_merges\": true", kUnsupported, "model.ignore_merges"},
      {"\"ignore_merges\": false", "\"new_option\": false", kUnsupported, "model.new_option"},
      {"\"normalizers\": []", "\"normalizers\": [{\"type\": \"NFC\"}]", kUnsupported,
       "normalizer.normalizers: expected [], found an array"},
      {"{\"type\": \"Sequence\", \"normalizers\": []}", "{\"type\": \"NFC\"}", kUnsupported,
       "normalizer.type"},
      {"\"post_processor\": null", "\"post_processor\": {\"type\": \"TemplateProcessing\"}", kUnsupported,
       "post_processor.type: expected \"ByteLevel\", found \"TemplateProcessing\""},
      {"\"decoder\": {\"type\": \"ByteLevel\"", "\"decoder\": {\"type\": \"Fuse\"", kUnsupported,
       "decoder.type"},
      {"{1,3}", "{1,4}", kUnsupported,
       "pre_tokenizer.pretokenizers[0].pattern: expected DeepSeek-V4's pattern number 1"},
      {"一-龥", "一-鿿", kUnsupported, "pre_tokenizer.pretokenizers[1].pattern"},
      {"(?!", "(?=", kUnsupported, "pre_tokenizer.pretokenizers[2].pattern"},
      {"{\"Regex\": \"\\\\p{N}{1,3}\"}", "{\"String\": \"a\"}", kUnsupported,
       "pre_tokenizer.pretokenizers[0].pattern"},
      {"{\"Regex\": \"\\\\p{N}{1,3}\"}", "5", kUnsupported, "pre_tokenizer.pretokenizers[0].pattern"},
      {"\"Isolated\"", "\"Removed\"", kUnsupported, "pre_tokenizer.pretokenizers[0].behavior"},
      {"\"invert\": false", "\"invert\": true", kUnsupported, "pre_tokenizer.pretokenizers[0].invert"},
      {"\"pretokenizers\": [", "\"pretokenizers\": [{}, ", kUnsupported, "three Split steps and ByteLevel"},
      {"\"add_prefix_space\": false", "\"add_prefix_space\": true", kUnsupported,
       "pre_tokenizer.pretokenizers[3].add_prefix_space: expected false, found true"},
      {"\"use_regex\": false", "\"use_regex\": true", kUnsupported,
       "pre_tokenizer.pretokenizers[3].use_regex"},
      {"\"lstrip\": false", "\"lstrip\": true", kUnsupported, "added_tokens[0].lstrip"},
      {"\"rstrip\": false", "\"rstrip\": true", kUnsupported, "added_tokens[0].rstrip"},
      {"\"single_word\": false", "\"single_word\": true", kUnsupported, "added_tokens[0].single_word"},
      {"\"special\": false", "\"special\": 1", kUnsupported,
       "added_tokens[0].special: expected false or true, found 1"},
      {"\"<s>\"", "\"\"", kUnsupported, "added_tokens[0].content: expected 1 to 256 bytes, found 0 bytes"},
  };
  for (const Refusal& refusal : cases) expect_refused(replaced(toy(), refusal.from, refusal.to), refusal);
}

TEST(TokenizerJson, RefusesFilesThatContradictThemselves) {
  constexpr auto kCorrupt = StatusCode::kCorrupt;
  const Refusal cases[] = {
      {"{\"version\"", "[{\"version\"", kCorrupt, "JSON: byte"},
      {"\"a b\"", "\"a\"", kCorrupt, "model.merges[0]: expected two token texts"},
      {"\"a b\"", "\"a b c\"", kCorrupt, "model.merges[0]: expected tokens of the vocabulary, found \"b c\""},
      {"\"a b\"", "\" b\"", kCorrupt, "model.merges[0]: expected tokens of the vocabulary, found \"\""},
      {"\"a b\"", "[\"a\"]", kCorrupt, "model.merges[0]: expected two token texts"},
      {"\"a b\"", "[\"a\", 5]", kCorrupt, "model.merges[0]: expected two token texts"},
      {"\"a b\"", "null", kCorrupt, "model.merges[0]"},
      {"\"ab c\"", "\"xy c\"", kCorrupt,
       "model.merges[1]: expected tokens of the vocabulary, found \"xy\", which is none"},
      {"\"ab c\"", "\"< s>\"", kCorrupt, "model.merges[1]: expected tokens of the vocabulary, found \"s>\""},
      {"\"ab c\"", "\"a c\"", kCorrupt,
       "model.merges[1]: expected a result that is in the vocabulary, found \"ac\""},
      {"\"ab c\"", "\"a b\"", kCorrupt,
       "model.merges[1]: expected a pair that was not there before, found that of model.merges[0]"},
      {"\"a\": 97", "\"a\": 98", kCorrupt,
       "model.vocab[\"b\"]: expected an id of its own, found 98, the id of \"a\""},
      {"\"a\": 97", "\"a\": -1", kCorrupt, "model.vocab[\"a\"]: expected an id from 0 to 259"},
      {"\"a\": 97", "\"a\": 260", kCorrupt,
       "model.vocab[\"a\"]: expected an id from 0 to 259 (one for each token), found 260"},
      {"\"a\": 97", "\"a\": 1e2", kCorrupt, "model.vocab[\"a\"]"},
      {"\"a\": 97", "\"a\": 99999999999999999999", kCorrupt, "model.vocab[\"a\"]"},
      {"\"a\": 97", "\"a\": \"97\"", kCorrupt, "model.vocab[\"a\"]"},
      {"\"a\": 97", "\"a\": 97, \"a\": 97", kCorrupt, "each key once"},
      {"\"id\": 258", "\"id\": 259", kCorrupt,
       "added_tokens[1].id: expected an id of its own, found 259, the id of \"<s>\""},
      {"\"id\": 258", "\"id\": 5", kCorrupt, "added_tokens[0].id: expected an id of its own, found 5"},
      {"\"id\": 258", "\"id\": 1000000000", kCorrupt, "added_tokens[0].id: expected an id from 0 to 259"},
      {"\"<t>\"", "\"<s>\"", kCorrupt,
       "added_tokens: expected different texts, found \"<s>\" more than once"},
      {"\"<t>\"", "\"ab\"", kCorrupt,
       "added_tokens: expected no text of the vocabulary with another id, found \"ab\""},
      {"\"<t>\"", "7", kCorrupt, "added_tokens[1].content: expected a string, found 7"},
      {"\"<s>\"", "\"\\ud800\"", kCorrupt, "JSON: byte"},
      {"\"added_tokens\": [", "\"added_tokens\": [5, ", kCorrupt,
       "added_tokens[0]: expected an object, found 5"},
      {"\"vocab\": {", "\"vocab\": 5, \"merges_\": {", StatusCode::kUnsupported, "model.merges_"},
      {"\"pre_tokenizer\": {", "\"decoder_\": {", StatusCode::kUnsupported,
       "decoder_: expected no such field"},
      {"\"decoder\": {", "\"decoder\": null, \"x\": {", StatusCode::kUnsupported,
       "x: expected no such field"},
      {R"("decoder": {"type": "ByteLevel", "add_prefix_space": true, "trim_offsets": true, "use_regex": true}, )",
       "", kCorrupt, "decoder: expected an object, found nothing"},
      {"\"type\": \"BPE\", ", "", kCorrupt, "model.type: expected a value, found nothing"},
  };
  for (const Refusal& refusal : cases) expect_refused(replaced(toy(), refusal.from, refusal.to), refusal);
}

TEST(TokenizerJson, RefusesVocabulariesWithHolesOrForeignCharacters) {
  const std::string base = toy();
  // "<s>" in both lists: 261 entries make 260 tokens, so the id 260 leaves a hole at 259.
  expect_refused(
      replaced(replaced(base, "\"abc\": 257", "\"abc\": 257, \"<s>\": 258"), "\"id\": 259", "\"id\": 260"),
      {"", "a hole", StatusCode::kCorrupt, "ids 0 to 259 without a hole, found none with id 259"});
  expect_refused(replaced(base, "\"abc\": 257", "\"a c\": 257"),
                 {"", "space", StatusCode::kUnsupported,
                  "model.vocab[\"a c\"]: expected a string over the 256 characters"});
  expect_refused(replaced(base, "\"abc\": 257", "\"\": 257"),
                 {"", "empty", StatusCode::kUnsupported, "model.vocab[\"\"]"});
  expect_refused(
      replaced(base, "\"z\": 122", "\"zz\": 122"),
      {"", "no z", StatusCode::kUnsupported, "a token for each of the 256 bytes, found none for byte 122"});
}

// A token that may stand for a marker must not be within reach of ordinary text.
TEST(TokenizerJson, RefusesAddedTokensThatMergesProduce) {
  std::string json =
      replaced(toy(), "\"id\": 258, \"content\": \"<s>\"", "\"id\": 257, \"content\": \"abc\"");
  json = replaced(json, "\"id\": 259", "\"id\": 258");
  expect_refused(
      json, {"", "abc", StatusCode::kCorrupt,
             "model.merges[1]: expected a result that is in the vocabulary, found \"abc\", which is not"});
}

TEST(TokenizerJson, LimitsHoldAtTheLimitAndNotBeyond) {
  const auto with_added = [](size_t bytes) {
    return replaced(toy(), "\"<s>\"", "\"" + std::string(bytes, '<') + "\"");
  };
  EXPECT_TRUE(read_tokenizer_json(with_added(256)).ok());
  for (const size_t bytes : {size_t{257}, size_t{2560}, size_t{1} << 20}) {
    expect_refused(with_added(bytes),
                   {"", "long", StatusCode::kUnsupported, "added_tokens[0].content: expected 1 to 256"});
  }
  std::string merges = "\"a b\"";
  for (int i = 0; i < 2'000'000; ++i) merges += ",\"a b\"";
  expect_refused(replaced(toy(), "\"a b\"", merges),
                 {"", "many merges", StatusCode::kCorrupt, "at most 1500000 values"});
  merges.resize(6 * 1'048'576 - 1);
  expect_refused(replaced(toy(), "\"a b\", \"ab c\"", merges),
                 {"", "2^20 merges", StatusCode::kUnsupported, "model.merges: expected fewer than 1048576"});
}

TEST(TokenizerJson, SurvivesEveryCutOfAFile) {
  const std::string json = toy();
  for (size_t length = 0; length < json.size(); ++length) {
    ASSERT_FALSE(read_tokenizer_json(std::string_view(json).substr(0, length)).ok()) << length;
  }
}

// Tokens that overlap: within a set the longest wins, and the set with "normalized": false goes first.
// Expected cuts are those of the `tokenizers` package, 0.23.3.
TEST(TokenizerJson, AddedTokensThatOverlapAreCutInTwoPasses) {
  // toy_added_tokens gives the first and third "normalized": false.
  const auto tokenizer = Tokenizer::from_json(test::toy_tokenizer_json({}, {"[ab]", "b]x", "[a", "[ab"}));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  const auto pieces = [&](std::string_view text) {
    std::vector<std::string> out;
    for (const int32_t id : tokenizer->encode(text, Tokenizer::Special::kOn))
      out.emplace_back(tokenizer->bytes(id));
    return out;
  };
  using Pieces = std::vector<std::string>;
  EXPECT_EQ(pieces("[ab]"), (Pieces{"[ab]"}));
  EXPECT_EQ(pieces("[abx"), (Pieces{"[a", "b", "x"}));
  EXPECT_EQ(pieces("[ab]x"), (Pieces{"[ab]", "x"}));
  EXPECT_EQ(pieces("[[a"), (Pieces{"[", "[a"}));
  EXPECT_EQ(pieces("ab]x[a"), (Pieces{"a", "b]x", "[a"}));
}

}  // namespace
}  // namespace fathom
