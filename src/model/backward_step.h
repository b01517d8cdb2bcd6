// SPDX-License-Identifier: MIT
// BackwardStep: what every mechanism of one backward pass needs, borrowed for it: the forward's context,
// scratch, and what the auxiliary losses ask for (training.md 1, 2).
//
// Scratch is sized once for the largest batch and overwritten by every layer. Owned by the trainer; trainer
// thread and its pool.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "model/step.h"
#include "ops/slices.h"

namespace fathom {

struct RowRange {
  int64_t begin = 0;
  int64_t end = 0;
  int64_t size() const noexcept { return end - begin; }
};

// Coefficients, already divided by what the mean is over; 0: the loss is not wanted.
struct AuxiliaryLosses {
  float index_scale = 0.0F;             // c_I over the tokens with visible entries of the whole step
  float balance_scale = 0.0F;           // c_B over the sequences of the whole step
  std::span<const RowRange> sequences;  // rows of the batch, for the balance loss
};

// Sums, not scaled: over tokens and layers, over sequences and layers.
struct AuxiliarySums {
  double index = 0.0;
  double balance = 0.0;
};

// Attention of one token block, per worker.
struct AttendBackwardScratch {
  MatBuf<float> q;                // [block rows, c]
  MatBuf<float> d_out;            // [block rows, c]
  MatBuf<float> d_q;              // [block rows, c]
  MatBuf<float> keys;             // [S, c]
  MatBuf<float> keys_transposed;  // [c, S]
  MatBuf<float> d_keys;           // [S, c]
  MatBuf<float> weights;          // [block rows, S]
  MatBuf<float> d_weights;        // [block rows, S]
  MatBuf<uint8_t> allowed;        // [block tokens, S]
  std::vector<int32_t> entries;   // [S] entries of the block's list
  std::vector<int32_t> place;     // [E] where an entry lies in that list, -1: not there
  MatBuf<float> index_q;          // [block rows, c_I]
  MatBuf<float> d_index_q;
  MatBuf<float> index_keys;             // [S, c_I]
  MatBuf<float> index_keys_transposed;  // [c_I, S]
  MatBuf<float> d_index_keys;           // [S, c_I]
  MatBuf<float> dots;                   // [block rows, S]
  MatBuf<float> teacher;                // [block tokens, S]
  MatBuf<float> scores;                 // [block tokens, S]
};

struct WorkerBackwardScratch {
  AttendBackwardScratch attend;
  std::vector<float> hc;    // hc_backward_scratch
  std::vector<float> row;   // [max(n D, H c)]
  std::vector<float> comb;  // [n n]
  std::vector<float> cos;   // [r / 2]
  std::vector<float> sin;
  std::vector<const float*> c_rows;  // [2m]
  std::vector<const float*> z_rows;
  std::vector<float*> d_c_rows;
  std::vector<float*> d_z_rows;
};

// Tokens that the attention backward takes at once, and the parts that the heads are cut into: both fixed, so
// that sums do not depend on the number of workers.
inline constexpr int64_t kBlockTokens = 16;
inline constexpr int kHeadGroups = 4;

struct BackwardScratch {
  static Result<BackwardScratch> create(const ModelConfig& config, int64_t rows, int workers);

  MatBuf<float> d_y;  // [T, D] by the sublayer's output
  MatBuf<float> d_x;  // [T, D] by its normed input
  MatBuf<float> d_post;
  MatBuf<float> d_comb;
  MatBuf<float> d_mix;     // [T, (2+n)n]
  MatBuf<float> partials;  // [kSlices, widest vector parameters]

  MatBuf<float> d_latent;         // [T, o_groups o_lora_rank]
  MatBuf<float> d_out;            // [T, H c]
  MatBuf<float> d_q;              // [T, H c]
  MatBuf<float> raw_q;            // [T, H c] before the norm
  MatBuf<float> d_q_latent;       // [T, q_lora_rank]
  MatBuf<float> raw_q_latent;     // [T, q_lora_rank]
  MatBuf<float> raw_kv;           // [T, c]
  MatBuf<float> d_kv;             // [kHeadGroups T, c]
  MatBuf<float> d_entries;        // [kHeadGroups E, c]; group g from row g E
  MatBuf<float> d_sink;           // [documents kHeadGroups, H]
  MatBuf<float> d_index_q;        // [T, index_n_heads c_I]
  MatBuf<float> d_index_w;        // [T, index_n_heads]
  MatBuf<float> d_index_keys;     // [E, c_I]
  MatBuf<float> d_c;              // [T, w]
  MatBuf<float> d_z;              // [T, w]
  std::vector<double> losses;     // [documents]
  std::vector<RowRange> entries;  // of each document, within the stacked entries

  MatBuf<float> d_yg;      // [T k, D] grouped by expert
  MatBuf<float> d_xg;      // [T k, D]
  MatBuf<float> d_hidden;  // [T k, inter]
  MatBuf<float> gate;      // [T k, inter] before the activation
  MatBuf<float> d_weight;  // [T k, 1]
  MatBuf<float> shared_d_hidden;
  MatBuf<float> shared_gate;
  MatBuf<float> d_scores;       // [T, E]
  std::vector<double> balance;  // [E] mean share of each expert in a sequence

  MatBuf<float> d_embedding;  // [T, D] of the draft layer's inputs
  MatBuf<float> d_normed;     // [T n, D]

  std::vector<WorkerBackwardScratch> workers;
};

struct BackwardStep {
  StepContext& step;
  BackwardScratch& scratch;
  const AuxiliaryLosses& wanted;
  AuxiliarySums& sums;

  // The first T rows of a buffer.
  template <typename T>
  MatView<T> rows(MatBuf<T>& buf) const noexcept {
    return buf.view().slice_rows(0, step.rows);
  }
};

// Sets a matrix to 0, its rows shared out.
void clear_rows(ThreadPool& pool, MatView<float> m) noexcept;

}  // namespace fathom
