// SPDX-License-Identifier: MIT
#include "engine/score.h"

#include <algorithm>
#include <memory>

#include "base/concat.h"
#include "model/transformer.h"

namespace fathom {
namespace {

// Scores one sequence after the other and copies what is asked for out of the activations.
class Scorer {
 public:
  Scorer(const Model& model, MatView<const int32_t> tokens, const ScoreOptions& options)
      : model_(model), tokens_(tokens), options_(options) {
    chunk_ = options.chunk == 0 ? tokens.cols : std::min(options.chunk, tokens.cols);
  }

  Status prepare() {
    const ModelConfig& c = model_.config;
    FATHOM_ASSIGN_OR_RETURN(pool_, ThreadPool::create(options_.threads));
    const ActivationSizes sizes{.batch_tokens = chunk_, .logit_rows = chunk_, .workers = options_.threads};
    FATHOM_ASSIGN_OR_RETURN(acts_, Activations::create(c, sizes));
    FATHOM_ASSIGN_OR_RETURN(out_.logits, MatBuf<float>::allocate(tokens_.rows * tokens_.cols, c.vocab_size));
    if (options_.draft == DraftLogits::kWanted) {
      FATHOM_ASSIGN_OR_RETURN(out_.draft_logits,
                              MatBuf<float>::allocate(tokens_.rows * (tokens_.cols - 1), c.vocab_size));
    }
    return options_.trace == Trace::kFirstSequence ? prepare_trace() : Status();
  }

  Status run(int64_t sequence) {
    FATHOM_ASSIGN_OR_RETURN(SequenceState state, SequenceState::create(model_.config, tokens_.cols,
                                                                       row_precision(options_.rounding)));
    for (int64_t first = 0; first < tokens_.cols; first += chunk_) {
      const int64_t rows = std::min(chunk_, tokens_.cols - first);
      const SequenceSpan span{
          &state, {tokens_.row(sequence) + first, static_cast<size_t>(rows)}, LogitsWanted::kAll};
      const bool traced = sequence == 0 && options_.trace == Trace::kFirstSequence;
      const StepOutput step =
          forward(model_, *pool_, forward_options(traced, first, rows), {&span, 1}, acts_);
      copy_rows(step.logits, out_.logits.view(), sequence * tokens_.cols + first);
      if (options_.draft == DraftLogits::kSkip) continue;
      const int64_t draft_first = std::max<int64_t>(0, first - 1);
      copy_rows(step.draft_logits, out_.draft_logits.view(), sequence * (tokens_.cols - 1) + draft_first);
      if (traced) copy_routes(step.draft_logits.rows, draft_first, out_.experts.back());
    }
    return Status();
  }

  ScoreOutput take() { return std::move(out_); }

 private:
  Status prepare_trace() {
    const ModelConfig& c = model_.config;
    const auto layers = static_cast<int64_t>(c.layers.size());
    FATHOM_ASSIGN_OR_RETURN(out_.streams, MatBuf<float>::allocate((layers + 1) * tokens_.cols,
                                                                  int64_t{c.hc_mult} * c.hidden_size));
    for (int64_t layer = 0; layer < layers; ++layer) {
      FATHOM_RETURN_IF_ERROR(add_choice(out_.experts, concat(layer), tokens_.cols, c.num_experts_per_tok));
      if (c.layers[layer].kind != LayerKind::kCsa) continue;
      const int64_t entries = tokens_.cols / c.layers[layer].compress_ratio;
      FATHOM_RETURN_IF_ERROR(
          add_choice(out_.index, concat(layer), tokens_.cols, std::min<int64_t>(c.index_topk, entries)));
    }
    if (options_.draft == DraftLogits::kSkip) return Status();
    return add_choice(out_.experts, "mtp.0", tokens_.cols - 1, c.num_experts_per_tok);
  }

  static Status add_choice(std::vector<TracedChoice>& list, std::string layer, int64_t rows, int64_t cols) {
    FATHOM_ASSIGN_OR_RETURN(auto chosen, MatBuf<int32_t>::allocate(rows, cols));
    list.push_back({std::move(layer), std::move(chosen)});
    return Status();
  }

