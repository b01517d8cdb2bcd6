// SPDX-License-Identifier: MIT
// Files to documents: what is predicted, and files of every bad kind (training.md 10, reliability.md T-6).
#include "train/document_reader.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "tests/support/jsonl.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

const Tokenizer& tokenizer() {
  static const Tokenizer tokenizer = [] {
    auto loaded =
        Tokenizer::from_json(test::read_text_file(FATHOM_SOURCE_DIR "/models/tiny-chat/tokenizer.json"));
    if (!loaded.ok()) ADD_FAILURE() << loaded.status().message();
    return std::move(loaded).value();
  }();
  return tokenizer;
}

DocumentEncoding encoding() {
  static const MarkerIds markers(tokenizer());
  return {tokenizer(), markers};
}

// Predicted tokens as text, with a bar where the prediction pauses.
std::string predicted_text(const Document& document) {
  std::string out;
  for (size_t i = 0; i < document.ids.size(); ++i) {
    if (document.predicted[i] != 0) {
      out += tokenizer().bytes(document.ids[i]);
    } else if (!out.empty() && out.back() != '|') {
      out += '|';
    }
  }
  return out;
}

Document line(std::string_view text) {
  auto document = document_of_line(text, encoding());
  if (!document.ok()) ADD_FAILURE() << document.status().message();
  return std::move(document).value();
}

class DocumentReaderTest : public testing::Test {
 protected:
  DocumentReaderTest() : root_(fs::path(testing::TempDir()) / "document_reader") {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~DocumentReaderTest() override { fs::remove_all(root_); }

  // The texts of the documents of a file with these bytes.
  Result<std::vector<std::string>> read(const std::string& name, const std::string& bytes) {
    std::ofstream(root_ / name, std::ios::binary) << bytes;
    std::vector<std::string> texts;
    FATHOM_RETURN_IF_ERROR(
        for_each_document(system_io(), root_ / name, encoding(), [&](const Document& document) {
          texts.push_back(tokenizer().decode(document.ids));
          return Status();
        }));
    return texts;
  }

  fs::path root_;
};

constexpr std::string_view kBos = "<｜begin▁of▁sentence｜>";
constexpr std::string_view kEos = "<｜end▁of▁sentence｜>";

TEST_F(DocumentReaderTest, OfATextAllButTheBeginningIsPredicted) {
  const Document document = line(R"({"text": "two words"})");
  EXPECT_EQ(tokenizer().decode(document.ids), std::string(kBos) + "two words" + std::string(kEos));
  EXPECT_EQ(document.predicted[0], 0);
  EXPECT_EQ(predicted_text(document), "two words" + std::string(kEos));
}

TEST_F(DocumentReaderTest, OfAConversationTheRepliesArePredicted) {
  const Document document = line(
      R"({"thinking_mode": "chat", "messages": [{"role": "system", "content": "Be brief."},
          {"role": "user", "content": "Hi"}, {"role": "assistant", "content": "Hello."},
          {"role": "user", "content": "Bye"}, {"role": "assistant", "content": "Farewell."}]})");
  EXPECT_EQ(predicted_text(document), "Hello." + std::string(kEos) + "|Farewell." + std::string(kEos));
}

TEST_F(DocumentReaderTest, ReasoningIsPredictedWithTheMarkerThatEndsIt) {
  const Document document = line(
      R"({"thinking_mode": "thinking", "messages": [{"role": "user", "content": "1 + 1?"},
          {"role": "assistant", "reasoning_content": "One more than 1.", "content": "2"}]})");
  EXPECT_EQ(predicted_text(document), "One more than 1.</think>2" + std::string(kEos));
  EXPECT_THAT(tokenizer().decode(document.ids), HasSubstr("<think>One more"));
}

TEST_F(DocumentReaderTest, MarkersInTextStayText) {
  const Document document = line(R"({"text": "<｜User｜> and <think>"})");
  const auto user = tokenizer().added_token("<｜User｜>");
  EXPECT_EQ(std::count(document.ids.begin(), document.ids.end(), *user), 0);
}

TEST_F(DocumentReaderTest, FilesOfEveryKindAreRead) {
  const auto text = read("a.txt", "one\r\ntwo\n");
  ASSERT_TRUE(text.ok()) << text.status().message();
  EXPECT_EQ(*text, std::vector<std::string>{std::string(kBos) + "one\r\ntwo\n" + std::string(kEos)});
  const auto lines = read("b.jsonl", "{\"text\":\"x\"}\r\n\n  \n{\"text\":\"y\"}");
  ASSERT_TRUE(lines.ok()) << lines.status().message();
  EXPECT_EQ(lines->size(), 2u);
  const auto empty = read("c.jsonl", "");
  ASSERT_TRUE(empty.ok());
  EXPECT_TRUE(empty->empty());
  const auto invalid = read("d.txt", "a\xFF b");
  ASSERT_TRUE(invalid.ok());
  EXPECT_THAT((*invalid)[0], HasSubstr("a\xEF\xBF\xBD b"));
}

TEST_F(DocumentReaderTest, WhatIsWrongIsNamedByFileAndLine) {
  const struct {
    const char* name;
    std::string bytes;
    StatusCode code;
    const char* words;
  } cases[] = {
      {"a.jsonl", "{\"text\":\"x\"}\n{\"text\":\"y", StatusCode::kCorrupt, "a.jsonl: line 2: JSON: byte"},
      {"b.jsonl", "{\"text\":1}\n", StatusCode::kInvalidArgument, "line 1: expected an object with messages"},
      {"c.jsonl", "[]", StatusCode::kInvalidArgument, "line 1: expected an object"},
      {"d.jsonl", "{\"text\":\"\xFF\"}", StatusCode::kCorrupt, "line 1: JSON"},
      {"e.jsonl", R"({"messages":[{"role":"user","content":"x"}]})", StatusCode::kInvalidArgument,
       "expected a reply to learn"},
      {"f.jsonl", R"({"messages":[{"role":"king","content":"x"}]})", StatusCode::kInvalidArgument, "role"},
      {"g.txt.zst", "no zstd", StatusCode::kCorrupt, "g.txt.zst: zstd"},
      {"h.csv", "a,b", StatusCode::kUnsupported, "h.csv: expected a file of kind"},
  };
  for (const auto& c : cases) {
    const auto texts = read(c.name, c.bytes);
    EXPECT_EQ(texts.status().code(), c.code) << c.name << ": " << texts.status().message();
    EXPECT_THAT(texts.status().message(), HasSubstr(c.words));
  }
  EXPECT_EQ(
      for_each_document(system_io(), root_ / "none.txt", encoding(), [](const Document&) { return Status(); })
          .code(),
      StatusCode::kNotFound);
}

}  // namespace
}  // namespace fathom
