// SPDX-License-Identifier: MIT
// The life of requests: ends, limits, cancellation, deadlines, overload, memory, draining. The models are
// random, so what they say does not matter.
#include "engine/engine.h"

#include <gtest/gtest.h>

#include <filesystem>
#include <limits>
#include <random>
#include <thread>

#include "engine/loaded_model.h"
#include "io/mapping_guard.h"
#include "state/sequence_state.h"
#include "support/engine_recorder.h"
#include "support/random_numbers.h"

namespace fathom {
namespace {

using std::chrono::milliseconds;

const RandomLoadedModel& small() {
  static const RandomLoadedModel model(4);
  return model;
}

Request request_of(int prompt_tokens, int64_t max_tokens, uint64_t seed = 1) {
  Request request;
  request.prompt = random_tokens(seed, small().vocab(), prompt_tokens);
  request.max_tokens = max_tokens;
  request.sampling.seed = seed;
  return request;
}

// The engine's counters once everything has been told.
void expect_empty(const Engine& engine) {
  const EngineStats stats = engine.stats();
  EXPECT_EQ(stats.running, 0);
  EXPECT_EQ(stats.waiting, 0);
  EXPECT_EQ(stats.state_bytes, 0);
}

// Blocks the engine thread inside a sink until it is opened.
class Turnstile {
 public:
  void open() {
    const std::lock_guard lock(mu_);
    open_ = true;
    changed_.notify_all();
  }
  void pass() {
    std::unique_lock lock(mu_);
    reached_ = true;
    changed_.notify_all();
    changed_.wait(lock, [&] { return open_; });
  }
  void wait_until_reached() {
    std::unique_lock lock(mu_);
    changed_.wait(lock, [&] { return reached_; });
  }

