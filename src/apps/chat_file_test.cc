// SPDX-License-Identifier: MIT
// Saved conversations come back as they were; what a chat cannot go on with is refused by name.
#include "apps/chat_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <filesystem>
#include <fstream>

#include "base/concat.h"
#include "support/failing_io.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

Conversation sample(ThinkLevel level) {
  Conversation conversation;
  set_think_level(conversation, level);
  conversation.messages = {system_message("Be brief."), user_message("a \"quote\"\n\x1b[31m\x01 你好"),
                           assistant_message("hm\n", "<think> & </think>"), user_message(""),
                           assistant_message("", "end\\")};
  return conversation;
}

std::string error_of(const std::string& text) {
  const auto conversation = parse_conversation(text, Dialect::kPreview);
  return conversation.ok() ? "" : std::string(conversation.status().message());
}

TEST(ChatFile, ComesBackAsItWas) {
  for (const ThinkLevel level : {ThinkLevel::kNone, ThinkLevel::kHigh, ThinkLevel::kMax}) {
    const Conversation saved = sample(level);
    const auto loaded = parse_conversation(conversation_text(saved), Dialect::kPreview);
    ASSERT_TRUE(loaded.ok()) << loaded.status().message();
    EXPECT_EQ(loaded->thinking_mode, saved.thinking_mode);
    EXPECT_EQ(loaded->effort, saved.effort);
    ASSERT_EQ(loaded->messages.size(), saved.messages.size());
    for (size_t i = 0; i < saved.messages.size(); ++i) {
      EXPECT_EQ(loaded->messages[i].role, saved.messages[i].role) << i;
      EXPECT_EQ(loaded->messages[i].content, saved.messages[i].content) << i;
      EXPECT_EQ(loaded->messages[i].reasoning, saved.messages[i].reasoning) << i;
    }
  }
}

TEST(ChatFile, IsOneLineOfTheEncodersForm) {
  Conversation conversation;
  set_think_level(conversation, ThinkLevel::kHigh);
  conversation.messages = {user_message("Hi"), assistant_message("so", "Hello")};
  EXPECT_EQ(
      conversation_text(conversation),
      "{\"messages\": [{\"role\": \"user\", \"content\": \"Hi\"}, {\"role\": \"assistant\", \"content\": "
      "\"Hello\", \"reasoning_content\": \"so\"}], \"thinking_mode\": \"thinking\", "
      "\"reasoning_effort\": \"high\"}\n");
}

TEST(ChatFile, WhatIsNoConversationIsRefusedByName) {
  for (const char* text : {"", "{", "[1,]", "\xff", "{\"messages\": []} x"}) {
    const auto conversation = parse_conversation(text, Dialect::kPreview);
    ASSERT_FALSE(conversation.ok()) << text;
    EXPECT_EQ(conversation.status().code(), StatusCode::kCorrupt) << text;
  }
  for (const char* text :
       {"[]", "1", "null", "{}", R"({"messages": {}})", R"({"messages": [1]})",
        R"({"messages": [{"content": "x"}]})", R"({"messages": [{"role": "robot"}]})",
        R"({"messages": [{"role": "user", "content": 1}]})", R"({"messages": [], "thinking_mode": "deep"})",
        R"({"messages": [], "reasoning_effort": "huge"})"}) {
    const auto conversation = parse_conversation(text, Dialect::kPreview);
    ASSERT_FALSE(conversation.ok()) << text;
    EXPECT_EQ(conversation.status().code(), StatusCode::kInvalidArgument) << text;
  }
}

TEST(ChatFile, WhatAChatCannotGoOnWithIsRefusedByName) {
  EXPECT_THAT(
      error_of(R"({"messages": [{"role": "user", "content": "a"}, {"role": "system", "content": "b"}]})"),
      HasSubstr("messages[1].role"));
  EXPECT_THAT(error_of(R"({"messages": [{"role": "tool", "content": "a", "tool_call_id": "c"}]})"),
              HasSubstr("messages[0].role: expected system, user or assistant"));
  EXPECT_THAT(error_of(R"({"messages": [{"role": "developer", "content": "a"}]})"),
              HasSubstr("messages[0].role"));
  EXPECT_THAT(error_of(R"({"messages": [{"role": "system", "content": "a", "tools":
                          [{"type": "function", "function": {"name": "f"}}]}]})"),
              HasSubstr("messages[0]: expected text only"));
  EXPECT_THAT(error_of(R"({"messages": [{"role": "assistant", "content": "a", "wo_eos": true}]})"),
              HasSubstr("messages[0]: expected text only"));
}

TEST(ChatFile, MessagesAreCountedUpToTheLimit) {
  for (const int count : {4096, 4097, 40960}) {
    std::string text = "{\"messages\": [";
    for (int i = 0; i < count; ++i) {
      text += concat(i == 0 ? "" : ",", "{\"role\": \"", i % 2 == 0 ? "user" : "assistant", "\"}");
    }
    EXPECT_EQ(error_of(text + "]}"),
              count == 4096 ? "" : concat("messages: expected at most 4096, found ", count));
  }
}

TEST(ChatFile, FilesAreSavedAndLoadedOrTheErrorSaysWhichFile) {
  const fs::path path = fs::path(testing::TempDir()) / "fathom_chat_file.json";
  fs::remove(path);
  EXPECT_EQ(load_conversation(system_io(), path, Dialect::kPreview).status().code(), StatusCode::kNotFound);
  ASSERT_TRUE(save_conversation(system_io(), path, sample(ThinkLevel::kMax)).ok());
  const auto loaded = load_conversation(system_io(), path, Dialect::kPreview);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  EXPECT_EQ(conversation_text(*loaded), conversation_text(sample(ThinkLevel::kMax)));
  std::ofstream(path) << "nonsense";
  const auto broken = load_conversation(system_io(), path, Dialect::kPreview);
  EXPECT_THAT(std::string(broken.status().message()), HasSubstr("fathom_chat_file.json: "));
  EXPECT_EQ(load_conversation(system_io(), testing::TempDir(), Dialect::kPreview).status().code(),
            StatusCode::kInvalidArgument);
  fs::remove(path);
}

}  // namespace
}  // namespace fathom
