// SPDX-License-Identifier: MIT
#include "server/completion_run.h"

#include <limits>
#include <utility>

#include "server/reply_run.h"

namespace fathom {
namespace {

int64_t count_characters(std::string_view text) noexcept {
  int64_t count = 0;
  for (const char c : text) count += (static_cast<uint8_t>(c) & 0xC0) != 0x80 ? 1 : 0;
  return count;
}

}  // namespace

CompletionRun::CompletionRun(const Tokenizer& tokenizer, CompletionRunOptions options,
                             std::shared_ptr<ReplyWriter> writer)
    : tokenizer_(tokenizer), options_(std::move(options)), writer_(std::move(writer)) {
  for (int i = 0; i < options_.choices; ++i) choices_.push_back(std::make_unique<Choice>(options_.stop));
}

void CompletionRun::started(const RequestStart& start) {
  if (options_.echo && options_.logprobs && !options_.prompt.empty()) {
    // The first token of a prompt has nothing before it to be predicted from.
    prompt_entries_.push_back({options_.prompt.front(), std::numeric_limits<float>::quiet_NaN(), {}, 0});
  }
  writer_->started(start);
}

void CompletionRun::prompt_token(const GeneratedToken& token) {
  prompt_entries_.push_back({token.id, token.logprob, {token.top.begin(), token.top.end()}, 0});
}

// The prompt with its tokens, once, before the first text of a choice.
void CompletionRun::echo(int index) {
  Choice& choice = *choices_[static_cast<size_t>(index)];
  if (choice.echoed || !options_.echo) return;
  choice.echoed = true;
  std::vector<TokenEntry> entries = prompt_entries_;
  const int64_t characters = count_characters(options_.echo_text);
  // Offsets into the echoed text, from behind, because BOS is a token of the prompt but not of its text.
  int64_t offset = characters;
  for (auto entry = entries.rbegin(); entry != entries.rend(); ++entry) {
    offset = std::max<int64_t>(0, offset - count_characters(tokenizer_.bytes(entry->id)));
    entry->text_offset = offset;
  }
  choice.result.message.content += options_.echo_text;
  choice.result.content_logprobs = entries;
  if (!options_.echo_text.empty()) {
    writer_->text(options_.first_choice + index,
                  {PartKind::kContent, options_.echo_text, std::move(entries)});
  }
}

TokenVerdict CompletionRun::token(int index, const GeneratedToken& token) {
  Choice& choice = *choices_[static_cast<size_t>(index)];
  echo(index);
  if (token.id == options_.eos) return TokenVerdict::kStop;
  const std::string_view bytes = tokenizer_.bytes(token.id);
  if (options_.logprobs) choice.trail.push_text(token, bytes);
  send(index, choice.stop.push(choice.decoder.push(bytes)));
  return choice.stop.found() ? TokenVerdict::kStop : TokenVerdict::kContinue;
}

void CompletionRun::send(int index, std::string_view text) {
  if (text.empty()) return;
  Choice& choice = *choices_[static_cast<size_t>(index)];
  TextPart part{PartKind::kContent, text, {}};
  if (options_.logprobs) {
    part.logprobs = choice.trail.take(text.size());
    const int64_t before = options_.echo ? count_characters(options_.echo_text) : 0;
    for (TokenEntry& entry : part.logprobs) entry.text_offset += before;
    auto& all = choice.result.content_logprobs;
    all.insert(all.end(), part.logprobs.begin(), part.logprobs.end());
  }
  choice.result.message.content += text;
  writer_->text(options_.first_choice + index, part);
}

void CompletionRun::choice_finished(int index, ChoiceEnd end) {
  Choice& choice = *choices_[static_cast<size_t>(index)];
  echo(index);
  if (options_.logprobs) choice.trail.end_character();
  std::string rest = choice.stop.push(choice.decoder.flush());
  if (!choice.stop.found()) rest += choice.stop.flush();
  send(index, rest);
  switch (end) {
    case ChoiceEnd::kStopped: choice.result.reason = ChoiceReason::kStop; break;
    case ChoiceEnd::kLength: choice.result.reason = ChoiceReason::kLength; break;
    case ChoiceEnd::kAborted: choice.result.reason = ChoiceReason::kAborted; break;
  }
  if (choice.stop.found()) choice.result.reason = ChoiceReason::kStop;
  writer_->choice_finished(options_.first_choice + index, choice.result);
}

void CompletionRun::finished(const Usage& usage) {
  writer_->finished(usage);
  if (options_.on_end) options_.on_end(choices_.front()->result.reason, {});
}

void CompletionRun::failed(const Status& status) {
  writer_->failed(engine_error(status));
  if (options_.on_end) options_.on_end(std::nullopt, status);
}

}  // namespace fathom