  ForwardOptions forward_options(bool traced, int64_t first, int64_t rows) {
    ForwardOptions options{
        .rounding = options_.rounding,
        .draft = options_.draft == DraftLogits::kWanted ? DraftLayer::kRun : DraftLayer::kSkip};
    if (traced) {
      options.observer = [this, first, rows](int layer, const Activations&) {
        copy_layer(layer, first, rows);
      };
    }
    return options;
  }

  // Streams and choices of one layer, rows [first, first + rows) of sequence 0.
  void copy_layer(int layer, int64_t first, int64_t rows) {
    copy_rows(acts_.streams.view().slice_rows(0, rows), out_.streams.view(),
              (layer + 1) * tokens_.cols + first);
    if (layer < 0) return;
    copy_routes(rows, first, out_.experts[layer]);
    const std::string name = concat(layer);
    for (TracedChoice& choice : out_.index) {
      if (choice.layer == name) copy_entries(rows, first, choice);
    }
  }

  void copy_routes(int64_t rows, int64_t first, TracedChoice& out) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t slot = 0; slot < out.chosen.cols(); ++slot) {
        out.chosen.view().at(first + row, slot) = acts_.moe.routes.view().at(row, slot).expert;
      }
    }
  }

  void copy_entries(int64_t rows, int64_t first, TracedChoice& out) {
    for (int64_t row = 0; row < rows; ++row) {
      for (int64_t rank = 0; rank < out.chosen.cols(); ++rank) {
        const bool kept = rank < acts_.attention.chosen_count[row];
        out.chosen.view().at(first + row, rank) = kept ? acts_.attention.chosen.view().at(row, rank) : -1;
      }
    }
  }

  static void copy_rows(MatView<const float> from, MatView<float> to, int64_t first) {
    for (int64_t row = 0; row < from.rows; ++row) std::copy_n(from.row(row), from.cols, to.row(first + row));
  }

  const Model& model_;
  MatView<const int32_t> tokens_;
  ScoreOptions options_;
  int64_t chunk_ = 1;
  std::unique_ptr<ThreadPool> pool_;
  Activations acts_;
  ScoreOutput out_;
};

}  // namespace

Status check_score_request(const Model& model, MatView<const int32_t> tokens, const ScoreOptions& options) {
  const ModelConfig& config = model.config;
  if (tokens.rows < 1 || tokens.cols < 1) {
    return Status(StatusCode::kInvalidArgument,
                  concat("tokens: expected at least one token, found [", tokens.rows, ",", tokens.cols, "]"));
  }
  if (tokens.cols > config.max_position_embeddings) {
    return Status(StatusCode::kInvalidArgument,
                  concat("tokens: expected at most ", config.max_position_embeddings,
                         " a sequence (the model's context), found ", tokens.cols));
  }
  for (int64_t b = 0; b < tokens.rows; ++b) {
    for (int64_t t = 0; t < tokens.cols; ++t) {
      if (tokens.at(b, t) >= 0 && tokens.at(b, t) < config.vocab_size) continue;
      return Status(StatusCode::kInvalidArgument, concat("tokens[", b, ",", t, "]: expected an id below ",
                                                         config.vocab_size, ", found ", tokens.at(b, t)));
    }
  }
  if (options.chunk < 0) {
    return Status(StatusCode::kInvalidArgument,
                  concat("chunk: expected 0 or more tokens, found ", options.chunk));
  }
  if (options.draft == DraftLogits::kWanted && !model.weights.mtp) {
    return Status(StatusCode::kInvalidArgument, "mtp: expected a model with an MTP layer, found none");
  }
  return Status();
}

Result<ScoreOutput> score(const Model& model, MatView<const int32_t> tokens, const ScoreOptions& options) {
  FATHOM_RETURN_IF_ERROR(check_score_request(model, tokens, options));
  Scorer scorer(model, tokens, options);
  FATHOM_RETURN_IF_ERROR(scorer.prepare());
  for (int64_t sequence = 0; sequence < tokens.rows; ++sequence) FATHOM_RETURN_IF_ERROR(scorer.run(sequence));
  return scorer.take();
}

}  // namespace fathom
