// SPDX-License-Identifier: MIT
// ModelGradients: where the derivatives of a loss by every parameter go, in the shape of ModelWeights
// (training.md 1). Members named as in the checkpoint.
//
// Invariant: shapes are those of the weights. Everything is added to. `w` of a matrix holds the values that
// the forward used as f32, so a quantised shadow of the master, where there is one (training.md 7). Views;
// the trainer owns the memory. gate.bias and tid2eid have no gradient.
#pragma once

#include <optional>
#include <span>
#include <vector>

#include "base/view.h"

namespace fathom {

struct MatrixGradient {
  MatView<const float> w;  // [out, in]
  MatView<float> d_w;      // [out, in]
};

struct HyperConnectionGradients {
  MatrixGradient fn;
  std::span<float> base;
  std::span<float> scale;
};

struct CompressorGradients {
  MatrixGradient wkv;
  MatrixGradient wgate;
  MatView<float> ape;
  std::span<float> norm;
};

struct IndexerGradients {
  MatrixGradient wq_b;
  MatrixGradient weights_proj;
  CompressorGradients compressor;
};

struct AttentionGradients {
  MatrixGradient wq_a;
  MatrixGradient wq_b;
  MatrixGradient wkv;
  std::vector<MatrixGradient> wo_a;  // one a group
  MatrixGradient wo_b;
  std::span<float> q_norm;
  std::span<float> kv_norm;
  std::span<float> attn_sink;
  std::optional<CompressorGradients> compressor;
  std::optional<IndexerGradients> indexer;
};

struct ExpertGradients {
  MatrixGradient w1;
  MatrixGradient w2;
  MatrixGradient w3;
};

struct MoeGradients {
  MatrixGradient gate;
  std::vector<ExpertGradients> experts;
  std::optional<ExpertGradients> shared_experts;
};

struct BlockGradients {
  HyperConnectionGradients hc_attn;
  HyperConnectionGradients hc_ffn;
  std::span<float> attn_norm;
  std::span<float> ffn_norm;
  AttentionGradients attn;
  MoeGradients ffn;
};

struct MtpGradients {
  BlockGradients block;
  MatrixGradient e_proj;
  MatrixGradient h_proj;
  std::span<float> enorm;
  std::span<float> hnorm;
  std::span<float> norm;
  HyperConnectionGradients hc_head;
};

struct ModelGradients {
  MatrixGradient embed;
  MatrixGradient head;
  std::span<float> norm;
  HyperConnectionGradients hc_head;
  std::vector<BlockGradients> layers;
  std::optional<MtpGradients> mtp;
};

}  // namespace fathom
