// SPDX-License-Identifier: MIT
// Generator: one sequence at a time on the caller's thread, by the steps that the Engine takes (design.md 4,
// 11).
//
// It keeps the state of the last sequence: a prompt that begins with all of it continues from there, any
// other prompt starts anew, and the answer is the same either way. Decoding a token allocates nothing. One
// thread uses it.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <stop_token>

#include "engine/event_sink.h"
#include "engine/request.h"
#include "engine/speculation.h"
#include "engine/step_runner.h"

namespace fathom {

enum class GenerationEnd : uint8_t { kStopped, kLength, kCancelled };

struct GenerationResult {
  GenerationEnd end = GenerationEnd::kStopped;
  int64_t prompt_tokens = 0;
  int64_t cached_tokens = 0;  // of the prompt, taken from the state of the last sequence
  int64_t output_tokens = 0;  // stop token included
  int64_t drafted_tokens = 0;
  int64_t accepted_tokens = 0;  // of the drafted
  double prefill_seconds = 0.0;
  double decode_seconds = 0.0;
};

// Receives each token as it is sampled; false ends the answer with kStopped (a stop text was found).
using TokenSink = std::function<bool(const GeneratedToken&)>;

struct GeneratorOptions {
  int threads = 1;
  Rounding rounding = Rounding::kAsDeployed;
  int64_t batch_tokens = 256;  // rows of a prefill chunk; results do not depend on it
  DraftPolicy drafts = DraftPolicy::kWhenFaster;
};

class Generator {
 public:
  // `model` must outlive the generator.
  static Result<std::unique_ptr<Generator>> create(const Model& model, const GeneratorOptions& options);

  // One choice; tenant, priority, deadline and drafts of the request do not count. kInvalidArgument for a bad
  // request, kOutOfRange for a prompt longer than the context, kResourceExhausted without memory for it,
  // kCorrupt for a model whose logits are not finite. A cancelled request ends within one step.
  Result<GenerationResult> generate(const Request& request, const TokenSink& sink, std::stop_token cancel);

  // Tokens in the kept state, and the most it can hold.
  int64_t position() const noexcept { return state_.position(); }
  int64_t context_size() const noexcept { return model_.config.max_position_embeddings; }
  void reset() noexcept { state_.clear(); }

 private:
  Generator(const Model& model, const GeneratorOptions& options, std::unique_ptr<StepRunner> runner,
            SequenceState state);

  int64_t reuse_state(std::span<const int32_t> prompt);
  bool prefill(std::span<const int32_t> prompt, Choice& choice, int64_t limit, const std::stop_token& cancel);
  Result<GenerationEnd> answer(Choice& choice, const TokenSink& sink, const std::stop_token& cancel,
                               GenerationResult& result);

  const Model& model_;
  Speculation speculation_;
  std::unique_ptr<StepRunner> runner_;
  SequenceState state_;
};

}  // namespace fathom
