// SPDX-License-Identifier: MIT
// An answer depends on its request alone (reliability.md D-1, D-2): neighbours, order of arrival, chunks,
// threads and what ran before change no bit of it.
#include <gtest/gtest.h>

#include "engine/engine.h"
#include "support/engine_recorder.h"
#include "support/random_numbers.h"

namespace fathom {
namespace {

// Requests of every sort: greedy and not, with penalties, bias, logprobs, reasoning, several choices.
std::vector<Request> random_requests(const RandomLoadedModel& model, int count, uint64_t seed) {
  RandomNumbers random(seed);
  std::vector<Request> requests;
  for (int i = 0; i < count; ++i) {
    Request request;
    // Often around a chunk, a page or a window, seldom long.
    const int length = random.whole(0, 9) == 0 ? random.whole(100, 270) : random.whole(1, 40);
    request.prompt = random_tokens(seed * 1000 + static_cast<uint64_t>(i), model.vocab(), length);
    request.max_tokens = random.whole(1, 24);
    request.sampling = {.temperature = random.one_of({0.0, 0.7, 1.0}),
                        .top_k = random.one_of<int64_t>({0, 0, 5}),
                        .top_p = random.one_of({1.0, 1.0, 0.8}),
                        .min_p = random.one_of({0.0, 0.0, 0.1}),
                        .repetition_penalty = random.one_of({1.0, 1.0, 1.3}),
                        .frequency_penalty = random.one_of({0.0, 0.0, 0.5}),
                        .seed = seed + static_cast<uint64_t>(i)};
    if (random.whole(0, 4) == 0) request.sampling.logit_bias = {{random.whole(0, model.vocab() - 1), 3.0F}};
    request.top_logprobs = random.one_of({0, 2});
    if (random.whole(0, 4) == 0) {
      request.reasoning = Reasoning{.end_token = random.whole(0, model.vocab() - 1), .budget_tokens = 5};
    }
    request.stop_tokens = {random.whole(0, model.vocab() - 1)};
    request.choices = random.whole(0, 6) == 0 ? 3 : 1;
    request.tenant = std::to_string(i % 5);
    request.priority = random.whole(0, 2);
    requests.push_back(std::move(request));
  }
  return requests;
}

using Answers = std::vector<std::vector<RecordedChoice>>;

Answers answer_alone(const Model& model, const std::vector<Request>& requests, const EngineOptions& options) {
  const auto engine = open_engine(model, options);
  Answers answers;
  for (const Request& request : requests) answers.push_back(run_alone(*engine, request)->choices());
  return answers;
}

// All at once, submitted in an order of their own.
Answers answer_together(Engine& engine, const std::vector<Request>& requests, uint64_t seed) {
  RandomNumbers random(seed);
  std::vector<size_t> order(requests.size());
  for (size_t i = 0; i < order.size(); ++i) {
    order[i] = i;
    std::swap(order[i], order[static_cast<size_t>(random.whole(0, static_cast<int>(i)))]);
  }
  std::vector<std::shared_ptr<RecordingSink>> sinks(requests.size());
  for (const size_t i : order) {
    sinks[i] = std::make_shared<RecordingSink>(requests[i].choices);
    must_submit(engine, requests[i], sinks[i]);
  }
  Answers answers;
  for (const auto& sink : sinks) answers.push_back(sink->wait().choices());
  return answers;
}

void expect_equal(const Answers& got, const Answers& expected, const std::string& what) {
  ASSERT_EQ(got.size(), expected.size());
  for (size_t i = 0; i < got.size(); ++i) {
    for (size_t c = 0; c < got[i].size(); ++c) {
      EXPECT_EQ(got[i][c].ids, expected[i][c].ids) << what << ", request " << i << ", choice " << c;
      EXPECT_EQ(got[i][c].logprobs, expected[i][c].logprobs) << what << ", request " << i;
      EXPECT_EQ(got[i][c].top_ids, expected[i][c].top_ids) << what << ", request " << i;
      EXPECT_EQ(got[i][c].end, expected[i][c].end) << what << ", request " << i;
    }
  }
}

// A step holds rows for every running choice and its draft, and at least `chunk` more.
EngineOptions options_for(int64_t chunk) {
  const int parallel = chunk == 1 ? 3 : 8;
  EngineOptions options{.threads = chunk == 129 ? 2 : 1,
                        .parallel = parallel,
                        .batch_tokens = 2 * parallel + chunk,
                        .queue = 1000,
                        .per_tenant = 1000};
  options.drafts = chunk == 1 ? DraftPolicy::kNever : DraftPolicy::kAlways;
  if (chunk > 7) options.cache.ram_bytes = 32 << 20;
  return options;
}

TEST(EngineInvariance, AnswersDoNotDependOnNeighboursChunksThreadsDraftsOrCache) {
  constexpr int kModels = 6;
  constexpr int kRequests = 85;  // 510 prompts in all
  EngineStats sums;
  for (uint64_t seed = 0; seed < kModels; ++seed) {
    const RandomLoadedModel model(seed);
    const auto requests = random_requests(model, kRequests, seed);
    EngineOptions plain{.parallel = 3};
    plain.drafts = DraftPolicy::kNever;
    const Answers expected = answer_alone(model.model(), requests, plain);
    for (const int64_t chunk : {1, 7, 64, 128, 129}) {
      const EngineOptions options = options_for(chunk);
      const auto engine = open_engine(model.model(), options);
      // Where there is a cache, the second time around finds what the first one left.
      for (int round = 0; round < (options.cache.ram_bytes > 0 ? 2 : 1); ++round) {
        const Answers got = answer_together(*engine, requests, seed + static_cast<uint64_t>(chunk));
        expect_equal(got, expected, "model " + std::to_string(seed) + ", chunk " + std::to_string(chunk));
      }
      const EngineStats stats = engine->stats();
      sums.draft_tokens += stats.draft_tokens;
      sums.draft_accepted += stats.draft_accepted;
      sums.cached_prompt_tokens += stats.cached_prompt_tokens;
    }
  }
  EXPECT_GT(sums.cached_prompt_tokens, 1000u) << "the cache was in use";
  EXPECT_GT(sums.draft_accepted, 100u) << "drafts were accepted";
  EXPECT_GT(sums.draft_tokens, sums.draft_accepted + 100u) << "and others not";
}

TEST(EngineInvariance, ABusyEngineAnswersAsAFreshOne) {
  const RandomLoadedModel model(3);
  const auto requests = random_requests(model, 16, 77);
  const auto busy = open_engine(model.model(), {.threads = 2, .parallel = 16});
  for (const Request& request : requests) {
    const auto fresh = open_engine(model.model(), {.parallel = 3});
    EXPECT_EQ(run_alone(*busy, request)->choices(), run_alone(*fresh, request)->choices());
  }
}

}  // namespace
}  // namespace fathom
