// SPDX-License-Identifier: MIT
// Vocabularies trained here against those of the package `tokenizers`, and as files that can be used.
#include "text/bpe_trainer.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <random>
#include <sstream>

#include "base/concat.h"
#include "io/json.h"
#include "tests/support/jsonl.h"
#include "text/chat_markers.h"
#include "text/tokenizer.h"
#include "text/tokenizer_writer.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

std::vector<std::string> fixture_texts() {
  std::vector<std::string> texts;
  for (const JsonValue& line : test::read_jsonl(FATHOM_SOURCE_DIR "/tests/fixtures/tokenizer/v4.jsonl")) {
    if (const JsonValue* text = line.find("text")) texts.push_back(text->as_string());
  }
  return texts;
}

TrainedBpe trained(const std::vector<std::string>& texts, int64_t vocab_size, int64_t min_frequency = 2) {
  BpeTrainer trainer;
  for (const std::string& text : texts) trainer.add(text);
  auto bpe = trainer.train(
      {.vocab_size = vocab_size, .min_frequency = min_frequency, .first_id = kLeadingAddedTokens});
  if (!bpe.ok()) ADD_FAILURE() << bpe.status().message();
  return std::move(bpe).value();
}

// The merges as tokenizer.json spells them.
std::vector<std::string> spelled_merges(const std::string& tokenizer_json) {
  const auto file = read_json(tokenizer_json);
  if (!file.ok()) ADD_FAILURE() << file.status().message();
  std::vector<std::string> merges;
  for (const JsonValue& merge : file->find("model")->find("merges")->items()) {
    merges.push_back(merge.as_string());
  }
  return merges;
}

TEST(BpeTrainer, MergesEqualThoseOfTheTokenizersPackage) {
  std::vector<std::string> expected;
  std::istringstream lines(
      test::read_text_file(FATHOM_SOURCE_DIR "/tests/fixtures/tokenizer/trained/merges.txt"));
  for (std::string line; std::getline(lines, line);) expected.push_back(line);
  ASSERT_EQ(expected.size(), 1241u);
  const std::string file = write_tokenizer_json(trained(fixture_texts(), 1500 - kLeadingAddedTokens));
  EXPECT_EQ(spelled_merges(file), expected);
}

TEST(BpeTrainer, TheOrderOfTheTextsDoesNotMatter) {
  std::vector<std::string> texts = fixture_texts();
  const std::string file = write_tokenizer_json(trained(texts, 900));
  std::shuffle(texts.begin(), texts.end(), std::mt19937(7));
  EXPECT_EQ(write_tokenizer_json(trained(texts, 900)), file);
}

// "abab" three times: a b is the most frequent pair, then ab ab; nothing is left to merge.
TEST(BpeTrainer, ASmallCaseByHand) {
  const TrainedBpe bpe = trained({"abab", "abab", "abab"}, 300);
  ASSERT_EQ(bpe.tokens.size(), 258u);
  EXPECT_EQ(bpe.tokens[256], "ab");
  EXPECT_EQ(bpe.tokens[257], "abab");
  ASSERT_EQ(bpe.merges.size(), 2u);
  EXPECT_EQ(bpe.merges[1].left, kLeadingAddedTokens + 256);
  EXPECT_EQ(bpe.merges[1].result, kLeadingAddedTokens + 257);
}

TEST(BpeTrainer, RunsOfOneLetterAreCountedWithoutOverlapOnceMerged) {
  const TrainedBpe bpe = trained({"aaaaaaa", "aaaaaaa"}, 300);
  ASSERT_GE(bpe.tokens.size(), 258u);
  EXPECT_EQ(bpe.tokens[256], "aa");
  EXPECT_EQ(bpe.tokens[257], "aaaa");
}

TEST(BpeTrainer, RarePairsAreLeftAlone) {
  EXPECT_TRUE(trained({"ab", "cd"}, 300).merges.empty());
  EXPECT_EQ(trained({"ab", "cd"}, 300, 1).merges.size(), 2u);
}

TEST(BpeTrainer, TheFileIsATokenizerForConversations) {
  const std::vector<std::string> texts = fixture_texts();
  const auto tokenizer = Tokenizer::from_json(write_tokenizer_json(trained(texts, 1000)));
  ASSERT_TRUE(tokenizer.ok()) << tokenizer.status().message();
  EXPECT_EQ(tokenizer->size(), 1000 + added_token_count());
  EXPECT_TRUE(MarkerIds(*tokenizer).chat_available().ok());
  for (const std::string& text : texts) EXPECT_EQ(tokenizer->decode(tokenizer->encode(text)), text);
}

TEST(BpeTrainer, AMergeSpellsItsParts) {
  const TrainedBpe bpe = trained(fixture_texts(), 1000);
  const auto tokenizer = Tokenizer::from_json(write_tokenizer_json(bpe));
  ASSERT_TRUE(tokenizer.ok());
  for (const Merge& merge : bpe.merges) {
    EXPECT_EQ(concat(tokenizer->bytes(merge.left), tokenizer->bytes(merge.right)),
              tokenizer->bytes(merge.result));
  }
}

TEST(BpeTrainer, OptionsOutOfRangeAreRefused) {
  const BpeTrainer trainer;
  EXPECT_THAT(trainer.train({.vocab_size = 255}).status().message(), HasSubstr("vocab_size: expected 256"));
  EXPECT_TRUE(trainer.train({.vocab_size = 256}).ok());
  EXPECT_EQ(trainer.train({.vocab_size = int64_t{1} << 40}).status().code(), StatusCode::kInvalidArgument);
  EXPECT_THAT(trainer.train({.vocab_size = 256, .min_frequency = 0}).status().message(),
              HasSubstr("min_frequency: expected at least 1"));
}

}  // namespace
}  // namespace fathom
