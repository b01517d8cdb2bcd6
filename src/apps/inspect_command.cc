// SPDX-License-Identifier: MIT
// `fathom inspect`: what is in a checkpoint, from its headers alone (conformance.md).
#include "apps/commands.h"
#include "apps/standard_streams.h"
#include "engine/loaded_model.h"
#include "io/json.h"
#include "weights/checkpoint_facts.h"

namespace fathom {

Status run_inspect(const InspectCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const ModelConfig config, open_config(system_io(), command.model));
  FATHOM_ASSIGN_OR_RETURN(const WeightStore store, open_weights(system_io(), command.model));
  const auto facts = describe_checkpoint(store);
  return write_stdout(command.json ? write_json(inspect_json(config, facts)) + "\n"
                                   : inspect_text(config, facts));
}

}  // namespace fathom
