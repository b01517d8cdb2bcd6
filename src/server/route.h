// SPDX-License-Identifier: MIT
// RouteTable: every method and path the server answers, and nothing else (api.md 1).
//
// Invariant: what a request may do is a property of the route object it matched (reliability.md 11); a route
// needs a key unless it says otherwise. Filled before the first request, then immutable; any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "server/api_error.h"

namespace fathom {

class Exchange;
struct Parameter;

enum class RouteAccess : uint8_t { kKey, kOpen };
// Where the handler runs. Handlers for the I/O thread must be quick and never wait.
enum class RouteThread : uint8_t { kIo, kText };

// kGenerates: takes a place in the engine's queue, so it is refused at once when there is none.
enum class RouteWork : uint8_t { kQuick, kGenerates };

struct Route {
  std::string name = {};    // in metrics, logs and openapi.json: "chat_completions"
  std::string method = {};  // GET (HEAD comes with it) or POST
  // All spellings, the documented one first; one that ends in "/*" takes any one segment there.
  std::vector<std::string> paths = {};
  RouteAccess access = RouteAccess::kKey;
  RouteThread thread = RouteThread::kText;
  RouteWork work = RouteWork::kQuick;
  ErrorShape errors = ErrorShape::kOpenAi;
  uint64_t body_cap = 0;     // bytes; 0: no body, and no content type is asked for
  std::string summary = {};  // for openapi.json; empty: not in it
  std::span<const Parameter> parameters =
      {};  // of the JSON body; what validation uses and openapi.json shows
  std::function<void(const std::shared_ptr<Exchange>&)> handler = {};
};

struct RouteMatch {
  const Route* route = nullptr;  // null: none
  std::string allowed;           // the methods of a known path that was asked with another
  // What "/*" stood for.
  std::string segment;
};

class RouteTable {
 public:
  // Two routes for one method and path are a bug of ours.
  void add(Route route);

  // Matches the decoded path exactly.
  RouteMatch match(std::string_view method, std::string_view path) const;

  // Whose error shape a path that has no route of this method gets.
  ErrorShape error_shape(std::string_view path) const;

  const std::vector<std::unique_ptr<Route>>& routes() const noexcept { return routes_; }

 private:
  std::vector<std::unique_ptr<Route>> routes_;
};

}  // namespace fathom
