// SPDX-License-Identifier: MIT
#include "server/reply_memory.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

FinishedChoice weather_reply(const std::string& id) {
  FinishedChoice choice;
  choice.reason = ChoiceReason::kToolCalls;
  choice.message.reasoning = "hm";
  choice.message.content = "Let me see.";
  choice.message.calls = {{"get_weather", R"({"city": "Rome", "days": 3})"}};
  choice.call_ids = {id};
  return choice;
}

ChatMessage sent_back(const std::string& id) {
  ChatMessage message = assistant_message("hm", "Let me see.");
  message.tool_calls = {{id, "get_weather", R"({"city": "Rome", "days": 3})"}};
  return message;
}

// The tokens that stand in for `message` in a later request; empty for none.
std::vector<int32_t> restored(ReplyMemory& memory, ChatMessage message, std::string_view tenant = "ada",
                              ThinkingMode mode = ThinkingMode::kThinking) {
  Conversation conversation;
  conversation.thinking_mode = mode;
  conversation.messages.push_back(user_message("Weather?"));
  conversation.messages.push_back(std::move(message));
  memory.restore(tenant, conversation);
  return conversation.messages.back().sampled_ids;
}

class Remembered : public testing::Test {
 protected:
  Remembered() { memory.remember("ada", ThinkingMode::kThinking, weather_reply("call_1"), {7, 8, 9}); }

  ReplyMemory memory{1 << 20};
  const std::vector<int32_t> made{7, 8, 9};
  const std::vector<int32_t> none;
};

// chat.md 9: what clients lose on the way does not matter.
TEST_F(Remembered, LostReasoningAndRewrittenJsonStillMatch) {
  EXPECT_EQ(restored(memory, sent_back("call_1")), made);
  ChatMessage without_reasoning = sent_back("call_1");
  without_reasoning.reasoning.clear();
  EXPECT_EQ(restored(memory, without_reasoning), made);
  ChatMessage rewritten = sent_back("call_1");
  rewritten.tool_calls[0].arguments = R"({"days":3.0,"city":"\u0052ome"})";
  EXPECT_EQ(restored(memory, rewritten), none) << "3 and 3.0 are different numbers of the prompt";
  rewritten.tool_calls[0].arguments = R"({"days":3,"city":"\u0052ome"})";
  EXPECT_EQ(restored(memory, rewritten), made);
}

TEST_F(Remembered, AMessageThatSaysSomethingElseIsRendered) {
  const auto changed = [&](auto change) {
    ChatMessage message = sent_back("call_1");
    change(message);
    return restored(memory, std::move(message));
  };
  EXPECT_EQ(changed([](ChatMessage& m) { m.content = "Let me look."; }), none);
  EXPECT_EQ(changed([](ChatMessage& m) { m.reasoning = "hmm"; }), none);
  EXPECT_EQ(changed([](ChatMessage& m) { m.tool_calls[0].name = "get_wind"; }), none);
  EXPECT_EQ(changed([](ChatMessage& m) { m.tool_calls[0].id = "call_2"; }), none);
  EXPECT_EQ(changed([](ChatMessage& m) { m.tool_calls[0].arguments = R"({"city": "Paris", "days": 3})"; }),
            none);
  EXPECT_EQ(changed([](ChatMessage& m) { m.tool_calls.push_back(m.tool_calls[0]); }), none);
}

TEST_F(Remembered, KeysAndModesShareNothing) {
  EXPECT_EQ(restored(memory, sent_back("call_1"), "bob"), none);
  EXPECT_EQ(restored(memory, sent_back("call_1"), "ada", ThinkingMode::kChat), none);
}

TEST(ReplyMemory, TheBudgetHoldsAndTheLeastRecentlyUsedGoesFirst) {
  constexpr int64_t kBudget = 4000;
  ReplyMemory memory(kBudget);
  memory.remember("ada", ThinkingMode::kThinking, weather_reply("call_first"), {1});
  for (int i = 0; i < 100; ++i) {
    memory.remember("ada", ThinkingMode::kThinking, weather_reply("call_" + std::to_string(i)), {i});
    EXPECT_LE(memory.bytes(), kBudget);
    EXPECT_FALSE(restored(memory, sent_back("call_first")).empty()) << "used again after every other entry";
  }
  EXPECT_TRUE(restored(memory, sent_back("call_0")).empty());
  EXPECT_FALSE(restored(memory, sent_back("call_99")).empty());
  memory.remember("ada", ThinkingMode::kThinking, weather_reply("call_huge"), std::vector<int32_t>(kBudget));
  EXPECT_TRUE(restored(memory, sent_back("call_huge")).empty());
}

ReplyMemory::Clock::time_point test_time{};
ReplyMemory::Clock::time_point now_in_test() { return test_time; }

TEST(ReplyMemory, NothingIsOlderThanADay) {
  test_time = ReplyMemory::Clock::time_point(std::chrono::hours(1000));
  ReplyMemory memory(1 << 20, now_in_test);
  memory.remember("ada", ThinkingMode::kThinking, weather_reply("call_1"), {1});
  test_time += std::chrono::hours(24);
  EXPECT_FALSE(restored(memory, sent_back("call_1")).empty());
  test_time += std::chrono::minutes(2);
  EXPECT_TRUE(restored(memory, sent_back("call_1")).empty());
  EXPECT_EQ(memory.bytes(), 0);
}

}  // namespace
}  // namespace fathom
