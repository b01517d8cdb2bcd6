// SPDX-License-Identifier: MIT
#include "engine/generator.h"

#include <algorithm>
#include <chrono>

#include "engine/check_request.h"

namespace fathom {
namespace {

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

Generator::Generator(const Model& model, const GeneratorOptions& options, std::unique_ptr<StepRunner> runner,
                     SequenceState state)
    : model_(model), speculation_(options.drafts), runner_(std::move(runner)), state_(std::move(state)) {}

Result<std::unique_ptr<Generator>> Generator::create(const Model& model, const GeneratorOptions& options) {
  FATHOM_ASSIGN_OR_RETURN(auto runner, StepRunner::create(model, {.threads = options.threads,
                                                                  .rounding = options.rounding,
                                                                  .batch_tokens = options.batch_tokens,
                                                                  .logit_rows = 2}));
  FATHOM_ASSIGN_OR_RETURN(auto state,
                          SequenceState::create(model.config, 0, row_precision(options.rounding)));
  return std::unique_ptr<Generator>(new Generator(model, options, std::move(runner), std::move(state)));
}

// Tokens of the prompt that the kept state already holds. The last prompt token is always fed, as its logits
// are needed; a state is only ever extended, never cut.
int64_t Generator::reuse_state(std::span<const int32_t> prompt) {
  const auto held = state_.tokens();
  const bool extends = held.size() < prompt.size() && std::equal(held.begin(), held.end(), prompt.begin());
  if (!extends) state_.clear();
  return state_.position();
}

// False when cancelled; what was fed until then stays a valid state. The choice samples behind the last
// token, if it may have any.
bool Generator::prefill(std::span<const int32_t> prompt, Choice& choice, int64_t limit,
                        const std::stop_token& cancel) {
  Choice* const choices[] = {&choice};
  for (auto rest = prompt.subspan(static_cast<size_t>(choice.state.position())); !rest.empty();) {
    if (cancel.stop_requested()) return false;
    const size_t chunk = std::min(rest.size(), static_cast<size_t>(runner_->sizes().batch_tokens));
    StepItem item{.kind = StepKind::kPrefill, .owner = &choice, .tokens = rest.first(chunk), .choices = {}};
    if (chunk == rest.size() && limit > 0) {
      item.wanted = LogitsWanted::kLast;
      item.choices = choices;
    }
    runner_->run({&item, 1}, speculation_.next(0));
    rest = rest.subspan(chunk);
  }
  return true;
}

// Hands sampled tokens on and decodes more until the answer is complete.
Result<GenerationEnd> Generator::answer(Choice& choice, const TokenSink& sink, const std::stop_token& cancel,
                                        GenerationResult& result) {
  Choice* const choices[] = {&choice};
  while (true) {
    for (const SampledToken& token : choice.fresh()) {
      if (cancel.stop_requested()) return GenerationEnd::kCancelled;
      ++result.output_tokens;
      if (sink(token.view())) continue;
      choice.finish(ChoiceEnd::kStopped);
      break;
    }
    if (choice.end() == ChoiceEnd::kAborted) {
      return Status(StatusCode::kCorrupt, "model: logits: expected finite values, found others");
    }
    if (choice.end()) {
      return choice.end() == ChoiceEnd::kStopped ? GenerationEnd::kStopped : GenerationEnd::kLength;
    }
    if (cancel.stop_requested()) return GenerationEnd::kCancelled;
    StepItem item{.kind = StepKind::kDecode,
                  .owner = &choice,
                  .tokens = choice.next_tokens(),
                  .wanted = LogitsWanted::kAll,
                  .choices = choices};
    const auto start = std::chrono::steady_clock::now();
    runner_->run({&item, 1}, speculation_.next(1));
    speculation_.measured(1, static_cast<int64_t>(choice.fresh().size()), seconds_since(start));
  }
}

Result<GenerationResult> Generator::generate(const Request& request, const TokenSink& sink,
                                             std::stop_token cancel) {
  FATHOM_RETURN_IF_ERROR(check_request(model_.config, request, context_size()));
  GenerationResult result;
  result.prompt_tokens = static_cast<int64_t>(request.prompt.size());
  const int64_t limit = output_limit(request, context_size());
  result.cached_tokens = reuse_state(request.prompt);
  FATHOM_RETURN_IF_ERROR(state_.reserve(result.prompt_tokens + limit));
  Choice choice(request, 0, limit, model_.config.vocab_size);
  choice.state = std::move(state_);

  const auto prefill_start = std::chrono::steady_clock::now();
  const bool prefilled = prefill(request.prompt, choice, limit, cancel);
  result.prefill_seconds = seconds_since(prefill_start);

  const auto decode_start = std::chrono::steady_clock::now();
  Result<GenerationEnd> end = prefilled ? GenerationEnd::kLength : GenerationEnd::kCancelled;
  if (prefilled && limit > 0) end = answer(choice, sink, cancel, result);
  result.decode_seconds = seconds_since(decode_start);
  result.drafted_tokens = choice.drafted();
  result.accepted_tokens = choice.accepted();
  state_ = std::move(choice.state);
  FATHOM_ASSIGN_OR_RETURN(result.end, std::move(end));
  return result;
}

}  // namespace fathom
