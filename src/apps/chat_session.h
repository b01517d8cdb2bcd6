// SPDX-License-Identifier: MIT
// ChatSession: one conversation with one model: history, prompt, reply (chat.md 2 to 6).
//
// Invariant: the history always ends with a reply, a system text, or nothing: a turn that fails leaves no
// trace. The model's state is kept between turns, so a turn costs only what it adds. One thread uses it.
#pragma once

#include <functional>
#include <memory>
#include <stop_token>
#include <string>
#include <string_view>

#include "engine/generator.h"
#include "engine/loaded_model.h"
#include "text/chat_codec.h"
#include "text/chat_markers.h"
#include "text/chat_message.h"
#include "text/reply_event.h"

namespace fathom {

// A model with all that a conversation needs of it. Immutable.
struct ChatModel {
  // kUnsupported when the tokenizer lacks a marker of the chat format.
  static Result<std::unique_ptr<ChatModel>> open(IoEnv& env, const std::string& name);

  std::string name;
  std::unique_ptr<LoadedModel> loaded;
  Tokenizer tokenizer;
  MarkerIds markers;
  Dialect dialect;
};

struct ChatSettings {
  ThinkLevel think = ThinkLevel::kNone;
  std::string system;  // empty: none
  SamplingParams sampling;
  enum class Seed : uint8_t { kSame, kFreshEachTurn } seed = Seed::kFreshEachTurn;
  int64_t max_tokens = 0;  // of one reply; 0: the room left in the context
};

struct TurnResult {
  enum class End : uint8_t { kComplete, kInterrupted, kMaxTokens, kContextFull };
  End end = End::kComplete;
  GenerationResult generation;
};

// Receives the reply as it comes; false ends it as an interruption does.
using ReplyEventSink = std::function<bool(const ReplyEvent&)>;

class ChatSession {
 public:
  // `model` must outlive it.
  static Result<std::unique_ptr<ChatSession>> create(const ChatModel& model, const ChatSettings& settings,
                                                     int threads);

  // Says `text` (any bytes; ill-formed UTF-8 is replaced) and gets the reply. An interrupted reply stays in
  // the history as far as it came. kOutOfRange when the conversation does not fit the context.
  Result<TurnResult> ask(std::string_view text, const ReplyEventSink& sink, std::stop_token cancel);

  const Conversation& conversation() const noexcept { return conversation_; }
  Dialect dialect() const noexcept { return model_.dialect; }
  void replace(Conversation conversation) { conversation_ = std::move(conversation); }
  // Forgets the messages, not the system text and the level of thinking.
  void reset();

  ThinkLevel think() const noexcept;
  void set_think(ThinkLevel level) noexcept { set_think_level(conversation_, level); }
  std::string_view system() const noexcept;
  void set_system(std::string_view text);

  int64_t context_used() const noexcept { return generator_->position(); }
  int64_t context_size() const noexcept { return generator_->context_size(); }

 private:
  ChatSession(const ChatModel& model, const ChatSettings& settings, std::unique_ptr<Generator> generator);

  bool has_system() const noexcept;
  Result<Request> request() const;
  Result<TurnResult> reply(const ReplyEventSink& sink, std::stop_token cancel, ReplyMessage& message);
  TurnResult::End end_of(const GenerationResult& result) const noexcept;

  const ChatModel& model_;
  ChatSettings settings_;
  std::unique_ptr<Generator> generator_;
  Conversation conversation_;
};

}  // namespace fathom
