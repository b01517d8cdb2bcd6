// SPDX-License-Identifier: MIT
#include "server/completion_writer.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "server/reply_json.h"

namespace fathom {
namespace {

// Usage of all runs. Every prompt counts; times are those of the longest.
void add_usage(Usage& sum, const Usage& usage) {
  sum.prompt_tokens += usage.prompt_tokens;
  sum.cached_tokens += usage.cached_tokens;
  sum.completion_tokens += usage.completion_tokens;
  sum.reasoning_tokens += usage.reasoning_tokens;
  sum.drafted_tokens += usage.drafted_tokens;
  sum.accepted_tokens += usage.accepted_tokens;
  sum.queue_seconds = std::max(sum.queue_seconds, usage.queue_seconds);
  sum.prefill_seconds = std::max(sum.prefill_seconds, usage.prefill_seconds);
  sum.decode_seconds = std::max(sum.decode_seconds, usage.decode_seconds);
}

JsonValue logprob_value(float logprob) {
  return std::isnan(logprob) ? JsonValue() : JsonValue::number(logprob);
}

// The old form: parallel lists.
JsonValue old_logprobs(std::span<const TokenEntry> entries, const Tokenizer& tokenizer) {
  std::vector<JsonValue> tokens;
  std::vector<JsonValue> logprobs;
  std::vector<JsonValue> tops;
  std::vector<JsonValue> offsets;
  const auto spelt = [&](int32_t id) {
    const int32_t ids[] = {id};
    return tokenizer.decode(ids);
  };
  for (const TokenEntry& entry : entries) {
    tokens.push_back(JsonValue::string(spelt(entry.id)));
    logprobs.push_back(logprob_value(entry.logprob));
    offsets.push_back(JsonValue::integer(entry.text_offset));
    JsonValue top = JsonValue::object();
    for (const TokenLogprob& other : entry.top) top.set(spelt(other.id), JsonValue::number(other.logprob));
    tops.push_back(std::isnan(entry.logprob) ? JsonValue() : std::move(top));
  }
  JsonValue value = JsonValue::object();
  value.set("tokens", JsonValue::array(std::move(tokens)));
  value.set("token_logprobs", JsonValue::array(std::move(logprobs)));
  value.set("top_logprobs", JsonValue::array(std::move(tops)));
  value.set("text_offset", JsonValue::array(std::move(offsets)));
  return value;
}

// What both forms share: a choice, and the sum of the runs.
class CompletionWriterBase : public ReplyWriter {
 public:
  CompletionWriterBase(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer, ReplyFormat format,
                       int runs)
      : exchange_(std::move(exchange)), tokenizer_(tokenizer), format_(std::move(format)), runs_left_(runs) {}

  void started(const RequestStart&) override {}
  void call(int, const StartedCall&) override {}
  void arguments(int, const ArgumentsPart&) override {}

  void finished(const Usage& usage) override {
    add_usage(usage_, usage);
    if (--runs_left_ == 0) finish();
  }

 protected:
  virtual void finish() = 0;

  JsonValue choice_json(int index, std::string_view text, std::span<const TokenEntry> entries) const {
    JsonValue choice = JsonValue::object();
    choice.set("text", json_text(text));
    choice.set("index", JsonValue::integer(index));
    choice.set("logprobs", format_.logprobs ? old_logprobs(entries, tokenizer_) : JsonValue());
    choice.set("finish_reason", JsonValue());
    return choice;
  }

  const std::shared_ptr<Exchange> exchange_;
  const Tokenizer& tokenizer_;
  const ReplyFormat format_;
  Usage usage_;

 private:
  int runs_left_;
};

class CompletionWriter final : public CompletionWriterBase {
 public:
  CompletionWriter(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer, ReplyFormat format,
                   int runs)
      : CompletionWriterBase(std::move(exchange), tokenizer, std::move(format), runs),
        choices_(static_cast<size_t>(format_.choices)) {}

  void text(int, const TextPart&) override {}

  void choice_finished(int index, const FinishedChoice& finished) override {
    JsonValue choice = choice_json(index, finished.message.content, finished.content_logprobs);
    choice.set("finish_reason", json_text(choice_reason_name(finished.reason)));
    choices_[static_cast<size_t>(index)] = std::move(choice);
  }

  void failed(const ApiError& error) override { exchange_->fail(error); }

 private:
  void finish() override {
    JsonValue reply = envelope_json(format_.envelope);
    reply.set("choices", JsonValue::array(std::move(choices_)));
    reply.set("usage", usage_json(usage_, format_.prices));
    if (format_.timings) reply.set("timings", timings_json(usage_));
    exchange_->respond(json_response(reply));
  }

  std::vector<JsonValue> choices_;
};

class CompletionStreamWriter final : public CompletionWriterBase {
 public:
  CompletionStreamWriter(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer, ReplyFormat format,
                         int runs)
      : CompletionWriterBase(std::move(exchange), tokenizer, std::move(format), runs) {
    exchange_->expect_events(": keep-alive\n\n");
  }

  void text(int index, const TextPart& part) override { send(choice_json(index, part.text, part.logprobs)); }

  void choice_finished(int index, const FinishedChoice& finished) override {
    JsonValue choice = choice_json(index, "", {});
    choice.set("finish_reason", json_text(choice_reason_name(finished.reason)));
    send(std::move(choice));
  }

  void failed(const ApiError& error) override { fail_openai(*exchange_, error); }

 private:
  void send(JsonValue choice) {
    std::vector<JsonValue> choices;
    choices.push_back(std::move(choice));
    JsonValue chunk = envelope_json(format_.envelope);
    chunk.set("choices", JsonValue::array(std::move(choices)));
    if (format_.usage_in_stream) chunk.set("usage", JsonValue());
    exchange_->send_events(data_event(chunk));
  }

  void finish() override {
    if (format_.usage_in_stream || format_.timings) {
      JsonValue chunk = envelope_json(format_.envelope);
      chunk.set("choices", JsonValue::array());
      if (format_.usage_in_stream) chunk.set("usage", usage_json(usage_, format_.prices));
      if (format_.timings) chunk.set("timings", timings_json(usage_));
      exchange_->send_events(data_event(chunk));
    }
    exchange_->send_events("data: [DONE]\n\n");
    exchange_->end_events(AfterReply::kKeepAlive);
  }
};

}  // namespace

std::shared_ptr<ReplyWriter> make_completion_writer(std::shared_ptr<Exchange> exchange,
                                                    const Tokenizer& tokenizer, ReplyFormat format,
                                                    int runs) {
  return std::make_shared<CompletionWriter>(std::move(exchange), tokenizer, std::move(format), runs);
}

std::shared_ptr<ReplyWriter> make_completion_stream_writer(std::shared_ptr<Exchange> exchange,
                                                           const Tokenizer& tokenizer, ReplyFormat format,
                                                           int runs) {
  return std::make_shared<CompletionStreamWriter>(std::move(exchange), tokenizer, std::move(format), runs);
}

}  // namespace fathom
