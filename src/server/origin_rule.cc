// SPDX-License-Identifier: MIT
#include "server/origin_rule.h"

#include <algorithm>

#include "server/http_response.h"

namespace fathom {
namespace {

// "localhost" of "localhost:8080", "[::1]" of "[::1]:8080".
std::string_view without_port(std::string_view host) noexcept {
  const size_t bracket = host.rfind(']');
  const size_t colon = host.rfind(':');
  if (colon == std::string_view::npos || (bracket != std::string_view::npos && colon < bracket)) return host;
  return host.substr(0, colon);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

bool is_loopback_name(std::string_view name) noexcept {
  if (name == "localhost" || name == "[::1]" || name.ends_with(".localhost")) return true;
  return name.starts_with("127.") && name.find_first_not_of("0123456789.") == std::string_view::npos;
}

}  // namespace

bool OriginRule::is_allowed(std::string_view origin) const {
  return std::find(options_.allowed_origins.begin(), options_.allowed_origins.end(), origin) !=
         options_.allowed_origins.end();
}

bool OriginRule::is_own_host(std::string_view host) const {
  const std::string name = lower(without_port(host));
  return is_loopback_name(name) || name == options_.bound_host || name == "[" + options_.bound_host + "]";
}

bool OriginRule::permits(const HttpHead& head) const {
  if (options_.has_keys) return true;  // whoever knows a key may call from anywhere
  const std::string* host = head.find("host");
  if (host != nullptr && !is_own_host(*host)) return false;
  const std::string* origin = head.find("origin");
  if (origin == nullptr || is_allowed(*origin)) return true;
  const std::string own = (options_.tls ? "https://" : "http://") + (host != nullptr ? *host : std::string());
  return host != nullptr && lower(*origin) == lower(own);
}

std::string OriginRule::cors_lines(const HttpHead& head) const {
  const std::string* origin = head.find("origin");
  if (options_.allowed_origins.empty()) return {};
  if (origin == nullptr || !is_allowed(*origin)) return header_line("Vary", "Origin");
  return header_line("Vary", "Origin") + header_line("Access-Control-Allow-Origin", *origin) +
         header_line("Access-Control-Expose-Headers", "x-request-id, request-id, retry-after");
}

bool OriginRule::is_preflight(const HttpHead& head) {
  return head.method == "OPTIONS" && head.find("origin") != nullptr &&
         head.find("access-control-request-method") != nullptr;
}

std::vector<HttpHeader> OriginRule::preflight_headers() {
  return {{"Access-Control-Allow-Methods", "GET, HEAD, POST, OPTIONS"},
          {"Access-Control-Allow-Headers",
           "Authorization, Content-Type, x-api-key, anthropic-version, anthropic-beta, x-request-id"},
          {"Access-Control-Max-Age", "600"}};
}

}  // namespace fathom
