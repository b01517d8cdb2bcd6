// SPDX-License-Identifier: MIT
// `fathom logits`: the forward pass from token ids to a safetensors file (conformance.md).
#include "apps/commands.h"
#include "apps/reference_logits.h"
#include "apps/standard_streams.h"
#include "apps/token_input.h"
#include "base/concat.h"
#include "engine/compute.h"
#include "engine/loaded_model.h"
#include "engine/score.h"
#include "weights/tensor_list.h"

namespace fathom {
namespace {

void add_choices(TensorList& out, std::string_view kind, const std::vector<TracedChoice>& choices) {
  for (const TracedChoice& choice : choices) {
    out.add(concat(kind, ".", choice.layer, ".chosen"), Dtype::kI32,
            {choice.chosen.rows(), choice.chosen.cols()}, choice.chosen);
  }
}

std::string result_file(const ScoreOutput& scored, const ModelConfig& config, MatView<const int32_t> tokens,
                        const ScoreOptions& options) {
  TensorList out;
  out.add("logits", Dtype::kF32, {tokens.rows, tokens.cols, config.vocab_size}, scored.logits);
  if (options.draft == DraftLogits::kWanted) {
    out.add("mtp_logits", Dtype::kF32, {tokens.rows, tokens.cols - 1, config.vocab_size},
            scored.draft_logits);
  }
  if (options.trace == Trace::kFirstSequence) {
    out.add("streams", Dtype::kF32,
            {static_cast<int64_t>(config.layers.size()) + 1, tokens.cols, config.hc_mult, config.hidden_size},
            scored.streams);
    add_choices(out, "router", scored.experts);
    add_choices(out, "indexer", scored.index);
  }
  return out.bytes();
}

}  // namespace

Status run_logits(const LogitsCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const Compute compute,
                          configure_compute(command.compute.isa, command.compute.threads));
  FATHOM_ASSIGN_OR_RETURN(const TokenInput file, read_token_input(command.tokens_file, 0));
  FATHOM_ASSIGN_OR_RETURN(const auto loaded, LoadedModel::open(system_io(), command.model));
  const ScoreOptions options{.threads = compute.threads,
                             .rounding = command.exact ? Rounding::kNone : Rounding::kAsDeployed,
                             .chunk = command.chunk,
                             .draft = command.mtp ? DraftLogits::kWanted : DraftLogits::kSkip,
                             .trace = command.trace ? Trace::kFirstSequence : Trace::kOff};
  FATHOM_ASSIGN_OR_RETURN(const ScoreOutput scored,
                          command.reference
                              ? score_with_reference(loaded->model(), file.tokens.view(), options)
                              : score(loaded->model(), file.tokens.view(), options));
  return write_output(command.out_file,
                      result_file(scored, loaded->model().config, file.tokens.view(), options));
}

}  // namespace fathom
