// SPDX-License-Identifier: MIT
#include "engine/generator.h"

#include <algorithm>
#include <chrono>
#include <cmath>

#include "base/concat.h"
#include "numeric/math.h"

namespace fathom {
namespace {

using SteadyClock = std::chrono::steady_clock;

double seconds_since(SteadyClock::time_point start) {
  return std::chrono::duration<double>(SteadyClock::now() - start).count();
}

float log_softmax_at(std::span<const float> logits, int32_t id) noexcept {
  const float top = *std::max_element(logits.begin(), logits.end());
  double sum = 0.0;
  for (const float logit : logits) sum += exp_f32(logit - top);
  return static_cast<float>(logits[id] - top - log_f64(sum));
}

}  // namespace

Generator::Generator(const Model& model, const GeneratorOptions& options, std::unique_ptr<ThreadPool> pool,
                     Activations acts, SequenceState state)
    : model_(model),
      options_(options),
      forward_options_{.rounding = options.rounding},
      pool_(std::move(pool)),
      acts_(std::move(acts)),
      state_(std::move(state)) {}

Result<std::unique_ptr<Generator>> Generator::create(const Model& model, const GeneratorOptions& options) {
  FATHOM_ASSIGN_OR_RETURN(auto pool, ThreadPool::create(options.threads));
  const ActivationSizes sizes{
      .batch_tokens = options.batch_tokens, .logit_rows = 1, .workers = options.threads};
  FATHOM_ASSIGN_OR_RETURN(auto acts, Activations::create(model.config, sizes));
  FATHOM_ASSIGN_OR_RETURN(auto state,
                          SequenceState::create(model.config, 0, row_precision(options.rounding)));
  return std::unique_ptr<Generator>(
      new Generator(model, options, std::move(pool), std::move(acts), std::move(state)));
}

Status Generator::check(const GenerationRequest& request) const {
  FATHOM_RETURN_IF_ERROR(request.sampling.validate());
  if (request.prompt.empty()) {
    return Status(StatusCode::kInvalidArgument, "prompt: expected at least one token, found none");
  }
  for (const int32_t id : request.prompt) {
    if (id >= 0 && id < model_.config.vocab_size) continue;
    return Status(StatusCode::kInvalidArgument,
                  concat("prompt: expected token ids below ", model_.config.vocab_size, ", found ", id));
  }
  if (static_cast<int64_t>(request.prompt.size()) >= context_size()) {
    return Status(StatusCode::kOutOfRange,
                  concat("prompt: expected fewer than ", context_size(),
                         " tokens (the model's context), found ", request.prompt.size()));
  }
  if (request.max_tokens < 0) {
    return Status(StatusCode::kInvalidArgument,
                  concat("max tokens: expected 0 or more, found ", request.max_tokens));
  }
  return Status();
}

// Tokens of the prompt that the kept state already holds. The last prompt token is always fed, as its logits
// are needed; a state is only ever extended, never cut.
int64_t Generator::reuse_state(std::span<const int32_t> prompt) {
  const auto held = state_.tokens();
  const bool extends = held.size() < prompt.size() && std::equal(held.begin(), held.end(), prompt.begin());
  if (!extends) state_.clear();
  return state_.position();
}

// False when cancelled; what was fed until then stays a valid state.
bool Generator::prefill(std::span<const int32_t> prompt, std::stop_token cancel) {
  for (auto rest = prompt.subspan(static_cast<size_t>(state_.position())); !rest.empty();) {
    if (cancel.stop_requested()) return false;
    const size_t chunk = std::min(rest.size(), static_cast<size_t>(options_.batch_tokens));
    const SequenceSpan span{&state_, rest.first(chunk),
                            chunk == rest.size() ? LogitsWanted::kLast : LogitsWanted::kNone};
    logits_ = forward(model_, *pool_, forward_options_, {&span, 1}, acts_).logits;
    rest = rest.subspan(chunk);
  }
  return true;
}

Result<GenerationResult> Generator::generate(const GenerationRequest& request, const TokenSink& sink,
                                             std::stop_token cancel) {
  FATHOM_RETURN_IF_ERROR(check(request));
  GenerationResult result;
  result.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  const int64_t room = std::min(request.max_tokens, context_size() - result.prompt_tokens);
  result.cached_tokens = reuse_state(request.prompt);
  FATHOM_RETURN_IF_ERROR(state_.reserve(result.prompt_tokens + room));
  Sampler sampler(request.sampling, model_.config.vocab_size);
  sampler.add_prompt(request.prompt);

  const auto prefill_start = SteadyClock::now();
  if (!prefill(request.prompt, cancel)) {
    result.end = GenerationEnd::kCancelled;
    return result;
  }
  result.prefill_seconds = seconds_since(prefill_start);

  const auto decode_start = SteadyClock::now();
  result.end = GenerationEnd::kLength;
  while (result.output_tokens < room) {
    if (cancel.stop_requested()) {
      result.end = GenerationEnd::kCancelled;
      break;
    }
    const auto logits = logits_.row_span(0);
    GeneratedToken token{.id = sampler.sample(logits, state_.position())};
    if (request.logprobs == LogprobsWanted::kYes) token.logprob = log_softmax_at(logits, token.id);
    sampler.add_output(token.id);
    ++result.output_tokens;
    const bool stop_token = std::count(request.stop_tokens.begin(), request.stop_tokens.end(), token.id) > 0;
    if (!sink(token) || stop_token) {
      result.end = GenerationEnd::kStopped;
      break;
    }
    if (result.output_tokens == room) break;
    const SequenceSpan span{&state_, {&token.id, 1}, LogitsWanted::kLast};
    logits_ = forward(model_, *pool_, forward_options_, {&span, 1}, acts_).logits;
  }
  result.decode_seconds = seconds_since(decode_start);
  return result;
}

}  // namespace fathom
