// SPDX-License-Identifier: MIT
// The list of models, which has one entry, in OpenAI's or Anthropic's shape (api.md 8).
#include <ctime>

#include "base/concat.h"
#include "server/routes.h"

namespace fathom {
namespace {

JsonValue text(std::string_view value) { return JsonValue::string(std::string(value)); }

JsonValue openai_entry(const ServedModel& model, std::string_view id) {
  std::vector<JsonValue> aliases;
  for (const std::string& alias : model.aliases) aliases.push_back(text(alias));
  JsonValue entry = JsonValue::object();
  entry.set("id", text(id));
  entry.set("object", text("model"));
  entry.set("created", JsonValue::integer(model.created));
  entry.set("owned_by", text("fathom"));
  entry.set("context_length", JsonValue::integer(model.context));
  entry.set("max_output_tokens", JsonValue::integer(model.context - 1));
  entry.set("dialect", text(dialect_name(model.request_defaults.dialect)));
  entry.set("parameters", JsonValue::integer(model.parameters));
  entry.set("aliases", JsonValue::array(std::move(aliases)));
  return entry;
}

JsonValue anthropic_entry(const ServedModel& model, std::string_view id) {
  const auto seconds = static_cast<std::time_t>(model.created);
  std::tm utc{};
  ::gmtime_r(&seconds, &utc);
  char created[32];
  std::strftime(created, sizeof created, "%Y-%m-%dT%H:%M:%SZ", &utc);
  JsonValue entry = JsonValue::object();
  entry.set("type", text("model"));
  entry.set("id", text(id));
  entry.set("display_name", text(id));
  entry.set("created_at", text(created));
  return entry;
}

bool wants_anthropic(const Exchange& exchange) {
  return exchange.facts().head.find("anthropic-version") != nullptr ||
         exchange.facts().head.path.starts_with("/anthropic/");
}

void answer_list(const ServerContext& context, Exchange& exchange) {
  const ServedModel* model = context.ready_model(exchange);
  if (model == nullptr) return;
  const bool anthropic = wants_anthropic(exchange);
  std::vector<JsonValue> entries;
  entries.push_back(anthropic ? anthropic_entry(*model, model->id) : openai_entry(*model, model->id));
  JsonValue list = JsonValue::object();
  if (!anthropic) list.set("object", text("list"));
  list.set("data", JsonValue::array(std::move(entries)));
  if (anthropic) {
    list.set("has_more", JsonValue::boolean(false));
    list.set("first_id", text(model->id));
    list.set("last_id", text(model->id));
  }
  exchange.respond(json_response(list));
}

void answer_one(const ServerContext& context, Exchange& exchange) {
  const ServedModel* model = context.ready_model(exchange);
  if (model == nullptr) return;
  const std::string& id = exchange.facts().segment;
  if (!model->answers_to(id)) {
    return exchange.fail({ErrorCode::kModelNotFound, concat("model: expected ", model->id), "model", 0});
  }
  exchange.respond(
      json_response(wants_anthropic(exchange) ? anthropic_entry(*model, id) : openai_entry(*model, id)));
}

}  // namespace

void add_model_routes(ServerContext& context) {
  struct Shape {
    std::string_view name;
    std::vector<std::string> roots;
    ErrorShape errors;
  };
  for (const Shape& shape : {Shape{"models", {"/v1/models", "/models"}, ErrorShape::kOpenAi},
                             Shape{"anthropic_models", {"/anthropic/v1/models"}, ErrorShape::kAnthropic}}) {
    std::vector<std::string> ones;
    for (const std::string& root : shape.roots) ones.push_back(root + "/*");
    context.routes.add({.name = std::string(shape.name),
                        .method = "GET",
                        .paths = shape.roots,
                        .thread = RouteThread::kIo,
                        .errors = shape.errors,
                        .summary = "The models, of which there is one",
                        .handler = [&context](const auto& exchange) { answer_list(context, *exchange); }});
    context.routes.add({.name = concat(shape.name, "_one"),
                        .method = "GET",
                        .paths = std::move(ones),
                        .thread = RouteThread::kIo,
                        .errors = shape.errors,
                        .summary = "One model by its name",
                        .handler = [&context](const auto& exchange) { answer_one(context, *exchange); }});
  }
}

}  // namespace fathom
