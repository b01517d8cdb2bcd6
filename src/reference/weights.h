// SPDX-License-Identifier: MIT
// Weights<T>: a whole checkpoint as plain numbers, members named as in the checkpoint (architecture.md 10).
//
// Invariant: shapes are those of the config the weights belong to. A value owned by the caller, read by any
// thread.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "reference/matrix.h"

namespace fathom::reference {

// A matrix [out, in] whose input may go through the e4m3 round trip (architecture.md 9). Matrices that never
// do so are plain Matrix members below.
template <typename T>
struct LinearWeights {
  Matrix<T> weight;
  bool quantizes_input = false;  // stored as FP8 or FP4
};

template <typename T>
struct HyperConnectionWeights {
  Matrix<T> fn;          // [(2+n)n, nD], or [n, nD] for the head
  std::vector<T> base;   // [(2+n)n], or [n]
  std::vector<T> scale;  // [3], or [1]
};

template <typename T>
struct CompressorWeights {
  Matrix<T> wkv;        // [w, D]; w = 2c with overlap, else c
  Matrix<T> wgate;      // [w, D]
  Matrix<T> ape;        // [m, w]
  std::vector<T> norm;  // [c]
};

template <typename T>
struct IndexerWeights {
  LinearWeights<T> wq_b;   // [index_n_heads c_I, q_lora_rank]
  Matrix<T> weights_proj;  // [index_n_heads, D]
  CompressorWeights<T> compressor;
};

template <typename T>
struct AttentionWeights {
  LinearWeights<T> wq_a;                           // [q_lora_rank, D]
  LinearWeights<T> wq_b;                           // [H c, q_lora_rank]
  LinearWeights<T> wkv;                            // [c, D]
  std::vector<Matrix<T>> wo_a;                     // o_groups times [o_lora_rank, H c / o_groups]
  LinearWeights<T> wo_b;                           // [D, o_groups o_lora_rank]
  std::vector<T> q_norm;                           // [q_lora_rank]
  std::vector<T> kv_norm;                          // [c]
  std::vector<T> attn_sink;                        // [H]
  std::optional<CompressorWeights<T>> compressor;  // CSA, HCA
  std::optional<IndexerWeights<T>> indexer;        // CSA
};

template <typename T>
struct ExpertWeights {
  LinearWeights<T> w1;  // [inter, D] gate
  LinearWeights<T> w2;  // [D, inter] down
  LinearWeights<T> w3;  // [inter, D] up
};

template <typename T>
struct MoeWeights {
  Matrix<T> gate;           // [E, D]
  std::vector<T> bias;      // [E]; empty in hash layers
  Matrix<int32_t> tid2eid;  // [vocab, k]; empty unless a hash layer
  std::vector<ExpertWeights<T>> experts;
  std::optional<ExpertWeights<T>> shared_experts;
};

template <typename T>
struct BlockWeights {
  HyperConnectionWeights<T> hc_attn;
  HyperConnectionWeights<T> hc_ffn;
  std::vector<T> attn_norm;  // [D]
  std::vector<T> ffn_norm;   // [D]
  AttentionWeights<T> attn;
  MoeWeights<T> ffn;
};

template <typename T>
struct MtpWeights {
  BlockWeights<T> block;
  LinearWeights<T> e_proj;  // [D, D]
  LinearWeights<T> h_proj;  // [D, D]
  std::vector<T> enorm;     // [D]
  std::vector<T> hnorm;     // [D]
  std::vector<T> norm;      // [D]
  HyperConnectionWeights<T> hc_head;
};

template <typename T>
struct Weights {
  Matrix<T> embed;      // [vocab, D]
  Matrix<T> head;       // [vocab, D]
  std::vector<T> norm;  // [D]
  HyperConnectionWeights<T> hc_head;
  std::vector<BlockWeights<T>> layers;
  std::optional<MtpWeights<T>> mtp;
};

}  // namespace fathom::reference
