// SPDX-License-Identifier: MIT
#include "engine/model_memory.h"

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

}  // namespace fathom
