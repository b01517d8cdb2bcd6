// SPDX-License-Identifier: MIT
// ReplyRun: from the engine's tokens to the parts of a chat reply (chat.md 6; api.md 4.4, 4.5): one request,
// one or more choices.
//
// Owned by the engine while the request runs. All calls come from the engine thread.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "engine/event_sink.h"
#include "engine/stop_text.h"
#include "server/reply_writer.h"
#include "server/token_trail.h"
#include "text/reply_token_reader.h"

namespace fathom {

enum class CallCount : uint8_t { kMany, kOne };

struct ReplyRunOptions {
  int choices = 1;
  ReplyOptions reader;
  CallCount call_count = CallCount::kMany;  // kOne: the reply ends with its first call
  std::vector<std::string> stop;
  bool logprobs = false;
  // Called with each choice that has calls, and all its token ids, before it is reported (chat.md 9).
  std::function<void(const FinishedChoice&, std::vector<int32_t>)> remember;
  // Called once, at the end; an error when the request failed.
  std::function<void(std::optional<ChoiceReason>, const Status&)> on_end;
};

class ReplyRun : public EventSink {
 public:
  // `tokenizer` and `markers` must outlive the run.
  ReplyRun(const Tokenizer& tokenizer, const MarkerIds& markers, ReplyRunOptions options,
           std::unique_ptr<ReplyWriter> writer);

  void started(const RequestStart& start) override;
  TokenVerdict token(int choice, const GeneratedToken& token) override;
  void choice_finished(int choice, ChoiceEnd end) override;
  void finished(const Usage& usage) override;
  void failed(const Status& status) override;

 private:
  struct Choice {
    Choice(const Tokenizer& tokenizer, const MarkerIds& markers, const ReplyRunOptions& options)
        : reader(tokenizer, markers, options.reader), stop(options.stop) {}

    ReplyTokenReader reader;
    StopText stop;
    TokenTrail trail;
    std::vector<int32_t> ids;
    FinishedChoice result;
    FinishReason parsed_reason = FinishReason::kStop;
    bool closed = false;  // after the only call that was wanted
  };

  void track(Choice& choice, const GeneratedToken& token);
  void pass_on(int index);
  void pass_event(int index, const ReplyEvent& event);
  void send_text(int index, PartKind kind, std::string_view text);
  void begin_call(int index, std::string_view name);

  const Tokenizer& tokenizer_;
  const MarkerIds& markers_;
  const ReplyRunOptions options_;
  const std::unique_ptr<ReplyWriter> writer_;
  std::vector<std::unique_ptr<Choice>> choices_;
};

// The error of a request that the engine gave up.
ApiError engine_error(const Status& status);

}  // namespace fathom
