// SPDX-License-Identifier: MIT
// What one decoded token costs, and how many parameters a model has, by arithmetic on its config alone: the
// efficiency claims of the V4 report next to DeepSeek-V3.2 (conformance.md, `inspect --claims`).
//
// FLOPs count a multiply-add as two. `equivalent` weighs each part by its precision relative to FP8: FP4 0.5,
// FP8 1, BF16 2, F32 4. The caps of check_config_rules keep every count below 2^63. Pure functions; any
// thread.
#pragma once

#include <array>
#include <cstdint>
#include <string>

#include "config/model_config.h"
#include "io/json.h"

namespace fathom {

inline constexpr std::array<int64_t, 9> kClaimLengths = {4096,   8192,   16384,  32768,  65536,
                                                         131072, 262144, 524288, 1048576};

// The main model, without MTP; bytes as the released formats store it.
struct ParameterCounts {
  int64_t total = 0;
  int64_t active = 0;  // read for one token: chosen experts only, without the embedding table
  int64_t routed_experts = 0;
  int64_t tid2eid_entries = 0;
  int64_t fp4_expert_bytes = 0;
  int64_t fp8_bytes = 0;  // with scales
  int64_t bf16_bytes = 0;
  int64_t f32_bytes = 0;
  int64_t tid2eid_bytes = 0;

  int64_t released_bytes() const noexcept {
    return fp4_expert_bytes + fp8_bytes + bf16_bytes + f32_bytes + tid2eid_bytes;
  }
};
ParameterCounts count_parameters(const ModelConfig& config) noexcept;

// One token with `length` tokens of context.
struct TokenCost {
  int64_t linear = 0;  // projections, chosen and shared experts
  int64_t small = 0;   // f32: compressors, router, stream mixing, indexer head weights
  int64_t head = 0;    // vocabulary projection
  int64_t core = 0;    // attention over window and entries
  int64_t index = 0;   // indexer scores over all visible entries
  double equivalent = 0.0;
  int64_t kv_bytes = 0;  // of the whole context, unfinished compressor blocks not counted
};
TokenCost token_cost(const ModelConfig& config, int64_t length) noexcept;
// The same for DeepSeek-V3.2 (61 layers, 128 heads, sparse attention over 2,048 tokens).
TokenCost v32_token_cost(int64_t length) noexcept;

// {"parameters": {...}, "lengths": {"4096": {...}, ...}} and a table for people.
JsonValue claims_json(const ModelConfig& config);
std::string claims_text(const ModelConfig& config);

}  // namespace fathom
