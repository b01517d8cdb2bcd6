// SPDX-License-Identifier: MIT
#include "server/http_response.h"

#include <algorithm>

#include "base/concat.h"

namespace fathom {
namespace {

std::string_view reason_phrase(int status) noexcept {
  switch (status) {
    case 200: return "OK";
    case 204: return "No Content";
    case 304: return "Not Modified";
    case 400: return "Bad Request";
    case 401: return "Unauthorized";
    case 403: return "Forbidden";
    case 404: return "Not Found";
    case 405: return "Method Not Allowed";
    case 408: return "Request Timeout";
    case 413: return "Content Too Large";
    case 414: return "URI Too Long";
    case 415: return "Unsupported Media Type";
    case 417: return "Expectation Failed";
    case 429: return "Too Many Requests";
    case 431: return "Request Header Fields Too Large";
    case 500: return "Internal Server Error";
    case 503: return "Service Unavailable";
    default: return "Unknown";
  }
}

constexpr int kMaxRetryAfter = 60;

}  // namespace

HttpResponse json_response(const JsonValue& value) {
  HttpResponse response;
  response.body = write_json(value);
  return response;
}

HttpResponse error_response(const ApiError& error, ErrorShape shape, std::string_view request_id) {
  HttpResponse response;
  response.status = http_status(error.code);
  response.body = error_body(error, shape, request_id);
  if (error.retry_after_s > 0)
    response.headers.push_back({"Retry-After", concat(std::min(error.retry_after_s, kMaxRetryAfter))});
  if (response.status == 401) response.headers.push_back({"WWW-Authenticate", "Bearer"});
  if (error.code == ErrorCode::kDraining) response.after = AfterReply::kClose;
  return response;
}

HttpResponse refusal_response(const HttpRefusal& refusal, ErrorShape shape, std::string_view request_id) {
  const bool size = refusal.status == 413 || refusal.status == 414 || refusal.status == 431;
  HttpResponse response =
      error_response({size ? ErrorCode::kRequestTooLarge : ErrorCode::kInvalidValue, refusal.message, "", 0},
                     shape, request_id);
  response.status = refusal.status;
  response.after = AfterReply::kClose;
  return response;
}

std::string status_line(int status) {
  return concat("HTTP/1.1 ", status, ' ', reason_phrase(status), "\r\n");
}

std::string header_line(std::string_view name, std::string_view value) {
  return concat(name, ": ", value, "\r\n");
}

}  // namespace fathom
