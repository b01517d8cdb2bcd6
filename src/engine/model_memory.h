// SPDX-License-Identifier: MIT
// What running a model takes beside its weights, to the byte, from the config alone (design.md 9): the same
// arithmetic that the engine's ledger and buffers use. Pure function; any thread.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "config/memory_need.h"
#include "config/model_config.h"

namespace fathom {

// Buffers for `batch_tokens` rows on `threads` threads, with logits of `logit_rows` of them.
struct StepMemory {
  int64_t batch_tokens = 1;
  int64_t logit_rows = 1;
  int threads = 1;
};

// Rows of a step whose logits an engine with `parallel` choices at once has room for: behind the token and
// the draft of each, and some more for prompts whose logprobs are wanted.
constexpr int64_t serving_logit_rows(int64_t parallel) noexcept { return 2 * parallel + 32; }
// Rows of the buffers of a step of `batch_tokens` tokens: the draft layer may have one more row than the main
// layers for every sequence with logits.
constexpr int64_t buffer_rows(int64_t batch_tokens, int64_t logit_rows) noexcept {
  return batch_tokens + logit_rows;
}

// The parts of a model with `weights_bytes` of weights and sequences of `context` tokens.
MemoryParts model_memory(const ModelConfig& config, int64_t weights_bytes, int64_t context,
                         const StepMemory& step);

// What a server has and needs beside the states of its sequences.
struct ServingMemory {
  int64_t memory_bytes = 0;  // of the machine, or what the user allows; 92 % of it are used
  int64_t fixed_bytes = 0;   // resident weights, caches; mapped weights can be given back and do not count
  int64_t context = 0;       // tokens of a sequence
  int64_t parallel = 1;      // sequences at once
  StepMemory step;
};

// Bytes for the states of sequences: what is left, at most `parallel` full contexts. kResourceExhausted,
// naming what is missing, when not even one fits.
Result<int64_t> state_budget(const ModelConfig& config, const ServingMemory& serving);

}  // namespace fathom
