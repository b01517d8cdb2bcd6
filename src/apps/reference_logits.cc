// SPDX-License-Identifier: MIT
#include "apps/reference_logits.h"

#include <algorithm>

#include "apps/reference_weights.h"
#include "base/concat.h"
#include "reference/transformer.h"

namespace fathom {
namespace {

template <typename T>
Result<MatBuf<T>> buffer_of(const reference::Matrix<T>& from) {
  FATHOM_ASSIGN_OR_RETURN(auto out, MatBuf<T>::allocate(from.rows, from.cols));
  std::copy(from.data.begin(), from.data.end(), out.data());
  return out;
}

Status add_choice(std::vector<TracedChoice>& list, std::string layer,
                  const reference::Matrix<int32_t>& chosen) {
  FATHOM_ASSIGN_OR_RETURN(auto copy, buffer_of(chosen));
  list.push_back({std::move(layer), std::move(copy)});
  return Status();
}

Status copy_trace(const reference::Output<float>& from, const ModelConfig& config, ScoreOutput& out) {
  const int64_t rows = from.logits.rows;
  FATHOM_ASSIGN_OR_RETURN(out.streams,
                          MatBuf<float>::allocate(static_cast<int64_t>(from.streams.size()) * rows,
                                                  int64_t{config.hc_mult} * config.hidden_size));
  float* streams = out.streams.data();
  for (const auto& layer : from.streams) streams = std::copy(layer.data.begin(), layer.data.end(), streams);
  for (size_t layer = 0; layer < from.choices.size(); ++layer) {
    FATHOM_RETURN_IF_ERROR(add_choice(out.experts, concat(layer), from.choices[layer].experts));
    if (config.layers[layer].kind != LayerKind::kCsa) continue;
    FATHOM_RETURN_IF_ERROR(add_choice(out.index, concat(layer), from.choices[layer].entries.entries));
  }
  return from.mtp_choices ? add_choice(out.experts, "mtp.0", from.mtp_choices->experts) : Status();
}

}  // namespace

Result<ScoreOutput> score_with_reference(const Model& model, MatView<const int32_t> tokens,
                                         const ScoreOptions& options) {
  FATHOM_RETURN_IF_ERROR(check_score_request(model, tokens, options));
  const auto weights = to_reference<float>(model.weights);
  const int64_t vocab = model.config.vocab_size;
  ScoreOutput out;
  FATHOM_ASSIGN_OR_RETURN(out.logits, MatBuf<float>::allocate(tokens.rows * tokens.cols, vocab));
  const bool draft = options.draft == DraftLogits::kWanted;
  if (draft) {
    FATHOM_ASSIGN_OR_RETURN(out.draft_logits,
                            MatBuf<float>::allocate(tokens.rows * (tokens.cols - 1), vocab));
  }
  for (int64_t b = 0; b < tokens.rows; ++b) {
    const bool trace = b == 0 && options.trace == Trace::kFirstSequence;
    const bool exact = options.rounding == Rounding::kNone;
    const auto got =
        reference::forward(model.config, weights, tokens.row_span(b),
                           {.rounding = exact ? reference::Rounding::kNone : reference::Rounding::kAsDeployed,
                            .mtp = draft,
                            .trace = trace});
    std::copy(got.logits.data.begin(), got.logits.data.end(), out.logits.data() + b * tokens.cols * vocab);
    std::copy(got.mtp_logits.data.begin(), got.mtp_logits.data.end(),
              out.draft_logits.data() + b * (tokens.cols - 1) * vocab);
    if (trace) FATHOM_RETURN_IF_ERROR(copy_trace(got, model.config, out));
  }
  return out;
}

}  // namespace fathom
