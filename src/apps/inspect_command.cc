// SPDX-License-Identifier: MIT
// `fathom inspect`: what is in a checkpoint, what a token costs, what it needs (conformance.md). From the
// config and the headers alone; a directory without weights shows what its config says.
#include <optional>

#include "apps/commands.h"
#include "apps/standard_streams.h"
#include "base/cpu_count.h"
#include "base/human_units.h"
#include "config/claims.h"
#include "config/memory_need.h"
#include "engine/engine.h"
#include "engine/loaded_model.h"
#include "engine/model_memory.h"
#include "io/json.h"
#include "io/system_memory.h"
#include "weights/checkpoint_facts.h"

namespace fathom {
namespace {

Result<std::optional<CheckpointFacts>> read_facts(const std::string& model) {
  const Result<WeightStore> store = open_weights(system_io(), model);
  if (store.ok()) return std::optional(describe_checkpoint(*store));
  if (store.status().code() == StatusCode::kNotFound) return std::optional<CheckpointFacts>();
  return store.status();
}

Result<MemoryNeed> plan(const InspectCommand& command, const ModelConfig& config,
                        const std::optional<CheckpointFacts>& facts) {
  MemoryRequest request;
  request.context = command.context == 0 ? config.max_position_embeddings : command.context;
  request.sequences = command.sequences;
  request.memory_bytes = system_memory_bytes(system_io());
  if (!command.memory.empty()) {
    FATHOM_ASSIGN_OR_RETURN(request.memory_bytes, parse_bytes(command.memory));
  }
  FATHOM_RETURN_IF_ERROR(check_memory_request(config, request));
  const EngineOptions serving;
  const int64_t logit_rows = serving_logit_rows(request.sequences);
  const StepMemory step{.batch_tokens = buffer_rows(serving.batch_tokens, logit_rows),
                        .logit_rows = logit_rows,
                        .threads = default_thread_count()};
  const int64_t weights = facts ? facts->tensor_bytes : count_parameters(config).released_bytes();
  return plan_memory(config, model_memory(config, weights, request.context, step), request);
}

}  // namespace

Status run_inspect(const InspectCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const ModelConfig config, open_config(system_io(), command.model));
  std::optional<CheckpointFacts> facts;
  if (!command.claims || command.plan) {
    FATHOM_ASSIGN_OR_RETURN(facts, read_facts(command.model));
  }
  std::optional<MemoryNeed> need;
  if (command.plan) {
    FATHOM_ASSIGN_OR_RETURN(need, plan(command, config, facts));
  }
  if (command.json) {
    JsonValue out = command.claims ? claims_json(config) : inspect_json(config, facts);
    if (need) out.set("plan", memory_need_json(*need));
    return write_stdout(write_json(out) + "\n");
  }
  std::string text = command.claims ? claims_text(config) : inspect_text(config, facts);
  if (need) text += "\n" + memory_need_text(*need);
  return write_stdout(text);
}

}  // namespace fathom
