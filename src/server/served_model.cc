// SPDX-License-Identifier: MIT
#include "server/served_model.h"

#include <algorithm>
#include <chrono>
#include <span>

#include "base/concat.h"
#include "engine/compute.h"
#include "engine/model_fingerprint.h"
#include "engine/model_memory.h"
#include "io/digest.h"
#include "io/system_memory.h"
#include "server/cache_secret.h"

namespace fathom {
namespace {

// The last part of a path; names are what a URL segment and a log can carry.
std::string id_of(const std::string& name) {
  std::string_view rest = name;
  while (rest.size() > 1 && rest.ends_with('/')) rest.remove_suffix(1);
  std::string id(rest.substr(rest.rfind('/') + 1));
  for (char& c : id) {
    if (c <= ' ' || c >= 0x7F) c = '_';
  }
  return id;
}

// What system_fingerprint shows: changes with weights, dialect, numerics or tier.
std::string shown_fingerprint(const Digest& model, const Compute& compute, Dialect dialect) {
  const std::string rest = concat(compute.tier, ' ', dialect_name(dialect));
  return hex(sha256({std::as_bytes(std::span(model)), std::as_bytes(std::span(rest))})).substr(0, 12);
}

Result<RequestDefaults> defaults_of(const std::string& name, const ServerOptions& options) {
  RequestDefaults defaults;
  FATHOM_ASSIGN_OR_RETURN(defaults.dialect, open_dialect(system_io(), name));
  if (!options.dialect.empty()) {
    const auto dialect = dialect_from_name(options.dialect);
    if (!dialect) return Status(StatusCode::kInvalidArgument, "--dialect: expected preview or official");
    defaults.dialect = *dialect;
  }
  defaults.thinking_mode = options.default_thinking ? ThinkingMode::kThinking : ThinkingMode::kChat;
  if (!options.default_effort.empty()) {
    auto effort = effort_from_request_word(options.default_effort, defaults.dialect);
    if (!effort.ok()) return effort.status().in("--default-effort");
    defaults.effort = *effort;
  }
  return defaults;
}

EngineOptions engine_options(const ServerOptions& options, const Compute& compute,
                             const Digest& fingerprint) {
  EngineOptions out;
  out.threads = compute.threads;
  out.context = options.context;
  out.parallel = options.parallel;
  out.batch_tokens = options.batch_tokens;
  out.step_ms = options.step_ms;
  out.queue = options.queue;
  out.per_tenant = options.per_key;
  out.queue_timeout = std::chrono::milliseconds(static_cast<int64_t>(options.queue_time_s * 1000.0));
  out.cache.ram_bytes = options.cache_ram_bytes;
  out.cache.disk_dir = options.cache_dir;
  out.cache.disk_bytes = options.cache_dir.empty() ? 0 : options.cache_bytes;
  out.cache.tenant_share = options.cache_share;
  out.cache_secret = cache_secret(system_io(), options.cache_dir);
  out.model_fingerprint = fingerprint;
  return out;
}

// design.md 9: what the machine, or --memory, has left for sequences.
Result<int64_t> state_bytes(const ServerOptions& options, const ServedModel& model,
                            const EngineOptions& engine) {
  const int64_t logit_rows = serving_logit_rows(engine.parallel);
  const ServingMemory serving{
      .memory_bytes = options.memory_bytes > 0 ? options.memory_bytes : system_memory_bytes(system_io()),
      .fixed_bytes =
          model.loaded->store().resident_bytes() + options.cache_ram_bytes + options.reply_memory_bytes,
      .context = model.context,
      .parallel = engine.parallel,
      .step = {.batch_tokens = buffer_rows(engine.batch_tokens, logit_rows),
               .logit_rows = logit_rows,
               .threads = engine.threads}};
  return state_budget(model.loaded->model().config, serving);
}

}  // namespace

bool ServedModel::answers_to(std::string_view name) const {
  if (name == id) return true;
  return std::any_of(aliases.begin(), aliases.end(), [name](std::string_view alias) {
    if (!alias.ends_with('*')) return name == alias;
    return name.starts_with(alias.substr(0, alias.size() - 1));
  });
}

Result<std::unique_ptr<ServedModel>> open_served_model(const std::string& name,
                                                       const ServerOptions& options) {
  FATHOM_ASSIGN_OR_RETURN(const Compute compute, configure_compute(options.isa, options.threads));
  FATHOM_ASSIGN_OR_RETURN(auto loaded, LoadedModel::open(system_io(), name));
  FATHOM_ASSIGN_OR_RETURN(Tokenizer tokenizer, open_tokenizer(system_io(), name));
  FATHOM_ASSIGN_OR_RETURN(const RequestDefaults defaults, defaults_of(name, options));
  FATHOM_ASSIGN_OR_RETURN(GenerationDefaults sampling, open_generation_defaults(system_io(), name));
  MarkerIds markers(tokenizer);
  auto model = std::unique_ptr<ServedModel>(
      new ServedModel{.id = options.model_id.empty() ? id_of(name) : options.model_id,
                      .aliases = options.aliases,
                      .tier = compute.tier,
                      .loaded = std::move(loaded),
                      .tokenizer = std::move(tokenizer),
                      .markers = std::move(markers),
                      .chat = {},
                      .request_defaults = defaults,
                      .sampling_defaults = sampling});
  model->chat = model->markers.chat_available();
  model->constraints = std::make_unique<ReplyConstraints>(model->tokenizer);
  model->created =
      std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
          .count();
  model->context = model->loaded->model().config.max_position_embeddings;
  if (options.context > 0) model->context = std::min(model->context, options.context);
  model->parameters = model->loaded->parameters();
  model->request_time = std::chrono::milliseconds(static_cast<int64_t>(options.request_time_s * 1000.0));
  FATHOM_ASSIGN_OR_RETURN(const Digest fingerprint,
                          model_fingerprint(system_io(), name, model->loaded->store()));
  model->fingerprint = shown_fingerprint(fingerprint, compute, defaults.dialect);
  EngineOptions engine = engine_options(options, compute, fingerprint);
  engine.weights = &model->loaded->store();
  FATHOM_ASSIGN_OR_RETURN(engine.state_bytes, state_bytes(options, *model, engine));
  FATHOM_ASSIGN_OR_RETURN(model->engine, Engine::open(model->loaded->model(), engine));
  return model;
}

}  // namespace fathom
