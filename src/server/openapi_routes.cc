// SPDX-License-Identifier: MIT
// /openapi.json: this API as OpenAPI 3.1, from the route table and the parameter tables that also check
// requests.
#include "base/concat.h"
#include "server/parameter.h"
#include "server/routes.h"

namespace fathom {
namespace {

JsonValue text(std::string_view value) { return JsonValue::string(std::string(value)); }

JsonValue described(std::string_view description) {
  JsonValue value = JsonValue::object();
  value.set("description", text(description));
  return value;
}

JsonValue json_content(JsonValue schema) {
  JsonValue media = JsonValue::object();
  media.set("schema", std::move(schema));
  JsonValue content = JsonValue::object();
  content.set("application/json", std::move(media));
  return content;
}

JsonValue operation_of(const Route& route, const RequestCaps& caps) {
  JsonValue operation = JsonValue::object();
  operation.set("operationId", text(route.name));
  operation.set("summary", text(route.summary));
  operation.set("x-errors", text(route.errors == ErrorShape::kOpenAi ? "openai" : "anthropic"));
  if (route.access == RouteAccess::kOpen) operation.set("security", JsonValue::array());
  if (route.body_cap > 0) {
    JsonValue body = JsonValue::object();
    body.set("required", JsonValue::boolean(true));
    body.set("content", json_content(schema_of_table(route.parameters, caps)));
    operation.set("requestBody", std::move(body));
  }
  JsonValue responses = JsonValue::object();
  responses.set("200", described("The answer"));
  responses.set("default", described("An error object"));
  operation.set("responses", std::move(responses));
  return operation;
}

std::string lower(std::string_view method) { return method == "GET" ? "get" : "post"; }

// A template in OpenAPI's spelling.
std::string openapi_path(std::string_view path) {
  return path.ends_with("/*") ? concat(path.substr(0, path.size() - 1), "{id}") : std::string(path);
}

JsonValue id_parameter() {
  JsonValue schema = JsonValue::object();
  schema.set("type", text("string"));
  JsonValue parameter = JsonValue::object();
  parameter.set("name", text("id"));
  parameter.set("in", text("path"));
  parameter.set("required", JsonValue::boolean(true));
  parameter.set("schema", std::move(schema));
  return parameter;
}

JsonValue security_schemes() {
  JsonValue bearer = JsonValue::object();
  bearer.set("type", text("http"));
  bearer.set("scheme", text("bearer"));
  JsonValue header = JsonValue::object();
  header.set("type", text("apiKey"));
  header.set("in", text("header"));
  header.set("name", text("x-api-key"));
  JsonValue schemes = JsonValue::object();
  schemes.set("bearer", std::move(bearer));
  schemes.set("key", std::move(header));
  JsonValue components = JsonValue::object();
  components.set("securitySchemes", std::move(schemes));
  return components;
}

JsonValue security_choice() {
  std::vector<JsonValue> choices;
  for (const std::string_view name : {"bearer", "key"}) {
    JsonValue choice = JsonValue::object();
    choice.set(name, JsonValue::array());
    choices.push_back(std::move(choice));
  }
  return JsonValue::array(std::move(choices));
}

JsonValue paths_of(const ServerContext& context) {
  JsonValue paths = JsonValue::object();
  for (const auto& route : context.routes.routes()) {
    if (route->summary.empty()) continue;  // files of the page are no part of the API
    for (const std::string& path : route->paths) {
      const std::string name = openapi_path(path);
      const JsonValue* known = paths.find(name);
      JsonValue item = known != nullptr ? known->clone() : JsonValue::object();
      JsonValue operation = operation_of(*route, context.options.caps);
      if (path.ends_with("/*")) {
        std::vector<JsonValue> parameters;
        parameters.push_back(id_parameter());
        operation.set("parameters", JsonValue::array(std::move(parameters)));
      }
      item.set(lower(route->method), std::move(operation));
      paths.set(name, std::move(item));
    }
  }
  return paths;
}

}  // namespace

void add_openapi_routes(ServerContext& context) {
  context.routes.add({.name = "openapi",
                      .method = "GET",
                      .paths = {"/openapi.json"},
                      .summary = "This description",
                      .handler = [&context](const auto& exchange) {
                        JsonValue info = JsonValue::object();
                        info.set("title", text("fathom"));
                        info.set("version", text(context.program.version));
                        JsonValue document = JsonValue::object();
                        document.set("openapi", text("3.1.0"));
                        document.set("info", std::move(info));
                        document.set("security", security_choice());
                        document.set("paths", paths_of(context));
                        document.set("components", security_schemes());
                        exchange->respond(json_response(document));
                      }});
}

}  // namespace fathom
