// SPDX-License-Identifier: MIT
// ModelWeights: structs of views into a WeightStore, members named as in the checkpoint (architecture.md 10).
//
// Invariant: every view has the shape that the config asks for, scales are finite, tid2eid ids are distinct
// and in range; proven once by bind_model, so the model never checks again. Read by all threads.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <vector>

#include "base/view.h"
#include "numeric/weight_view.h"

namespace fathom {

// Parameters of one hyper-connection (architecture.md 2).
struct HyperConnectionWeights {
  MatView<const float> fn;       // [(2+n)n, nD], or [n, nD] for the head
  std::span<const float> base;   // [(2+n)n], or [n]
  std::span<const float> scale;  // [3], or [1]
};

// architecture.md 4: pools C and Z rows into entries.
struct CompressorWeights {
  WeightView wkv;               // [w, D], w = 2c with overlap, else c
  WeightView wgate;             // [w, D]
  MatView<const float> ape;     // [m, w]
  std::span<const float> norm;  // [c]
};

// architecture.md 5.
struct IndexerWeights {
  WeightView wq_b;          // [index_n_heads * c_I, q_lora_rank]
  WeightView weights_proj;  // [index_n_heads, D]
  CompressorWeights compressor;
};

struct AttentionWeights {
  WeightView wq_a;                   // [q_lora_rank, D]
  WeightView wq_b;                   // [H c, q_lora_rank]
  WeightView wkv;                    // [c, D]
  std::vector<WeightView> wo_a;      // o_groups views [o_lora_rank, H c / o_groups]; input never quantised
  WeightView wo_b;                   // [D, o_groups * o_lora_rank]
  std::span<const float> q_norm;     // [q_lora_rank]
  std::span<const float> kv_norm;    // [c]
  std::span<const float> attn_sink;  // [H]
  std::optional<CompressorWeights> compressor;  // CSA, HCA
  std::optional<IndexerWeights> indexer;        // CSA
};

// One SwiGLU expert: w1 gate, w3 up, w2 down.
struct ExpertWeights {
  WeightView w1;  // [inter, D]
  WeightView w2;  // [D, inter]
  WeightView w3;  // [inter, D]
};

struct MoeWeights {
  WeightView gate;                              // [E, D]
  std::span<const float> bias;                  // [E]; empty in hash layers
  MatView<const int32_t> tid2eid;               // [vocab, k]; empty unless a hash layer
  std::vector<ExpertWeights> experts;           // [E]
  std::optional<ExpertWeights> shared_experts;  // absent when n_shared_experts is 0
};

struct BlockWeights {
  HyperConnectionWeights hc_attn;
  HyperConnectionWeights hc_ffn;
  std::span<const float> attn_norm;  // [D]
  std::span<const float> ffn_norm;   // [D]
  AttentionWeights attn;
  MoeWeights ffn;
};

// architecture.md 7.
struct MtpWeights {
  BlockWeights block;
  WeightView e_proj;             // [D, D]
  WeightView h_proj;             // [D, D]
  std::span<const float> enorm;  // [D]
  std::span<const float> hnorm;  // [D]
  std::span<const float> norm;   // [D]
  HyperConnectionWeights hc_head;
};

struct ModelWeights {
  WeightView embed;             // [vocab, D], kF32 or kBf16
  WeightView head;              // [vocab, D]
  std::span<const float> norm;  // [D]
  HyperConnectionWeights hc_head;
  std::vector<BlockWeights> layers;
  std::optional<MtpWeights> mtp;
};

}  // namespace fathom
