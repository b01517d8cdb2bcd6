// SPDX-License-Identifier: MIT
// Whether the server works, and what it counts (api.md 10). None of these touches the engine thread.
#include "base/concat.h"
#include "io/process_memory.h"
#include "server/routes.h"

namespace fathom {
namespace {

JsonValue status_word(std::string_view word) {
  JsonValue value = JsonValue::object();
  value.set("status", JsonValue::string(std::string(word)));
  return value;
}

// What does not work as it was asked to; empty when everything does.
std::string_view trouble_of(const ServerContext& context, const ServedModel& model) {
  if (!model.loaded->store().check_intact().ok()) return "model: its files could not be read";
  const bool disk_wanted = !context.options.cache_dir.empty();
  return disk_wanted && !model.engine->stats().cache.disk_on ? "cache: its directory takes no files" : "";
}

void answer_health(const ServerContext& context, Exchange& exchange) {
  const ServedModel* model = context.model.load(std::memory_order_acquire);
  if (model == nullptr) return exchange.respond(json_response(status_word("loading")));
  const std::string_view trouble = trouble_of(context, *model);
  JsonValue health = status_word(trouble.empty() ? "ok" : "degraded");
  if (!trouble.empty()) health.set("reason", JsonValue::string(std::string(trouble)));
  exchange.respond(json_response(health));
}

void answer_ready(const ServerContext& context, Exchange& exchange) {
  if (context.ready_model(exchange) != nullptr) exchange.respond(json_response(status_word("ready")));
}

void answer_metrics(const ServerContext& context, Exchange& exchange) {
  MetricsFacts facts{.version = context.program.version,
                     .commit = context.program.commit,
                     .connections = context.connections(),
                     .resident_bytes = anonymous_resident_bytes(system_io())};
  if (const ServedModel* model = context.model.load(std::memory_order_acquire)) {
    facts.model = model->id;
    facts.engine = model->engine->stats();
    facts.fingerprint = model->fingerprint;
    facts.tier = model->tier;
    facts.dialect = dialect_name(model->request_defaults.dialect);
  }
  HttpResponse response;
  response.content_type = "text/plain; version=0.0.4; charset=utf-8";
  response.body = context.metrics.text(facts);
  exchange.respond(response);
}

}  // namespace

void add_health_routes(ServerContext& context) {
  const auto bind = [&context](void (*answer)(const ServerContext&, Exchange&)) {
    return [&context, answer](const std::shared_ptr<Exchange>& exchange) { answer(context, *exchange); };
  };
  context.routes.add({.name = "health",
                      .method = "GET",
                      .paths = {"/health"},
                      .access = RouteAccess::kOpen,
                      .thread = RouteThread::kIo,
                      .summary = "Whether the process works",
                      .handler = bind(answer_health)});
  context.routes.add({.name = "ready",
                      .method = "GET",
                      .paths = {"/ready"},
                      .access = RouteAccess::kOpen,
                      .thread = RouteThread::kIo,
                      .summary = "Whether requests are accepted now",
                      .handler = bind(answer_ready)});
  context.routes.add({.name = "metrics",
                      .method = "GET",
                      .paths = {"/metrics"},
                      .access = context.options.metrics_public ? RouteAccess::kOpen : RouteAccess::kKey,
                      .thread = RouteThread::kIo,
                      .summary = "Counters as Prometheus text",
                      .handler = bind(answer_metrics)});
}

}  // namespace fathom
