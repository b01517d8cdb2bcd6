// SPDX-License-Identifier: MIT
// A whole HTTP reply, and the lines that begin one. Values, pure functions.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "io/json.h"
#include "server/api_error.h"
#include "server/http_head.h"

namespace fathom {

enum class AfterReply : uint8_t { kKeepAlive, kClose };

struct HttpResponse {
  int status = 200;
  std::string content_type = "application/json";
  std::string body;
  std::vector<HttpHeader> headers;  // besides content type and length
  AfterReply after = AfterReply::kKeepAlive;
};

HttpResponse json_response(const JsonValue& value);
// With Retry-After where the error says one, and WWW-Authenticate at 401.
HttpResponse error_response(const ApiError& error, ErrorShape shape, std::string_view request_id);
// A refusal of HTTP itself (a malformed head, a body too large) under its own status; the connection closes.
HttpResponse refusal_response(const HttpRefusal& refusal, ErrorShape shape, std::string_view request_id);

// False for the statuses that end with their head: no content, not modified.
constexpr bool may_have_body(int status) noexcept { return status != 204 && status != 304; }

// "HTTP/1.1 200 OK\r\n"
std::string status_line(int status);
// "name: value\r\n"
std::string header_line(std::string_view name, std::string_view value);

}  // namespace fathom
