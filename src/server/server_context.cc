// SPDX-License-Identifier: MIT
#include "server/server_context.h"

#include "base/concat.h"
#include "server/parameter.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

constexpr int kNotReadyRetry = 2;
constexpr int kDrainingRetry = 5;

}  // namespace

const ServedModel* ServerContext::ready_model(Exchange& exchange) const {
  const ServedModel* served = model.load(std::memory_order_acquire);
  switch (phase.load(std::memory_order_acquire)) {
    case ServerPhase::kReady:
      if (served->loaded->store().check_intact().ok()) return served;
      exchange.fail({ErrorCode::kModelUnavailable, "the files of the model could not be read", "", 60});
      return nullptr;
    case ServerPhase::kLoading:
      exchange.fail({ErrorCode::kNotReady, "the model is being loaded", "", kNotReadyRetry});
      return nullptr;
    case ServerPhase::kDraining:
      exchange.fail({ErrorCode::kDraining, "the server is stopping", "", kDrainingRetry});
      return nullptr;
  }
  return nullptr;
}

bool ServerContext::check_room(Exchange& exchange) {
  const ServedModel* served = ready_model(exchange);
  if (served == nullptr) return false;
  const Room room = served->engine->room(exchange.facts().caller.tenant);
  switch (room.verdict) {
    case RoomVerdict::kRoom: return true;
    case RoomVerdict::kQueueFull:
      exchange.fail(
          {ErrorCode::kQueueFull, "the queue is full; try again later", "", room.retry_after_seconds});
      break;
    case RoomVerdict::kTooManyOfTenant:
      exchange.fail({ErrorCode::kTooManyRequests, "this key has too many requests under way; try again later",
                     "", room.retry_after_seconds});
      break;
    case RoomVerdict::kDraining:
      exchange.fail({ErrorCode::kDraining, "the server is stopping", "", kDrainingRetry});
      break;
  }
  metrics.count_finished(FinishedAs::kRejected);
  return false;
}

std::optional<JsonValue> read_body(Exchange& exchange, const RequestCaps& caps) {
  const std::string text = exchange.take_body();
  auto body = read_json(text, {.max_depth = static_cast<int>(caps.json_depth), .max_nodes = caps.json_nodes});
  if (!body.ok()) {
    exchange.fail({ErrorCode::kInvalidJson, std::string(body.status().message()), "", 0});
    return std::nullopt;
  }
  if (!body->is_object()) {
    exchange.fail(
        {ErrorCode::kInvalidJson, concat("JSON: expected an object, found ", body->kind_name()), "", 0});
    return std::nullopt;
  }
  Status status = check_parameters(*body, exchange.facts().route->parameters, caps);
  if (status.ok()) status = check_finite_numbers(*body);
  if (!status.ok()) {
    exchange.fail(api_error_of(status));
    return std::nullopt;
  }
  return std::move(*body);
}

bool check_model_name(Exchange& exchange, const JsonValue& body, const ServedModel& model) {
  const std::optional<std::string> name = string_member(body, "model");
  if (!name || model.answers_to(*name)) return true;
  std::string known = model.id;
  for (const std::string& alias : model.aliases) known += ", " + alias;
  exchange.fail(
      {ErrorCode::kModelNotFound, concat("model: expected ", known, ", found another name"), "model", 0});
  return false;
}

}  // namespace fathom
