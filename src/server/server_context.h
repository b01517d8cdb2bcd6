// SPDX-License-Identifier: MIT
// What route handlers work with: options, the model once it is there, counters.
//
// Owned by the Server, outlives every handler. Any thread.
#pragma once

#include <atomic>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

#include "io/json.h"
#include "server/exchange.h"
#include "server/metrics.h"
#include "server/reply_memory.h"
#include "server/route.h"
#include "server/served_model.h"
#include "server/server_options.h"

namespace fathom {

enum class ServerPhase : uint8_t { kLoading, kReady, kDraining };

// The program around the server, for /metrics.
struct ProgramFacts {
  std::string version;
  std::string commit;
};

struct ServerContext {
  explicit ServerContext(ServerOptions settled, ProgramFacts about)
      : options(std::move(settled)), program(std::move(about)), reply_memory(options.reply_memory_bytes) {}

  const ServerOptions options;
  const ProgramFacts program;
  ReplyMemory reply_memory;
  RouteTable routes;
  Metrics metrics;
  std::atomic<ServerPhase> phase{ServerPhase::kLoading};
  std::atomic<const ServedModel*> model{nullptr};
  std::function<int64_t()> connections;

  // The model when new work may begin; otherwise answers 503 and returns null.
  const ServedModel* ready_model(Exchange& exchange) const;
  // Whether the engine has a place for another request of this caller; otherwise answers 429 or 503.
  bool check_room(Exchange& exchange);
};

// The body as a JSON object with finite numbers, checked against the route's parameters; otherwise answers
// 400 and returns nothing.
std::optional<JsonValue> read_body(Exchange& exchange, const RequestCaps& caps);

// Whether `model` of the body names the model; otherwise answers 404 model_not_found.
bool check_model_name(Exchange& exchange, const JsonValue& body, const ServedModel& model);

}  // namespace fathom
