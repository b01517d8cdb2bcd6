// SPDX-License-Identifier: MIT
// GradientPass: forward, losses and backward of one micro-batch (training.md 1 to 3; design.md 14).
//
// Each document is a span that starts from an empty state, so packed documents compute what they would alone.
// The forward is the blocks of model/, with a tape a layer. Sized once; owned by the trainer, trainer thread
// and its pool. Gradient bits depend on the batch alone, not on the number of workers.
#pragma once

#include <cstdint>
#include <vector>

#include "model/backward_step.h"
#include "model/gradients.h"
#include "model/mtp_backward.h"
#include "model/tape.h"
#include "train/batch.h"
#include "train/head_loss.h"

namespace fathom {

// Coefficients of the losses; 0: left out.
struct LossCoefficients {
  double lm = 1.0;
  double mtp = 0.0;
  double index = 0.0;
  double balance = 0.0;
};

// Each the mean that training.md 2 defines, without its coefficient; micro-batches of a step add up.
struct LossValues {
  double lm = 0.0;
  double mtp = 0.0;
  double index = 0.0;
  double balance = 0.0;

  double total(const LossCoefficients& c) const noexcept {
    return c.lm * lm + c.mtp * mtp + c.index * index + c.balance * balance;
  }
};

// Dense: index_topk is ignored, every token of a CSA layer attends to all visible entries (training.md 9).
enum class CsaAttention : uint8_t { kSparse, kDense };

struct PassOptions {
  int64_t rows = 0;  // of the largest batch
  int workers = 1;
  CsaAttention attention = CsaAttention::kSparse;
  Rounding rounding = Rounding::kNone;
};

// (token, slot) pairs that each expert received: [layers, then the draft layer][E].
using ExpertLoads = std::vector<std::vector<int64_t>>;

// What one run adds to.
struct PassResults {
  ModelGradients& gradients;
  LossValues& losses;
  ExpertLoads& loads;
};

class GradientPass {
 public:
  // `weights` are borrowed and may change between runs. kResourceExhausted without memory.
  static Result<GradientPass> create(const ModelConfig& config, const ModelWeights& weights,
                                     const PassOptions& options);

  // Adds the batch's share of the step's losses, gradients and loads. Requires at most options.rows rows and
  // ids in the vocabulary. kResourceExhausted when there is no memory for the documents' states.
  Status run(ThreadPool& pool, const TrainingBatch& batch, const StepCounts& counts,
             const LossCoefficients& coefficients, const PassResults& results);

  // The sums of cross entropies of the batch, main and draft, without gradients.
  Status losses(ThreadPool& pool, const TrainingBatch& batch, LossValues& sums);

  const ModelConfig& config() const noexcept { return model_.config; }
  ExpertLoads no_loads() const;

 private:
  GradientPass(Model model, PassOptions options) : model_(std::move(model)), options_(options) {}

  Status prepare_states(const TrainingBatch& batch);
  void place_documents(StepContext& step, const TrainingBatch& batch) noexcept;
  void place_drafts(StepContext& step, const TrainingBatch& batch) noexcept;
  void use_layer(StepContext& step, size_t layer) noexcept;
  void use_draft_layer(StepContext& step) noexcept;
  void forward(StepContext& step, const TrainingBatch& batch) noexcept;
  void forward_draft(StepContext& draft, const TrainingBatch& batch) noexcept;
  MatView<const float> collapse(StepContext& step, const HyperConnectionWeights& w,
                                std::span<const float> norm, MatView<float> streams) noexcept;
  void backward_head(BackwardStep& b, const TrainingBatch& batch, double scale,
                     const PassResults& results) noexcept;
  void backward_draft(StepContext& step, const TrainingBatch& batch, const StepCounts& counts,
                      double coefficient, const PassResults& results) noexcept;
  void backward_layers(BackwardStep& b, const TrainingBatch& batch, const StepCounts& counts,
                       const LossCoefficients& coefficients, const PassResults& results) noexcept;
  void backward_embedding(StepContext& step, const TrainingBatch& batch, MatrixGradient& d_embed) noexcept;
  void count_loads(const MoeActivations& acts, std::vector<int64_t>& loads) const;

  Model model_;
  PassOptions options_;
  Activations acts_;
  BackwardScratch scratch_;
  HeadLoss head_;
  std::vector<BlockTape> tapes_;       // one a layer, the draft layer's last
  MatBuf<float> d_streams_;            // [T, n D]
  MatBuf<float> d_draft_;              // [T, n D]
  MatBuf<float> d_embedding_;          // [T, D]
  MatBuf<float> hidden_;               // [T, D]
  MatBuf<float> d_hidden_;             // [T, D]
  std::vector<SequenceState> states_;  // one a document
  std::vector<DraftSource> draft_sources_;
  std::vector<int32_t> draft_targets_;  // of the draft rows
};

}  // namespace fathom
