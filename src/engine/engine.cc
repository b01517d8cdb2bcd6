// SPDX-License-Identifier: MIT
#include "engine/engine.h"

#include <new>

#include "base/concat.h"
#include "engine/engine_core.h"

namespace fathom {
namespace {

Status check_whole(const char* what, int64_t value, int64_t low, int64_t high) {
  if (value >= low && value <= high) return Status();
  return Status(StatusCode::kInvalidArgument,
                concat(what, ": expected ", low, " to ", high, ", found ", value));
}

// The options with every 0 that means "choose" replaced.
Result<EngineOptions> settle(const Model& model, EngineOptions options) {
  const ModelConfig& config = model.config;
  if (options.context == 0) options.context = config.max_position_embeddings;
  FATHOM_RETURN_IF_ERROR(check_whole("context", options.context, 2, config.max_position_embeddings));
  FATHOM_RETURN_IF_ERROR(check_whole("parallel", options.parallel, 1, 4096));
  // Every running choice may bring a token and a draft to a step, and a prompt must still move on.
  FATHOM_RETURN_IF_ERROR(
      check_whole("batch tokens", options.batch_tokens, 2 * options.parallel + 1, 1 << 20));
  FATHOM_RETURN_IF_ERROR(check_whole("step ms", options.step_ms, 1, 3'600'000));
  FATHOM_RETURN_IF_ERROR(check_whole("queue", options.queue, 1, 1 << 20));
  FATHOM_RETURN_IF_ERROR(check_whole("requests per key", options.per_tenant, 1, 1 << 20));
  FATHOM_RETURN_IF_ERROR(check_whole("state bytes", options.state_bytes, 0, INT64_MAX));
  if (options.state_bytes == 0) {
    const auto precision = row_precision(options.rounding);
    options.state_bytes = options.parallel * SequenceState::bytes_for(config, options.context, precision);
  }
  return options;
}

}  // namespace

Result<std::unique_ptr<Engine>> Engine::open(const Model& model, const EngineOptions& options) {
  FATHOM_ASSIGN_OR_RETURN(const EngineOptions settled, settle(model, options));
  FATHOM_ASSIGN_OR_RETURN(auto core, Core::open(model, settled));
  return std::unique_ptr<Engine>(new Engine(std::move(core)));
}

Engine::Engine(std::unique_ptr<Core> core) : core_(std::move(core)) {}
Engine::~Engine() = default;

Room Engine::room(std::string_view tenant) const { return core_->room(tenant); }

Result<RequestId> Engine::submit(Request request, std::shared_ptr<EventSink> sink) {
  try {
    return core_->submit(std::move(request), std::move(sink));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kResourceExhausted, "request: the system has no memory for it");
  }
}

void Engine::cancel(RequestId id) { core_->cancel(id); }
EngineStats Engine::stats() const { return core_->stats(); }
void Engine::drain(std::chrono::milliseconds limit) { core_->drain(limit); }
int64_t Engine::context() const noexcept { return core_->options().context; }

}  // namespace fathom
