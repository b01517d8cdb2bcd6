// SPDX-License-Identifier: MIT
#include "server/route.h"

#include <algorithm>
#include <optional>
#include <utility>

#include "base/check.h"

namespace fathom {
namespace {

// What "/*" stands for, when `pattern` fits the path; empty for a pattern without it.
std::optional<std::string> match_path(std::string_view pattern, std::string_view path) {
  if (!pattern.ends_with("/*")) return pattern == path ? std::optional<std::string>("") : std::nullopt;
  pattern.remove_suffix(1);
  if (!path.starts_with(pattern) || path.size() == pattern.size()) return std::nullopt;
  const std::string_view segment = path.substr(pattern.size());
  if (segment.find('/') != std::string_view::npos) return std::nullopt;
  return std::string(segment);
}

}  // namespace

void RouteTable::add(Route route) {
  FATHOM_CHECK(route.method == "GET" || route.method == "POST");
  for (const std::string& path : route.paths) {
    const auto taken = [&](const auto& other) {
      return other->method == route.method &&
             std::find(other->paths.begin(), other->paths.end(), path) != other->paths.end();
    };
    FATHOM_CHECK(path.starts_with('/') && std::none_of(routes_.begin(), routes_.end(), taken));
  }
  routes_.push_back(std::make_unique<Route>(std::move(route)));
}

RouteMatch RouteTable::match(std::string_view method, std::string_view path) const {
  RouteMatch found;
  for (const auto& route : routes_) {
    for (const std::string& pattern : route->paths) {
      const std::optional<std::string> segment = match_path(pattern, path);
      if (!segment) continue;
      if (method == route->method || (method == "HEAD" && route->method == "GET")) {
        return {route.get(), "", *segment};
      }
      found.allowed += found.allowed.empty() ? "" : ", ";
      found.allowed += route->method == "GET" ? "GET, HEAD" : route->method;
      break;
    }
  }
  return found;
}

ErrorShape RouteTable::error_shape(std::string_view path) const {
  for (const auto& route : routes_) {
    for (const std::string& pattern : route->paths) {
      if (match_path(pattern, path)) return route->errors;
    }
  }
  return path.starts_with("/anthropic/") ? ErrorShape::kAnthropic : ErrorShape::kOpenAi;
}

}  // namespace fathom
