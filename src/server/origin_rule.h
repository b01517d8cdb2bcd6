// SPDX-License-Identifier: MIT
// Which pages of a browser may talk to the server (api.md 2: Host, Origin, CORS).
//
// Without keys a page elsewhere must not drive a local server: a Host that is not this machine's, or an
// Origin that is neither the same nor allowed, is refused. Immutable, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "server/http_head.h"

namespace fathom {

class OriginRule {
 public:
  struct Options {
    std::string bound_host = {};  // the address listened on
    std::vector<std::string> allowed_origins = {};
    bool has_keys = false;
    bool tls = false;
  };
  explicit OriginRule(Options options) : options_(std::move(options)) {}

  // Whether the request may go on.
  bool permits(const HttpHead& head) const;
  // The lines that a reply to this request carries; empty when its origin is not an allowed one.
  std::string cors_lines(const HttpHead& head) const;
  // Whether this asks what may be asked for.
  static bool is_preflight(const HttpHead& head);
  // The lines of the answer, besides cors_lines.
  static std::vector<HttpHeader> preflight_headers();

 private:
  bool is_allowed(std::string_view origin) const;
  bool is_own_host(std::string_view host) const;

  const Options options_;
};

}  // namespace fathom
