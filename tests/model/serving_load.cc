// SPDX-License-Identifier: MIT
// serving_load: what the engine gives on the built-in model: tokens a second of one stream and of many, with
// and without drafts, and the longest waits for a next token while long prompts come in.
//
//   serving_load [--threads N] [--streams N] [--tokens N] [--check]
//
// --check fails when many streams give less than 2.5 times one stream's tokens.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <thread>

#include "base/cpu_count.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "support/engine_recorder.h"
#include "support/jsonl.h"

namespace fathom {
namespace {

using SteadyTime = std::chrono::steady_clock::time_point;

struct Settings {
  int threads = default_thread_count();
  int streams = 32;
  int tokens = 256;
  bool check = false;
};

struct Prompts {
  std::vector<std::vector<int32_t>> ids;
};

// Short ones, so that decoding is what is measured.
Prompts transcripts() {
  Prompts prompts;
  for (const JsonValue& line : test::read_jsonl(FATHOM_SOURCE_DIR "/models/tiny-chat/transcripts.jsonl")) {
    auto& ids = prompts.ids.emplace_back();
    for (const JsonValue& id : line.find("prompt_ids")->items())
      ids.push_back(static_cast<int32_t>(*id.as_int64()));
    if (ids.size() > 40) prompts.ids.pop_back();
  }
  return prompts;
}

Request request_of(const Prompts& prompts, int number, int64_t tokens) {
  Request request;
  request.prompt = prompts.ids[static_cast<size_t>(number) % prompts.ids.size()];
  request.max_tokens = tokens;
  request.sampling.seed = static_cast<uint64_t>(number);
  request.tenant = std::to_string(number);
  return request;
}

struct Figures {
  double tokens_per_second = 0.0;
  double acceptance = 0.0;
};

// `streams` answers at once.
Figures run_streams(const Model& model, const Prompts& prompts, const Settings& settings, int streams,
                    DraftPolicy drafts) {
  EngineOptions options{.threads = settings.threads, .parallel = settings.streams};
  options.drafts = drafts;
  const auto engine = open_engine(model, options);
  run_alone(*engine, request_of(prompts, 0, 16));  // pages and caches warm
  const uint64_t before = engine->stats().generated_tokens;
  const auto start = std::chrono::steady_clock::now();
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  for (int i = 0; i < streams; ++i) {
    sinks.push_back(std::make_shared<RecordingSink>());
    must_submit(*engine, request_of(prompts, i, settings.tokens), sinks.back());
  }
  for (const auto& sink : sinks) sink->wait();
  const double seconds = std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
  const EngineStats stats = engine->stats();
  return {static_cast<double>(stats.generated_tokens - before) / seconds,
          stats.draft_tokens == 0
              ? 0.0
              : static_cast<double>(stats.draft_accepted) / static_cast<double>(stats.draft_tokens)};
}

double percentile(std::vector<double>& values, double share) {
  const auto at = values.begin() + static_cast<ptrdiff_t>(share * static_cast<double>(values.size() - 1));
  std::nth_element(values.begin(), at, values.end());
  return *at;
}

// Eight answers go on while prompts of nearly the whole context come in one after the other.
void run_mixed(const Model& model, const Prompts& prompts, const Settings& settings, int64_t step_ms) {
  EngineOptions options{.threads = settings.threads, .parallel = settings.streams};
  options.step_ms = step_ms;
  const auto engine = open_engine(model, options);
  std::vector<std::shared_ptr<RecordingSink>> sinks;
  std::vector<double> gaps;  // engine thread only, until all are done
  for (int i = 0; i < 8; ++i) {
    auto last = std::make_shared<SteadyTime>();
    sinks.push_back(
        std::make_shared<RecordingSink>(1, [&gaps, last](int, const GeneratedToken&, size_t count) {
          const auto now = std::chrono::steady_clock::now();
          if (count > 1) gaps.push_back(std::chrono::duration<double, std::milli>(now - *last).count());
          *last = now;
          return TokenVerdict::kContinue;
        }));
    must_submit(*engine, request_of(prompts, i, 300), sinks.back());
  }
  for (int i = 0; i < 3; ++i) {
    Request request = request_of(prompts, 100 + i, 1);
    request.prompt = random_tokens(static_cast<uint64_t>(i), model.config.vocab_size, 3000);
    sinks.push_back(std::make_shared<RecordingSink>());
    must_submit(*engine, request, sinks.back());
  }
  for (const auto& sink : sinks) sink->wait();
  std::printf("mixed, step-ms %3d: wait for a next token p50 %.1f ms, p99 %.1f ms, longest %.1f ms\n",
              static_cast<int>(step_ms), percentile(gaps, 0.5), percentile(gaps, 0.99),
              percentile(gaps, 1.0));
}

int run(const Settings& settings) {
  const auto loaded = LoadedModel::open(system_io(), "builtin:tiny-chat");
  FATHOM_CHECK(loaded.ok());
  const Model& model = (*loaded)->model();
  const Prompts prompts = transcripts();
  double ratio = 0.0;
  for (const auto& [name, policy] : {std::pair{"never", DraftPolicy::kNever},
                                     {"always", DraftPolicy::kAlways},
                                     {"when faster", DraftPolicy::kWhenFaster}}) {
    const Figures one = run_streams(model, prompts, settings, 1, policy);
    const Figures many = run_streams(model, prompts, settings, settings.streams, policy);
    std::printf(
        "drafts %-11s  1 stream %7.1f tok/s (%2.0f %% accepted)  %d streams %7.1f tok/s (%2.0f %%)  ratio "
        "%.2f\n",
        name, one.tokens_per_second, 100 * one.acceptance, settings.streams, many.tokens_per_second,
        100 * many.acceptance, many.tokens_per_second / one.tokens_per_second);
    if (policy == DraftPolicy::kNever) ratio = many.tokens_per_second / one.tokens_per_second;
  }
  for (const int64_t step_ms : {20, 50, 250}) run_mixed(model, prompts, settings, step_ms);
  return settings.check && ratio < 2.5 ? 1 : 0;
}

}  // namespace
}  // namespace fathom

int main(int argc, char** argv) {
  fathom::Settings settings;
  for (int i = 1; i < argc; ++i) {
    const std::string flag = argv[i];
    if (flag == "--check") {
      settings.check = true;
      continue;
    }
    int* value = flag == "--threads"   ? &settings.threads
                 : flag == "--streams" ? &settings.streams
                 : flag == "--tokens"  ? &settings.tokens
                                       : nullptr;
    if (value == nullptr || i + 1 == argc || (*value = std::atoi(argv[++i])) < 1) {
      std::fprintf(stderr, "serving_load [--threads N] [--streams N] [--tokens N] [--check]\n");
      return 2;
    }
  }
  return fathom::run(settings);
}
