// SPDX-License-Identifier: MIT
// Generator: prefix reuse, seeds, limits and cancellation on the built-in model.
#include "engine/generator.h"

#include <gtest/gtest.h>

#include "engine/loaded_model.h"

namespace fathom {
namespace {

const Model& tiny_chat() {
  static const auto model = LoadedModel::open(system_io(), "builtin:tiny-chat");
  return (*model)->model();
}

std::unique_ptr<Generator> new_generator(int threads = 1, int64_t batch_tokens = 256) {
  auto generator = Generator::create(tiny_chat(), {.threads = threads, .batch_tokens = batch_tokens});
  return std::move(generator).value();
}

struct Answer {
  GenerationResult result;
  std::vector<int32_t> ids;
  std::vector<float> logprobs;
};

Request request_for(std::vector<int32_t> prompt, int64_t max_tokens) {
  Request request;
  request.prompt = std::move(prompt);
  request.max_tokens = max_tokens;
  request.sampling = {.temperature = 1.0, .seed = 11};
  request.top_logprobs = 0;
  return request;
}

Answer answer_of(Generator& generator, const Request& request) {
  Answer answer;
  auto result = generator.generate(request,
                                   [&](const GeneratedToken& token) {
                                     answer.ids.push_back(token.id);
                                     answer.logprobs.push_back(token.logprob);
                                     return true;
                                   },
                                   {});
  EXPECT_TRUE(result.ok()) << result.status().message();
  answer.result = std::move(result).value();
  return answer;
}

std::vector<int32_t> long_prompt(int tokens) {
  std::vector<int32_t> prompt;
  for (int i = 0; i < tokens; ++i) prompt.push_back(300 + i * i % 3000);
  return prompt;
}

TEST(Generator, AnswersDoNotDependOnThreadsChunksOrReuse) {
  const auto request = request_for(long_prompt(150), 20);
  const Answer expected = answer_of(*new_generator(), request);
  for (const int64_t batch : {1, 7, 64, 129}) {
    const Answer got = answer_of(*new_generator(2, batch), request);
    EXPECT_EQ(got.ids, expected.ids) << "batch " << batch;
    EXPECT_EQ(got.logprobs, expected.logprobs) << "batch " << batch;
  }
  // A prompt that goes on from the kept state gives what a fresh generator gives.
  auto generator = new_generator();
  const Answer first = answer_of(*generator, request_for(long_prompt(100), 5));
  EXPECT_EQ(first.result.cached_tokens, 0);
  std::vector<int32_t> prompt = long_prompt(100);
  prompt.insert(prompt.end(), first.ids.begin(), first.ids.end());
  prompt.insert(prompt.end(), {5, 6, 7});
  const Answer warm = answer_of(*generator, request_for(prompt, 20));
  const Answer cold = answer_of(*new_generator(), request_for(prompt, 20));
  EXPECT_EQ(warm.result.cached_tokens, 104);
  EXPECT_EQ(warm.ids, cold.ids);
  EXPECT_EQ(warm.logprobs, cold.logprobs);
}

TEST(Generator, APromptThatPartsFromTheKeptStateStartsAnew) {
  auto generator = new_generator();
  answer_of(*generator, request_for(long_prompt(50), 5));
  auto prompt = long_prompt(60);
  prompt[20] = 7;
  const Answer got = answer_of(*generator, request_for(prompt, 10));
  EXPECT_EQ(got.result.cached_tokens, 0);
  EXPECT_EQ(got.ids, answer_of(*new_generator(), request_for(prompt, 10)).ids);
}

TEST(Generator, EndsAtTheLimitTheStopTokenAndTheContext) {
  auto generator = new_generator();
  auto request = request_for(long_prompt(20), 3);
  const Answer limited = answer_of(*generator, request);
  EXPECT_EQ(limited.result.end, GenerationEnd::kLength);
  EXPECT_EQ(limited.ids.size(), 3u);
  request.stop_tokens = {limited.ids[1]};
  const Answer stopped = answer_of(*generator, request);
  EXPECT_EQ(stopped.result.end, GenerationEnd::kStopped);
  EXPECT_EQ(stopped.ids.back(), limited.ids[1]);
  const Answer full = answer_of(*new_generator(2), request_for(long_prompt(4093), 100));
  EXPECT_EQ(full.result.end, GenerationEnd::kLength);
  EXPECT_EQ(full.ids.size(), 3u) << "context 4096";
}

TEST(Generator, RefusesBadRequestsByName) {
  auto generator = new_generator();
  const auto error_of = [&](const Request& request) {
    return std::string(
        generator->generate(request, [](const GeneratedToken&) { return true; }, {}).status().message());
  };
  EXPECT_EQ(error_of(request_for({}, 1)), "prompt: expected at least one token, found none");
  EXPECT_EQ(error_of(request_for({4096}, 1)), "prompt: expected token ids below 4096, found 4096");
  EXPECT_EQ(error_of(request_for({-1}, 1)), "prompt: expected token ids below 4096, found -1");
  EXPECT_EQ(error_of(request_for(long_prompt(4096), 1)),
            "prompt: expected fewer than 4096 tokens (the context), found 4096");
  EXPECT_EQ(error_of(request_for({1}, -1)), "max tokens: expected 0 or more, found -1");
}

TEST(Generator, ACancelledAnswerEndsAndTheStateStaysUsable) {
  auto generator = new_generator();
  std::stop_source stop;
  const auto request = request_for(long_prompt(30), 50);
  int tokens = 0;
  const auto result = generator->generate(
      request,
      [&](const GeneratedToken&) {
        if (++tokens == 4) stop.request_stop();
        return true;
      },
      stop.get_token());
  ASSERT_TRUE(result.ok());
  EXPECT_EQ(result->end, GenerationEnd::kCancelled);
  EXPECT_EQ(tokens, 4);
  EXPECT_EQ(answer_of(*generator, request).ids, answer_of(*new_generator(), request).ids);
}

}  // namespace
}  // namespace fathom
