// SPDX-License-Identifier: MIT
#include "apps/chat_session.h"

#include <utility>

#include "base/concat.h"
#include "text/reply_token_reader.h"
#include "text/utf8.h"

namespace fathom {

Result<std::unique_ptr<ChatModel>> ChatModel::open(IoEnv& env, const std::string& name) {
  FATHOM_ASSIGN_OR_RETURN(Tokenizer tokenizer, open_tokenizer(env, name));
  MarkerIds markers(tokenizer);
  FATHOM_RETURN_IF_ERROR(markers.chat_available());
  FATHOM_ASSIGN_OR_RETURN(const Dialect dialect, open_dialect(env, name));
  FATHOM_ASSIGN_OR_RETURN(auto loaded, LoadedModel::open(env, name));
  return std::unique_ptr<ChatModel>(
      new ChatModel{name, std::move(loaded), std::move(tokenizer), std::move(markers), dialect});
}

ChatSession::ChatSession(const ChatModel& model, const ChatSettings& settings,
                         std::unique_ptr<Generator> generator)
    : model_(model), settings_(settings), generator_(std::move(generator)) {
  set_think(settings_.think);
  set_system(settings_.system);
}

Result<std::unique_ptr<ChatSession>> ChatSession::create(const ChatModel& model, const ChatSettings& settings,
                                                         int threads) {
  if (settings.max_tokens < 0) {
    return Status(StatusCode::kInvalidArgument,
                  concat("max tokens: expected 0 or more, found ", settings.max_tokens));
  }
  FATHOM_ASSIGN_OR_RETURN(auto generator, Generator::create(model.loaded->model(), {.threads = threads}));
  return std::unique_ptr<ChatSession>(new ChatSession(model, settings, std::move(generator)));
}

bool ChatSession::has_system() const noexcept {
  return !conversation_.messages.empty() && conversation_.messages.front().role == Role::kSystem;
}

std::string_view ChatSession::system() const noexcept {
  return has_system() ? std::string_view(conversation_.messages.front().content) : std::string_view();
}

void ChatSession::set_system(std::string_view text) {
  auto& messages = conversation_.messages;
  if (has_system()) messages.erase(messages.begin());
  if (!text.empty()) messages.insert(messages.begin(), system_message(to_well_formed(text)));
}

void ChatSession::reset() {
  conversation_.messages.resize(has_system() ? 1 : 0);
  generator_->reset();
}

ThinkLevel ChatSession::think() const noexcept {
  if (conversation_.thinking_mode == ThinkingMode::kChat) return ThinkLevel::kNone;
  return conversation_.effort == Effort::kMax ? ThinkLevel::kMax : ThinkLevel::kHigh;
}

Result<Request> ChatSession::request() const {
  FATHOM_ASSIGN_OR_RETURN(const Prompt prompt, encode_conversation(conversation_, model_.dialect));
  Request request;
  FATHOM_ASSIGN_OR_RETURN(request.prompt, prompt.ids(model_.tokenizer, model_.markers));
  if (static_cast<int64_t>(request.prompt.size()) >= context_size()) {
    return Status(StatusCode::kOutOfRange,
                  concat("context: expected a conversation of fewer than ", context_size(), " tokens, found ",
                         request.prompt.size(), ": start anew with /reset, or say less"));
  }
  request.max_tokens = settings_.max_tokens > 0 ? settings_.max_tokens : context_size();
  request.sampling = settings_.sampling;
  request.stop_tokens = {*model_.markers.id(Marker::kEos)};
  return request;
}

TurnResult::End ChatSession::end_of(const GenerationResult& result) const noexcept {
  switch (result.end) {
    case GenerationEnd::kStopped: return TurnResult::End::kComplete;
    case GenerationEnd::kCancelled: return TurnResult::End::kInterrupted;
    case GenerationEnd::kLength: break;
  }
  const bool own_limit = result.output_tokens == settings_.max_tokens;
  return own_limit ? TurnResult::End::kMaxTokens : TurnResult::End::kContextFull;
}

Result<TurnResult> ChatSession::reply(const ReplyEventSink& sink, std::stop_token cancel,
                                      ReplyMessage& message) {
  FATHOM_ASSIGN_OR_RETURN(const Request wanted, request());
  const bool thinks = conversation_.thinking_mode == ThinkingMode::kThinking;
  ReplyTokenReader reader(
      model_.tokenizer, model_.markers,
      {.start = thinks ? ReplyOptions::Start::kReasoning : ReplyOptions::Start::kContent});
  bool wanted_on = true;  // by the sink
  const auto pass_on = [&] {
    for (const ReplyEvent& event : reader.take_events()) {
      message.add(event);
      if (wanted_on) wanted_on = sink(event);
    }
  };
  const auto take = [&](const GeneratedToken& token) {
    reader.push(token.id);
    pass_on();
    return wanted_on && !reader.ended();
  };
  FATHOM_ASSIGN_OR_RETURN(const GenerationResult result,
                          generator_->generate(wanted, take, std::move(cancel)));
  if (!reader.ended()) {
    reader.finish_cut();
    pass_on();
  }
  return TurnResult{wanted_on ? end_of(result) : TurnResult::End::kInterrupted, result};
}

Result<TurnResult> ChatSession::ask(std::string_view text, const ReplyEventSink& sink,
                                    std::stop_token cancel) {
  conversation_.messages.push_back(user_message(to_well_formed(text)));
  ReplyMessage message;
  Result<TurnResult> turn = reply(sink, std::move(cancel), message);
  if (settings_.seed == ChatSettings::Seed::kFreshEachTurn) ++settings_.sampling.seed;
  const bool nothing_came = message.content.empty() && message.reasoning.empty();
  if (!turn.ok() || (turn->end == TurnResult::End::kInterrupted && nothing_came)) {
    conversation_.messages.pop_back();
    return turn;
  }
  conversation_.messages.push_back(
      assistant_message(std::move(message.reasoning), std::move(message.content)));
  return turn;
}

}  // namespace fathom
