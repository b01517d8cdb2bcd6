// SPDX-License-Identifier: MIT
#include "engine/model_memory.h"

#include "base/concat.h"
#include "base/human_units.h"
#include "model/activations.h"
#include "state/sequence_state.h"

namespace fathom {

MemoryParts model_memory(const ModelConfig& config, int64_t weights_bytes, int64_t context,
                         const StepMemory& step) {
  const ActivationSizes sizes{
      .batch_tokens = step.batch_tokens, .logit_rows = step.logit_rows, .workers = step.threads};
  return {.weights_bytes = weights_bytes,
          .activation_bytes = Activations::bytes_for(config, sizes),
          .state_bytes_per_sequence = SequenceState::bytes_for(config, context, RowPrecision::kPacked)};
}

Result<int64_t> state_budget(const ModelConfig& config, const ServingMemory& serving) {
  const MemoryParts parts = model_memory(config, serving.fixed_bytes, serving.context, serving.step);
  const MemoryRequest one{.context = serving.context, .sequences = 1, .memory_bytes = serving.memory_bytes};
  FATHOM_ASSIGN_OR_RETURN(const MemoryNeed need, plan_memory(config, parts, one));
  if (!need.fits()) {
    return Status(StatusCode::kResourceExhausted,
                  concat("memory: expected room for one sequence of ", serving.context, " tokens: ",
                         human_bytes(need.needed_bytes), ", found ", human_bytes(need.usable_bytes), " of ",
                         human_bytes(serving.memory_bytes), ": ", human_bytes(need.missing_bytes),
                         " are missing; a smaller --context, --batch-tokens or --cache-ram needs less"));
  }
  const int64_t left = need.usable_bytes - (need.needed_bytes - need.state_bytes);
  const bool all_fit = left / parts.state_bytes_per_sequence >= serving.parallel;
  return all_fit ? serving.parallel * parts.state_bytes_per_sequence : left;
}

}  // namespace fathom
