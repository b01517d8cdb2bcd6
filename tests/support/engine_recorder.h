// SPDX-License-Identifier: MIT
// What tests of the engine share: random models in memory, a sink that keeps everything, a clock that is set
// by hand. Test code; a failure to load ends the process.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "base/check.h"
#include "base/clock.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "support/random_model.h"

namespace fathom {

class RandomLoadedModel {
 public:
  explicit RandomLoadedModel(uint64_t seed) : files_(make_random_model(seed)) {
    auto loaded = LoadedModel::from_memory(files_.config_text, files_.safetensors);
    FATHOM_CHECK(loaded.ok());
    loaded_ = std::move(loaded).value();
  }
  const Model& model() const noexcept { return loaded_->model(); }
  int vocab() const noexcept { return model().config.vocab_size; }

 private:
  RandomModel files_;
  std::unique_ptr<LoadedModel> loaded_;
};

inline std::unique_ptr<Engine> open_engine(const Model& model, const EngineOptions& options) {
  auto engine = Engine::open(model, options);
  FATHOM_CHECK(engine.ok());
  return std::move(engine).value();
}

// What one choice was told.
struct RecordedChoice {
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
  std::vector<int32_t> top_ids;
  std::optional<ChoiceEnd> end;

  bool operator==(const RecordedChoice&) const = default;
};

// Keeps all events and checks their order. Another thread waits for the end.
class RecordingSink final : public EventSink {
 public:
  // `on_token` sees each token of each choice with the number of tokens that the choice has then.
  using OnToken = std::function<TokenVerdict(int choice, const GeneratedToken& token, size_t count)>;
  explicit RecordingSink(int choices = 1, OnToken on_token = nullptr)
      : choices_(static_cast<size_t>(choices)), on_token_(std::move(on_token)) {}

  void started(const RequestStart& start) override {
    FATHOM_CHECK(!start_ && !done_);
    start_ = start;
    if (on_start) on_start();
  }
  void prompt_token(const GeneratedToken& token) override {
    FATHOM_CHECK(start_ && choices_[0].ids.empty());
    prompt_ids.push_back(token.id);
    prompt_logprobs.push_back(token.logprob);
  }
  TokenVerdict token(int choice, const GeneratedToken& token) override {
    RecordedChoice& record = choices_.at(static_cast<size_t>(choice));
    FATHOM_CHECK(start_ && !done_ && !record.end);
    record.ids.push_back(token.id);
    record.logprobs.push_back(token.logprob);
    for (const TokenLogprob& top : token.top) record.top_ids.push_back(top.id);
    return on_token_ ? on_token_(choice, token, record.ids.size()) : TokenVerdict::kContinue;
  }
  void choice_finished(int choice, ChoiceEnd end) override {
    FATHOM_CHECK(start_ && !choices_.at(static_cast<size_t>(choice)).end);
    choices_[static_cast<size_t>(choice)].end = end;
  }
  void finished(const Usage& result) override {
    for (const RecordedChoice& choice : choices_) FATHOM_CHECK(choice.end.has_value());
    usage = result;
    set_done();
  }
  void failed(const Status& status) override {
    failure = status;
    set_done();
  }

  // Returns *this when the end has come.
  RecordingSink& wait() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return done_; });
    return *this;
  }
  bool done() const {
    const std::lock_guard lock(mu_);
    return done_;
  }
  const RecordedChoice& choice(size_t i = 0) const { return choices_.at(i); }
  const std::vector<RecordedChoice>& choices() const { return choices_; }
  const std::optional<RequestStart>& start() const { return start_; }

  std::vector<int32_t> prompt_ids;
  std::vector<float> prompt_logprobs;
  Usage usage;
  Status failure;
  std::function<void()> on_start;

 private:
  void set_done() {
    const std::lock_guard lock(mu_);
    FATHOM_CHECK(!done_);
    done_ = true;
    changed_.notify_all();
  }

  std::vector<RecordedChoice> choices_;
  OnToken on_token_;
  std::optional<RequestStart> start_;
  mutable std::mutex mu_;
  std::condition_variable changed_;
  bool done_ = false;  // guarded by mu_
};

// Submits and requires that the engine takes the request.
inline RequestId must_submit(Engine& engine, Request request, std::shared_ptr<EventSink> sink) {
  auto id = engine.submit(std::move(request), std::move(sink));
  FATHOM_CHECK(id.ok());
  return *id;
}

// Runs one request to its end and returns what it gave.
inline std::shared_ptr<RecordingSink> run_alone(Engine& engine, const Request& request) {
  auto sink = std::make_shared<RecordingSink>(request.choices);
  must_submit(engine, request, sink);
  sink->wait();
  return sink;
}

class HandClock final : public Clock {
 public:
  std::chrono::milliseconds now() const noexcept override { return std::chrono::milliseconds(now_.load()); }
  void advance(std::chrono::milliseconds by) { now_ += by.count(); }

 private:
  std::atomic<int64_t> now_ = 1000;
};

}  // namespace fathom