 private:
  std::mutex mu_;
  std::condition_variable changed_;
  bool open_ = false;
  bool reached_ = false;
};

TEST(Engine, AnAnswerEndsAtItsLimitItsStopTokenOrTheSinksWord) {
  const auto engine = open_engine(small().model(), {});
  const auto limited = run_alone(*engine, request_of(20, 6));
  ASSERT_EQ(limited->choice().ids.size(), 6u);
  EXPECT_EQ(limited->choice().end, ChoiceEnd::kLength);
  EXPECT_EQ(limited->start()->prompt_tokens, 20);
  EXPECT_EQ(limited->usage.prompt_tokens, 20);
  EXPECT_EQ(limited->usage.completion_tokens, 6);

  Request stopping = request_of(20, 6);
  stopping.stop_tokens = {limited->choice().ids[3]};
  const auto stopped = run_alone(*engine, stopping);
  EXPECT_EQ(stopped->choice().end, ChoiceEnd::kStopped);
  EXPECT_EQ(stopped->choice().ids.back(), limited->choice().ids[3]);
  EXPECT_LE(stopped->choice().ids.size(), 4u);

  auto sink = std::make_shared<RecordingSink>(1, [](int, const GeneratedToken&, size_t count) {
    return count == 2 ? TokenVerdict::kStop : TokenVerdict::kContinue;
  });
  must_submit(*engine, request_of(20, 6), sink);
  EXPECT_EQ(sink->wait().choice().end, ChoiceEnd::kStopped);
  EXPECT_EQ(sink->choice().ids.size(), 2u);
  EXPECT_EQ(sink->usage.completion_tokens, 2);

  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.finished_length, 1u);
  EXPECT_EQ(stats.finished_stop, 2u);
  EXPECT_EQ(stats.prompt_tokens, 60u);
  EXPECT_EQ(stats.generated_tokens, 8u + stopped->choice().ids.size());
  EXPECT_EQ(stats.time_to_first_token.count, 3u);
  EXPECT_EQ(stats.inter_token.count, stats.generated_tokens - 3);
  expect_empty(*engine);
}

// reliability.md F-7: the shard is cut between two requests; the process lives, no made-up token is given
// out.
TEST(Engine, RequestsFailOnceAWeightFileCannotBeRead) {
  namespace fs = std::filesystem;
  install_mapping_guard();
  const fs::path folder = fs::path(testing::TempDir()) / "engine_cut_weights";
  fs::remove_all(folder);
  fs::create_directories(folder);
  for (const char* name : {"config.json", "model.safetensors"}) {
    fs::copy_file(fs::path(FATHOM_SOURCE_DIR) / "models/tiny-chat" / name, folder / name);
  }
  const auto loaded = LoadedModel::open(system_io(), folder);
  ASSERT_TRUE(loaded.ok()) << loaded.status().message();
  const auto engine = open_engine((*loaded)->model(), {.weights = &(*loaded)->store()});
  Request request;
  request.prompt = {0, 17, 18, 19};
  request.max_tokens = 3;
  EXPECT_EQ(run_alone(*engine, request)->choice().ids.size(), 3u);
  EXPECT_TRUE(engine->stats().weights_intact);

  fs::resize_file(folder / "model.safetensors", 4096);
  for (int i = 0; i < 2; ++i) {
    const auto sink = std::make_shared<RecordingSink>();
    must_submit(*engine, request, sink);
    sink->wait();
    EXPECT_EQ(sink->failure.code(), StatusCode::kIo);
    EXPECT_TRUE(sink->choice().ids.empty());
  }
  EXPECT_FALSE(engine->stats().weights_intact);
  expect_empty(*engine);
  fs::remove_all(folder);
}

TEST(Engine, TheContextEndsAnAnswer) {
  const auto engine = open_engine(small().model(), {.context = 24});
  const auto sink = run_alone(*engine, request_of(20, 1'000'000));
  EXPECT_EQ(sink->choice().ids.size(), 4u);
  EXPECT_EQ(sink->choice().end, ChoiceEnd::kLength);
  EXPECT_EQ(engine->submit(request_of(24, 1), std::make_shared<RecordingSink>()).status().code(),
            StatusCode::kOutOfRange);
  EXPECT_EQ(engine->stats().rejected, 1u);
}

TEST(Engine, BadRequestsAreRefusedByName) {
  const auto engine = open_engine(small().model(), {.parallel = 2, .batch_tokens = 64});
  const auto error = [&](const std::function<void(Request&)>& spoil) {
    Request request = request_of(5, 2);
    spoil(request);
    return std::string(engine->submit(request, std::make_shared<RecordingSink>()).status().message());
  };
  EXPECT_EQ(error([](Request& r) { r.prompt.clear(); }), "prompt: expected at least one token, found none");
  EXPECT_EQ(error([](Request& r) { r.prompt[1] = -1; }),
            "prompt: expected token ids below " + std::to_string(small().vocab()) + ", found -1");
  EXPECT_EQ(error([](Request& r) { r.max_tokens = -1; }), "max tokens: expected 0 or more, found -1");
  EXPECT_EQ(error([](Request& r) { r.choices = 9; }), "choices: expected 1 to 8, found 9");
  EXPECT_EQ(error([](Request& r) { r.choices = 3; }),
            "choices: expected at most 2 (what runs at once), found 3");
  EXPECT_EQ(error([](Request& r) { r.top_logprobs = 21; }), "top logprobs: expected 0 to 20, found 21");
  EXPECT_EQ(error([](Request& r) { r.borders = {3, 2}; }),
            "borders: expected ascending positions within the prompt, found 2");
  EXPECT_EQ(error([](Request& r) { r.stop_tokens = {1 << 20}; }),
            "stop tokens: expected token ids below " + std::to_string(small().vocab()) + ", found 1048576");
  EXPECT_EQ(error([](Request& r) { r.sampling.temperature = -1; }),
            "temperature: expected 0 to 100, found -1");
}

TEST(Engine, OptionsOutOfRangeAreRefusedByName) {
  const auto error = [](const EngineOptions& options) {
    return std::string(Engine::open(small().model(), options).status().message());
  };
  EXPECT_EQ(error({.threads = 0}), "threads: expected 1 to 1024, found 0");
  EXPECT_EQ(error({.context = 5000}), "context: expected 2 to 4096, found 5000");
  EXPECT_EQ(error({.parallel = 0}), "parallel: expected 1 to 4096, found 0");
  EXPECT_EQ(error({.parallel = 8, .batch_tokens = 16}), "batch tokens: expected 17 to 1048576, found 16");
}

TEST(Engine, LogprobsAreOfTheModelsOwnLogits) {
  const auto engine = open_engine(small().model(), {});
  Request plain = request_of(20, 8);
  plain.top_logprobs = 5;
  Request bent = plain;
  bent.sampling.temperature = 0.0;
  // A ban on what greedy would say, so that the token is not among the likeliest.
  const auto expected = run_alone(*engine, plain);
  EXPECT_EQ(expected->choice().top_ids.size(), 8u * 5);
  const auto greedy = run_alone(*engine, bent);
  EXPECT_EQ(greedy->choice().ids[0], expected->choice().top_ids[0]);
  bent.sampling.logit_bias = {{greedy->choice().ids[0], -100.0F}};
  const auto banned = run_alone(*engine, bent);
  EXPECT_EQ(banned->choice().ids[0], expected->choice().top_ids[1]) << "the second best takes its place";
  EXPECT_EQ(banned->choice().top_ids[0], expected->choice().top_ids[0]) << "the bias does not show";
}

TEST(Engine, PromptLogprobsAreThoseOfGeneration) {
  const auto engine = open_engine(small().model(), {});
  Request generating = request_of(10, 60);
  generating.top_logprobs = 0;
  const auto answer = run_alone(*engine, generating);
  Request scoring = generating;
  scoring.prompt.insert(scoring.prompt.end(), answer->choice().ids.begin(), answer->choice().ids.end());
  scoring.max_tokens = 0;
  scoring.prompt_top_logprobs = 2;
  const auto score = run_alone(*engine, scoring);
  ASSERT_EQ(score->prompt_logprobs.size(), 69u);
  EXPECT_EQ(std::vector(score->prompt_ids.begin() + 9, score->prompt_ids.end()), answer->choice().ids);
  EXPECT_EQ(std::vector(score->prompt_logprobs.begin() + 9, score->prompt_logprobs.end()),
            answer->choice().logprobs);
  EXPECT_EQ(score->choice().end, ChoiceEnd::kLength);
  EXPECT_TRUE(score->choice().ids.empty());
}

TEST(Engine, ReasoningIsCountedAndEndsWithItsBudget) {
  const auto engine = open_engine(small().model(), {});
  const auto free_run = run_alone(*engine, request_of(12, 12));
  // A token that the answer does not have by itself.
  int32_t end_token = 0;
  while (std::count(free_run->choice().ids.begin(), free_run->choice().ids.end(), end_token) > 0) ++end_token;
  Request request = request_of(12, 12);
  request.reasoning = Reasoning{.end_token = end_token, .budget_tokens = 4};
  const auto sink = run_alone(*engine, request);
  EXPECT_EQ(sink->choice().ids[4], end_token);
  EXPECT_TRUE(
      std::equal(sink->choice().ids.begin(), sink->choice().ids.begin() + 4, free_run->choice().ids.begin()));
  EXPECT_EQ(sink->usage.reasoning_tokens, 5);
  EXPECT_EQ(sink->usage.completion_tokens, 12);
  request.reasoning->budget_tokens = 0;
  EXPECT_EQ(run_alone(*engine, request)->choice().ids[0], end_token);
}

TEST(Engine, ChoicesAreTheAnswersOfTheirNumbers) {
  const auto engine = open_engine(small().model(), {.parallel = 8});
  Request request = request_of(70, 30);
  request.choices = 5;
  const auto sink = run_alone(*engine, request);
  EXPECT_EQ(sink->usage.completion_tokens, 150);
  // The first is what a single answer would be; others differ from it.
  EXPECT_EQ(run_alone(*engine, request_of(70, 30))->choice().ids, sink->choice(0).ids);
  for (size_t i = 1; i < 5; ++i) EXPECT_NE(sink->choice(i).ids, sink->choice(0).ids) << i;
  EXPECT_EQ(run_alone(*engine, request)->choices(), sink->choices());
  expect_empty(*engine);
}

TEST(Engine, ACancelledRequestEndsWhereverItIs) {
  const auto engine = open_engine(small().model(), {.parallel = 1, .batch_tokens = 8});
  Turnstile turnstile;
  // Running: it is cancelled from within its own third token.
  std::atomic<uint64_t> own_id = 0;
  auto running = std::make_shared<RecordingSink>(1, [&](int, const GeneratedToken&, size_t count) {
    if (count == 1) turnstile.pass();
    if (count == 3) engine->cancel(RequestId{own_id.load()});
    return TokenVerdict::kContinue;
  });
  own_id = static_cast<uint64_t>(must_submit(*engine, request_of(5, 1000), running));
  turnstile.wait_until_reached();
  // Waiting behind it: cancelled before it starts.
  auto waiting = std::make_shared<RecordingSink>();
  const RequestId waiting_id = must_submit(*engine, request_of(5, 5), waiting);
  engine->cancel(waiting_id);
  // And one that is cancelled in prefill.
  auto prompt = std::make_shared<RecordingSink>();
  std::atomic<uint64_t> prompt_id = 0;
  prompt->on_start = [&] { engine->cancel(RequestId{prompt_id.load()}); };
  prompt_id = static_cast<uint64_t>(must_submit(*engine, request_of(4000, 5), prompt));
  turnstile.open();
  EXPECT_EQ(running->wait().failure.code(), StatusCode::kCancelled);
  EXPECT_EQ(running->choice().ids.size(), 3u) << "not a token more";
  EXPECT_EQ(waiting->wait().failure.code(), StatusCode::kCancelled);
  EXPECT_FALSE(waiting->start().has_value());
  EXPECT_EQ(prompt->wait().failure.code(), StatusCode::kCancelled);
  EXPECT_TRUE(prompt->choice().ids.empty());
  EXPECT_EQ(engine->stats().cancelled, 3u);
  engine->cancel(waiting_id);
  engine->cancel(RequestId{12345});
  expect_empty(*engine);
}

TEST(Engine, RandomCancellationsLeaveNothingBehind) {
  const auto engine = open_engine(small().model(), {.threads = 2, .parallel = 6, .batch_tokens = 40});
  RandomNumbers random(11);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  std::vector<RequestId> ids;
  for (int i = 0; i < 200; ++i) {
    Request request = request_of(random.whole(1, 60), random.whole(1, 20), static_cast<uint64_t>(i));
    request.choices = random.whole(1, 3);
    sinks.push_back(std::make_shared<RecordingSink>(request.choices));
    request.tenant = std::to_string(i % 10);
    ids.push_back(must_submit(*engine, std::move(request), sinks.back()));
    if (random.whole(0, 1) == 0) engine->cancel(ids[static_cast<size_t>(random.whole(0, i))]);
    if (random.whole(0, 3) == 0)
      std::this_thread::sleep_for(std::chrono::microseconds(random.whole(0, 2000)));
  }
  uint64_t cancelled = 0;
  uint64_t tokens = 0;
  for (const auto& sink : sinks) {
    const Status& failure = sink->wait().failure;
    EXPECT_TRUE(failure.ok() || failure.code() == StatusCode::kCancelled) << failure.message();
    cancelled += failure.ok() ? 0 : 1;
    for (const RecordedChoice& choice : sink->choices()) tokens += choice.ids.size();
  }
  const EngineStats stats = engine->stats();
  EXPECT_EQ(stats.cancelled, cancelled);
  EXPECT_EQ(stats.finished_length, 200u - cancelled);
  EXPECT_EQ(stats.generated_tokens, tokens);
  expect_empty(*engine);
}

TEST(Engine, DeadlinesAndTheQueueTimeoutEndRequests) {
  HandClock clock;
  EngineOptions options{.parallel = 1, .queue_timeout = milliseconds(5000)};
  options.clock = &clock;
  const auto engine = open_engine(small().model(), options);
  Turnstile turnstile;
  auto running = std::make_shared<RecordingSink>(1, [&](int, const GeneratedToken&, size_t count) {
    if (count == 2) turnstile.pass();
    return TokenVerdict::kContinue;
  });
  Request slow = request_of(5, 1000);
  slow.deadline = milliseconds(10'000);
  must_submit(*engine, slow, running);
  turnstile.wait_until_reached();
  auto impatient = std::make_shared<RecordingSink>();
  Request soon = request_of(5, 5);
  soon.deadline = milliseconds(100);
  must_submit(*engine, soon, impatient);
  auto waiting = std::make_shared<RecordingSink>();
  must_submit(*engine, request_of(5, 5), waiting);
  clock.advance(milliseconds(10'000));
  turnstile.open();
  EXPECT_EQ(running->wait().failure.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(running->choice().ids.size(), 2u);
  EXPECT_EQ(impatient->wait().failure.code(), StatusCode::kDeadlineExceeded);
  EXPECT_EQ(waiting->wait().failure.code(), StatusCode::kUnavailable);
  EXPECT_EQ(engine->stats().failed, 3u);
  expect_empty(*engine);
}

TEST(Engine, SurplusIsRefusedAtOnceAndAFloodLeavesRoomForOthers) {
  const auto engine =
      open_engine(small().model(), {.parallel = 1, .batch_tokens = 64, .queue = 10, .per_tenant = 6});
  Turnstile turnstile;
  auto first = std::make_shared<RecordingSink>(1, [&](int, const GeneratedToken&, size_t) {
    turnstile.pass();
    return TokenVerdict::kContinue;
  });
  Request blocking = request_of(3, 1);
  blocking.tenant = "flood";
  must_submit(*engine, blocking, first);
  turnstile.wait_until_reached();
  std::vector<std::string> order;
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  const auto submit = [&](const std::string& tenant) {
    Request request = request_of(3, 2);
    request.tenant = tenant;
    auto sink = std::make_shared<RecordingSink>();
    sink->on_start = [&order, tenant] { order.push_back(tenant); };
    const auto id = engine->submit(std::move(request), sink);
    if (id.ok()) sinks.push_back(sink);
    return id.status();
  };
  int refused = 0;
  for (int i = 0; i < 20; ++i) refused += submit("flood").ok() ? 0 : 1;
  EXPECT_EQ(refused, 15);
  EXPECT_EQ(engine->room("flood").verdict, RoomVerdict::kTooManyOfTenant);
  EXPECT_GE(engine->room("flood").retry_after_seconds, 1);
  for (int i = 0; i < 3; ++i) EXPECT_TRUE(submit("guest").ok());
  for (int i = 0; i < 2; ++i) EXPECT_TRUE(submit("other").ok());
  EXPECT_EQ(submit("late").code(), StatusCode::kResourceExhausted);
  turnstile.open();
  for (const auto& sink : sinks) EXPECT_TRUE(sink->wait().failure.ok());
  EXPECT_EQ(order, (std::vector<std::string>{"guest", "other", "flood", "guest", "other", "flood", "guest",
                                             "flood", "flood", "flood"}));
  EXPECT_EQ(engine->stats().rejected, 16u);
}

TEST(Engine, ASmallLedgerAdmitsWithoutFailureOrStarvation) {
  const ModelConfig& config = small().model().config;
  const int64_t one = SequenceState::bytes_for(config, 200, RowPrecision::kPacked);
  const auto engine = open_engine(
      small().model(),
      {.threads = 2, .parallel = 16, .batch_tokens = 64, .state_bytes = 3 * one, .per_tenant = 256});
  EXPECT_EQ(engine->submit(request_of(100, 3000), std::make_shared<RecordingSink>()).status().code(),
            StatusCode::kInvalidArgument)
      << "could never fit";
  RandomNumbers random(3);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  std::vector<int> started;  // in order; engine thread only until all are done
  for (int i = 0; i < 150; ++i) {
    // Every tenth takes nearly all memory there is; the small ones behind it must not pass it for ever.
    Request request =
        i % 10 == 9 ? request_of(150, 40) : request_of(random.whole(1, 40), random.whole(1, 20));
    if (i % 10 == 9) request.choices = 2;
    auto sink = std::make_shared<RecordingSink>(request.choices);
    sink->on_start = [&started, i] { started.push_back(i); };
    sinks.push_back(sink);
    must_submit(*engine, std::move(request), sink);
    EXPECT_LE(engine->stats().state_bytes, 3 * one);
  }
  for (const auto& sink : sinks) EXPECT_TRUE(sink->wait().failure.ok()) << sink->failure.message();
  EXPECT_TRUE(std::is_sorted(started.begin(), started.end())) << "one tenant: in order of arrival";
  expect_empty(*engine);
}

TEST(Engine, DrainingLetsRunningRequestsFinishAndAbortsThemWhenTimeIsUp) {
  for (const auto limit : {milliseconds(60'000), milliseconds(0)}) {
    const auto engine = open_engine(small().model(), {.parallel = 1});
    Turnstile turnstile;
    auto running = std::make_shared<RecordingSink>(1, [&](int, const GeneratedToken&, size_t) {
      turnstile.pass();
      return TokenVerdict::kContinue;
    });
    must_submit(*engine, request_of(5, 20), running);
    auto waiting = std::make_shared<RecordingSink>();
    turnstile.wait_until_reached();
    must_submit(*engine, request_of(5, 5), waiting);
    std::thread drainer([&] { engine->drain(limit); });
    while (engine->room("").verdict != RoomVerdict::kDraining) std::this_thread::yield();
    EXPECT_EQ(engine->submit(request_of(5, 5), std::make_shared<RecordingSink>()).status().code(),
              StatusCode::kUnavailable);
    // Time for the drain to have set its limit, which the engine thread is kept from seeing.
    std::this_thread::sleep_for(milliseconds(20));
    turnstile.open();
    drainer.join();
    ASSERT_TRUE(running->done() && waiting->done());
    const bool in_time = limit.count() > 0;
    EXPECT_EQ(running->choice().end, in_time ? ChoiceEnd::kLength : ChoiceEnd::kAborted);
    EXPECT_EQ(waiting->failure.code(), in_time ? StatusCode::kOk : StatusCode::kUnavailable);
    expect_empty(*engine);
  }
}

TEST(Engine, ClosingItEndsWhatRuns) {
  auto running = std::make_shared<RecordingSink>();
  auto waiting = std::make_shared<RecordingSink>();
  {
    const auto engine = open_engine(small().model(), {.parallel = 1});
    must_submit(*engine, request_of(5, 4000), running);
    must_submit(*engine, request_of(5, 4000), waiting);
  }
  EXPECT_TRUE(running->done() && waiting->done());
}

}  // namespace
}  // namespace fathom
