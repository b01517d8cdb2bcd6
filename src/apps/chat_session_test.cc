// SPDX-License-Identifier: MIT
// Conversations with the built-in model: what is kept between turns, and what a failed or stopped turn
// leaves.
#include "apps/chat_session.h"

#include <gtest/gtest.h>

#include "base/concat.h"
#include "engine/builtin_model.h"

namespace fathom {
namespace {

const ChatModel& builtin_chat() {
  static const auto model = ChatModel::open(system_io(), std::string(kBuiltinModelName)).value();
  return *model;
}

ChatSettings greedy() {
  ChatSettings settings;
  settings.sampling.temperature = 0.0;
  return settings;
}

std::unique_ptr<ChatSession> session_of(const ChatSettings& settings) {
  return ChatSession::create(builtin_chat(), settings, 1).value();
}

struct Answer {
  Result<TurnResult> turn;
  ReplyMessage message;
};

// The sink ends the reply after `events` events.
Answer ask(ChatSession& session, std::string_view text, int events = 1 << 30) {
  Answer answer{TurnResult{}, {}};
  answer.turn = session.ask(text,
                            [&](const ReplyEvent& event) {
                              answer.message.add(event);
                              return --events > 0;
                            },
                            {});
  return answer;
}

// A message of which the prompt, with all around it, has exactly `tokens` tokens.
std::string message_of(int64_t tokens) {
  const auto prompt_tokens = [](const std::string& text) {
    Conversation conversation;
    set_think_level(conversation, ThinkLevel::kNone);
    conversation.messages = {user_message(text)};
    const auto prompt = encode_conversation(conversation, Dialect::kPreview).value();
    return static_cast<int64_t>(prompt.ids(builtin_chat().tokenizer, builtin_chat().markers).value().size());
  };
  std::string text;
  while (prompt_tokens(text) < tokens) {
    const int64_t missing = tokens - prompt_tokens(text);
    for (int64_t i = 0; i < (missing + 3) / 4; ++i) text += "7 ";
  }
  while (prompt_tokens(text) > tokens) text.pop_back();
  EXPECT_EQ(prompt_tokens(text), tokens);
  return text;
}

TEST(ChatSession, ATurnCostsOnlyWhatItAdds) {
  const auto session = session_of(greedy());
  EXPECT_EQ(ask(*session, "My name is Anna.").message.content, "Hello Anna! Nice to meet you.");
  const int64_t held = session->context_used();
  EXPECT_GT(held, 10);
  const Answer second = ask(*session, "What is my name?");
  ASSERT_TRUE(second.turn.ok()) << second.turn.status().message();
  EXPECT_EQ(second.message.content, "Your name is Anna.");
  EXPECT_EQ(second.turn->generation.cached_tokens, held);
  EXPECT_EQ(second.turn->end, TurnResult::End::kComplete);
}

TEST(ChatSession, ThinkingIsApartAndItsLevelMayChange) {
  const auto session = session_of(greedy());
  for (const ThinkLevel level : {ThinkLevel::kHigh, ThinkLevel::kNone, ThinkLevel::kMax}) {
    session->set_think(level);
    EXPECT_EQ(session->think(), level);
    const Answer answer = ask(*session, "What is 47 + 28?");
    EXPECT_EQ(answer.message.content, "47 + 28 = 75");
    EXPECT_EQ(answer.message.reasoning.empty(), level == ThinkLevel::kNone);
  }
}

TEST(ChatSession, AStoppedReplyIsKeptAsFarAsItCame) {
  const auto session = session_of(greedy());
  const Answer stopped = ask(*session, "Tell me about frogs.", 3);
  ASSERT_TRUE(stopped.turn.ok());
  EXPECT_EQ(stopped.turn->end, TurnResult::End::kInterrupted);
  ASSERT_EQ(session->conversation().messages.size(), 2);
  EXPECT_EQ(session->conversation().messages[1].content, stopped.message.content);
  EXPECT_EQ(ask(*session, "What is 47 + 28?").message.content, "47 + 28 = 75");
}

TEST(ChatSession, ATurnStoppedBeforeItsFirstTokenLeavesNoTrace) {
  const auto session = session_of(greedy());
  std::stop_source stop;
  stop.request_stop();
  const auto turn = session->ask("Hello!", [](const ReplyEvent&) { return true; }, stop.get_token());
  ASSERT_TRUE(turn.ok());
  EXPECT_EQ(turn->end, TurnResult::End::kInterrupted);
  EXPECT_TRUE(session->conversation().messages.empty());
  EXPECT_EQ(ask(*session, "Hello!").message.content, "Hello! How can I help you today?");
}

TEST(ChatSession, TheContextIsFilledToItsLastTokenAndNotBeyond) {
  const int64_t context = session_of(greedy())->context_size();
  {
    const auto session = session_of(greedy());
    const Answer last = ask(*session, message_of(context - 1));
    ASSERT_TRUE(last.turn.ok()) << last.turn.status().message();
    EXPECT_EQ(last.turn->end, TurnResult::End::kContextFull);
    EXPECT_EQ(last.turn->generation.output_tokens, 1);
    const Answer beyond = ask(*session, "Hello!");
    EXPECT_EQ(beyond.turn.status().code(), StatusCode::kOutOfRange);
    session->reset();
    EXPECT_EQ(ask(*session, "Hello!").message.content, "Hello! How can I help you today?");
  }
  for (const int64_t tokens : {context, context + 1, 2 * context}) {
    const auto session = session_of(greedy());
    const Answer beyond = ask(*session, message_of(tokens));
    EXPECT_EQ(beyond.turn.status().code(), StatusCode::kOutOfRange) << tokens;
    EXPECT_TRUE(session->conversation().messages.empty()) << tokens;
  }
}

TEST(ChatSession, ALimitOfTheReplyIsKept) {
  ChatSettings settings = greedy();
  settings.max_tokens = 3;
  const auto session = session_of(settings);
  const Answer answer = ask(*session, "Hello!");
  EXPECT_EQ(answer.turn->end, TurnResult::End::kMaxTokens);
  EXPECT_EQ(answer.turn->generation.output_tokens, 3);
  settings.max_tokens = -1;
  EXPECT_EQ(ChatSession::create(builtin_chat(), settings, 1).status().code(), StatusCode::kInvalidArgument);
}

TEST(ChatSession, ResetKeepsSystemTextAndThinking) {
  ChatSettings settings = greedy();
  settings.system = "Be brief.\xff";
  settings.think = ThinkLevel::kHigh;
  const auto session = session_of(settings);
  ask(*session, "Hello!");
  session->reset();
  EXPECT_EQ(session->conversation().messages.size(), 1);
  EXPECT_EQ(session->system(), "Be brief.\uFFFD");
  EXPECT_EQ(session->think(), ThinkLevel::kHigh);
  EXPECT_EQ(session->context_used(), 0);
  session->set_system("");
  EXPECT_TRUE(session->conversation().messages.empty());
  EXPECT_EQ(session->system(), "");
}

TEST(ChatSession, AGivenSeedRepeatsTheReplyOtherwiseTurnsDiffer) {
  ChatSettings settings;
  settings.sampling.temperature = 3.0;
  settings.max_tokens = 30;
  for (const auto seed : {ChatSettings::Seed::kSame, ChatSettings::Seed::kFreshEachTurn}) {
    settings.seed = seed;
    const auto session = session_of(settings);
    const std::string first = ask(*session, "Tell me a story.").message.content;
    session->reset();
    const std::string second = ask(*session, "Tell me a story.").message.content;
    EXPECT_EQ(first == second, seed == ChatSettings::Seed::kSame);
  }
}

}  // namespace
}  // namespace fathom
