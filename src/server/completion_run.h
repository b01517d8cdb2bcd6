// SPDX-License-Identifier: MIT
// CompletionRun: from the engine's tokens to the text of a plain completion (api.md 5): everything the model
// wrote, its markers as text, up to EOS. One prompt, one or more choices.
//
// Owned by the engine while the request runs. All calls come from the engine thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "engine/event_sink.h"
#include "engine/stop_text.h"
#include "server/reply_writer.h"
#include "server/token_trail.h"
#include "text/stream_decoder.h"
#include "text/tokenizer.h"

namespace fathom {

struct CompletionRunOptions {
  int first_choice = 0;  // of all prompts of the request
  int choices = 1;
  std::vector<std::string> stop;
  int32_t eos = 0;
  bool logprobs = false;
  // Written before the answer of every choice: the prompt, and with logprobs its tokens.
  bool echo = false;
  std::string echo_text;
  std::vector<int32_t> prompt;
  // Called once, at the end; an error when the request failed.
  std::function<void(std::optional<ChoiceReason>, const Status&)> on_end;
};

class CompletionRun : public EventSink {
 public:
  // `tokenizer` must outlive the run. Several runs may share a writer.
  CompletionRun(const Tokenizer& tokenizer, CompletionRunOptions options,
                std::shared_ptr<ReplyWriter> writer);

  void started(const RequestStart& start) override;
  void prompt_token(const GeneratedToken& token) override;
  TokenVerdict token(int choice, const GeneratedToken& token) override;
  void choice_finished(int choice, ChoiceEnd end) override;
  void finished(const Usage& usage) override;
  void failed(const Status& status) override;

 private:
  struct Choice {
    explicit Choice(const std::vector<std::string>& stops) : stop(stops) {}

    StreamDecoder decoder;
    StopText stop;
    TokenTrail trail;
    FinishedChoice result;
    bool echoed = false;
  };

  void echo(int index);
  void send(int index, std::string_view text);

  const Tokenizer& tokenizer_;
  const CompletionRunOptions options_;
  const std::shared_ptr<ReplyWriter> writer_;
  std::vector<TokenEntry> prompt_entries_;
  std::vector<std::unique_ptr<Choice>> choices_;
};

}  // namespace fathom
