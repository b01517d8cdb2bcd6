// SPDX-License-Identifier: MIT
#include "server/reply_run.h"

#include <utility>

#include "server/random_id.h"

namespace fathom {

std::string_view choice_reason_name(ChoiceReason reason) noexcept {
  switch (reason) {
    case ChoiceReason::kStop: return "stop";
    case ChoiceReason::kLength: return "length";
    case ChoiceReason::kToolCalls: return "tool_calls";
    case ChoiceReason::kAborted: return "aborted";
  }
  return {};
}

ApiError engine_error(const Status& status) {
  switch (status.code()) {
    case StatusCode::kUnavailable:
      return {ErrorCode::kQueueTimeout, "the request waited too long, or the server is stopping", "", 5};
    case StatusCode::kDeadlineExceeded:
      return {ErrorCode::kModelUnavailable, "the request ran longer than the server allows", "", 0};
    case StatusCode::kCancelled: return {ErrorCode::kDraining, "the request was cancelled", "", 5};
    default: return api_error_of(status);
  }
}

ReplyRun::ReplyRun(const Tokenizer& tokenizer, const MarkerIds& markers, ReplyRunOptions options,
                   std::unique_ptr<ReplyWriter> writer)
    : tokenizer_(tokenizer), markers_(markers), options_(std::move(options)), writer_(std::move(writer)) {
  for (int i = 0; i < options_.choices; ++i) {
    choices_.push_back(std::make_unique<Choice>(tokenizer_, markers_, options_));
  }
}

void ReplyRun::started(const RequestStart& start) { writer_->started(start); }

TokenVerdict ReplyRun::token(int index, const GeneratedToken& token) {
  Choice& choice = *choices_[static_cast<size_t>(index)];
  if (options_.logprobs) track(choice, token);
  if (options_.remember) choice.ids.push_back(token.id);
  choice.reader.push(token.id);
  pass_on(index);
  return choice.reader.ended() || choice.stop.found() || choice.closed ? TokenVerdict::kStop
                                                                       : TokenVerdict::kContinue;
}

// Special tokens are text where the reader shows them: all but those that it acts on. The DSML token may
// still turn out to be text.
void ReplyRun::track(Choice& choice, const GeneratedToken& token) {
  const std::string_view bytes = tokenizer_.bytes(token.id);
  if (!tokenizer_.is_added(token.id)) return choice.trail.push_text(token, bytes);
  const std::optional<Marker> marker = markers_.marker(token.id);
  const bool acts = marker == Marker::kBos || marker == Marker::kEos || marker == Marker::kUser ||
                    marker == Marker::kAssistant || marker == Marker::kThinkOpen ||
                    marker == Marker::kThinkClose;
  if (acts) return choice.trail.end_character();
  choice.trail.push_spelling(token, bytes);
}

void ReplyRun::pass_on(int index) {
  for (const ReplyEvent& event : choices_[static_cast<size_t>(index)]->reader.take_events()) {
    pass_event(index, event);
  }
}

void ReplyRun::pass_event(int index, const ReplyEvent& event) {
  Choice& choice = *choices_[static_cast<size_t>(index)];
  if (choice.closed || choice.stop.found()) return;
  switch (event.kind) {
    case ReplyEvent::Kind::kReasoning: return send_text(index, PartKind::kReasoning, event.text);
    case ReplyEvent::Kind::kContent:
      return send_text(index, PartKind::kContent, choice.stop.push(event.text));
    case ReplyEvent::Kind::kCall: return begin_call(index, event.text);
    case ReplyEvent::Kind::kArguments:
      choice.result.message.calls.back().arguments += event.text;
      return writer_->arguments(index, {static_cast<int>(choice.result.call_ids.size()) - 1, event.text});
    case ReplyEvent::Kind::kFinished: choice.parsed_reason = event.finish_reason; return;
  }
}

void ReplyRun::send_text(int index, PartKind kind, std::string_view text) {
  if (text.empty()) return;
  Choice& choice = *choices_[static_cast<size_t>(index)];
  TextPart part{kind, text, {}};
  const bool reasoning = kind == PartKind::kReasoning;
  (reasoning ? choice.result.message.reasoning : choice.result.message.content) += text;
  if (options_.logprobs) {
    part.logprobs = choice.trail.take(text.size());
    auto& all = reasoning ? choice.result.reasoning_logprobs : choice.result.content_logprobs;
    all.insert(all.end(), part.logprobs.begin(), part.logprobs.end());
  }
  writer_->text(index, part);
}

void ReplyRun::begin_call(int index, std::string_view name) {
  Choice& choice = *choices_[static_cast<size_t>(index)];
  if (options_.call_count == CallCount::kOne && !choice.result.call_ids.empty()) {
    choice.closed = true;
    return;
  }
  send_text(index, PartKind::kContent, choice.stop.flush());
  choice.trail.clear();
  choice.result.call_ids.push_back(random_id("call_"));
  choice.result.message.calls.push_back({std::string(name), {}});
  writer_->call(index,
                {static_cast<int>(choice.result.call_ids.size()) - 1, choice.result.call_ids.back(), name});
}

void ReplyRun::choice_finished(int index, ChoiceEnd end) {
  Choice& choice = *choices_[static_cast<size_t>(index)];
  if (options_.logprobs) choice.trail.end_character();
  if (!choice.reader.ended()) {
    if (end == ChoiceEnd::kStopped) {
      choice.reader.finish_stopped();
    } else {
      choice.reader.finish_cut();
    }
  }
  pass_on(index);
  if (!choice.closed && !choice.stop.found()) send_text(index, PartKind::kContent, choice.stop.flush());
  FinishedChoice& result = choice.result;
  if (end == ChoiceEnd::kAborted) {
    result.reason = ChoiceReason::kAborted;
  } else if (choice.stop.found()) {
    result.reason = ChoiceReason::kStop;
    result.stop_string = choice.stop.matched();
  } else if (choice.closed || choice.parsed_reason == FinishReason::kToolCalls) {
    result.reason = ChoiceReason::kToolCalls;
  } else {
    result.reason =
        choice.parsed_reason == FinishReason::kLength ? ChoiceReason::kLength : ChoiceReason::kStop;
  }
  result.message.finish_reason = choice.parsed_reason;
  if (options_.remember && result.reason == ChoiceReason::kToolCalls && !choice.closed) {
    // The reply ends with its block, the message in a prompt with EOS.
    const auto eos = markers_.id(Marker::kEos);
    if (eos && choice.ids.back() != *eos) choice.ids.push_back(*eos);
    options_.remember(result, std::move(choice.ids));
  }
  writer_->choice_finished(index, result);
}

void ReplyRun::finished(const Usage& usage) {
  writer_->finished(usage);
  if (options_.on_end) options_.on_end(choices_.front()->result.reason, {});
}

void ReplyRun::failed(const Status& status) {
  writer_->failed(engine_error(status));
  if (options_.on_end) options_.on_end(std::nullopt, status);
}

}  // namespace fathom
