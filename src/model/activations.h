// SPDX-License-Identifier: MIT
// Activations: every intermediate of one step, sized once for the largest batch (design.md 4).
//
// Invariant: after create() nothing grows; a step of T rows uses the first T rows of each buffer. Buffers of
// a layer are overwritten by the next one. Owned by the engine; engine thread and its pool.
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "base/buffer.h"
#include "config/model_config.h"
#include "ops/attend.h"
#include "ops/route.h"
#include "ops/top_k.h"
#include "state/sequence_state.h"

namespace fathom {

// Intermediates of one sublayer's hyper-connection (architecture.md 2).
struct HcActivations {
  static Result<HcActivations> create(const ModelConfig& config, int64_t rows);

  MatBuf<float> logits;   // [T, (2+n)n]
  MatBuf<float> pre;      // [T, n]
  MatBuf<float> post;     // [T, n]
  MatBuf<float> comb;     // [T, n n]
  MatBuf<float> x;        // [T, D] normed sublayer input
  MatBuf<float> x_quant;  // [T, D] the same through the activation round trip
  MatBuf<float> y;        // [T, D] sublayer output
};

struct CompressorActivations {
  MatBuf<float> c;  // [T, w]
  MatBuf<float> z;  // [T, w] position bias added
};

// architecture.md 3 to 5.
struct AttentionActivations {
  static Result<AttentionActivations> create(const ModelConfig& config, int64_t rows);

  MatBuf<float> q_latent;        // [T, q_lora_rank] after its norm
  MatBuf<float> q_latent_quant;  // the same through the activation round trip
  MatBuf<float> q;               // [T, H c]
  MatBuf<float> kv;              // [T, c]
  MatBuf<float> out;             // [T, H c] after the conjugate rotation
  MatBuf<float> latent;          // [T, o_groups o_lora_rank]
  MatBuf<float> latent_quant;
  CompressorActivations compressor;
  MatBuf<float> index_q;        // [T, index_n_heads c_I]
  MatBuf<float> index_weights;  // [T, index_n_heads]
  CompressorActivations indexer;
  MatBuf<int32_t> chosen;             // [T, index_topk] ascending entries of the layer
  std::vector<int64_t> chosen_count;  // [T]
};

// architecture.md 6. Rows grouped by expert: slot s of token t lies at row `slot_row[t k + s]`.
struct MoeActivations {
  static Result<MoeActivations> create(const ModelConfig& config, int64_t rows);

  MatBuf<float> scores;               // [T, E]
  MatBuf<Route> routes;               // [T, k] best first
  MatBuf<int32_t> slot_row;           // [T, k]
  std::vector<int64_t> expert_begin;  // [E + 1] first grouped row of each expert
  MatBuf<float> x;                    // [T k, D] inputs grouped by expert
  MatBuf<float> weight;               // [T k, 1] routing weight of each grouped row
  MatBuf<float> gate;                 // [T k, inter]
  MatBuf<float> up;                   // [T k, inter]
  MatBuf<float> y;                    // [T k, D]
  MatBuf<float> shared_gate;          // [T, shared inter]
  MatBuf<float> shared_up;            // [T, shared inter]
  MatBuf<float> shared_y;             // [T, D]
};

// Scratch of one worker.
struct WorkerScratch {
  std::vector<float> running_max;       // [H]
  std::vector<float> running_sum;       // [H]
  std::vector<uint8_t> index_query;     // of one token, as the scan wants it
  std::vector<float> index_scores;      // [RowStore::kPageRows]
  std::vector<ScoredIndex> candidates;  // [2 index_topk]
  StreamingTopK best{{}};               // what the worker kept of its pages, in `candidates`
  std::vector<const float*> c_rows;     // [2m]
  std::vector<const float*> z_rows;     // [2m]
  std::vector<float> rows;              // [kAttendBlock, c] unpacked rows of the state
  std::vector<float> cos;               // [r / 2] angles of an entry
  std::vector<float> sin;
};

enum class LogitsWanted : uint8_t { kNone, kLast, kAll };

// The rows of one sequence within a step, for the layer at hand.
struct LayerSpan {
  LayerState* state = nullptr;
  int64_t first_row = 0;  // within the stacked batch
  int64_t rows = 0;
  int64_t position = 0;      // of the first row
  int64_t window_begin = 0;  // no window row before this position exists
  LogitsWanted logits = LogitsWanted::kNone;
};

// Whether the draft row of the token before a step's tokens is still to be computed, from the streams that
// the state carries.
enum class DraftLag : uint8_t { kBehind, kNone };

// What the draft layer takes of one sequence after a step (architecture.md 7). Draft row t needs the streams
// of token t and the embedding of token t + 1, and predicts token t + 2.
struct DraftSpan {
  SequenceState* state = nullptr;  // behind the step; tokens that were not kept are trimmed
  int64_t first_row = 0;           // of the step's batch: the first token
  int64_t tokens = 0;              // of the step that were kept, at least 1
  DraftLag lag = DraftLag::kBehind;
  int64_t window_begin = 0;     // first position whose draft row exists; 0 if the layer always ran
  std::optional<int32_t> next;  // the token that will follow, which makes one more row possible
  LogitsWanted logits = LogitsWanted::kNone;
};

struct ActivationSizes {
  int64_t batch_tokens = 1;  // T: rows of a step
  int64_t logit_rows = 1;    // rows of a step whose logits may be asked for
  int workers = 1;
};

struct Activations {
  static Result<Activations> create(const ModelConfig& config, const ActivationSizes& sizes);
  // Bytes of the buffers of activations created so.
  static int64_t bytes_for(const ModelConfig& config, const ActivationSizes& sizes);

  ActivationSizes sizes;
  std::vector<LayerSpan> spans;        // of the layer at hand, at most T
  std::vector<DraftSpan> draft_spans;  // of a forward that runs the draft layer itself, at most T
  std::vector<int64_t> positions;      // [T]
  std::vector<int32_t> row_tokens;     // [T]
  MatBuf<float> window_cos;            // [T, r/2] angles of each row's position, window layers
  MatBuf<float> window_sin;
  MatBuf<float> compressed_cos;  // the same for compressed layers
  MatBuf<float> compressed_sin;
  MatBuf<float> streams;        // [T, n D]
  MatBuf<float> draft_streams;  // [T, n D] of the draft layer
  MatBuf<float> draft_hidden;   // [T, n D] its normed input streams
  MatBuf<float> embedding;      // [T, D] token embeddings
  HcActivations hc;
  AttentionActivations attention;
  MoeActivations moe;
  MatBuf<float> hidden;                // [logit_rows, D] collapsed and normed
  MatBuf<float> logits;                // [logit_rows, V]
  MatBuf<float> draft_logits;          // [logit_rows, V]
  std::vector<WorkerScratch> scratch;  // one per worker
};

}  // namespace fathom
