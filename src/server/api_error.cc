// SPDX-License-Identifier: MIT
#include "server/api_error.h"

#include <array>

namespace fathom {
namespace {

struct Row {
  ErrorCode code;
  int status;
  std::string_view openai_type;
  std::string_view anthropic_type;
  std::string_view name;
};

constexpr std::string_view kInvalidRequest = "invalid_request_error";

// api.md 3, in the order of ErrorCode.
constexpr std::array<Row, 20> kRows = {{
    {ErrorCode::kInvalidJson, 400, kInvalidRequest, kInvalidRequest, "invalid_json"},
    {ErrorCode::kMissingParameter, 400, kInvalidRequest, kInvalidRequest, "missing_parameter"},
    {ErrorCode::kInvalidValue, 400, kInvalidRequest, kInvalidRequest, "invalid_value"},
    {ErrorCode::kUnsupportedValue, 400, kInvalidRequest, kInvalidRequest, "unsupported_value"},
    {ErrorCode::kContextLengthExceeded, 400, kInvalidRequest, kInvalidRequest, "context_length_exceeded"},
    {ErrorCode::kInvalidApiKey, 401, "authentication_error", "authentication_error", "invalid_api_key"},
    {ErrorCode::kForbidden, 403, "permission_error", "permission_error", "forbidden"},
    {ErrorCode::kNotFound, 404, kInvalidRequest, "not_found_error", "not_found"},
    {ErrorCode::kModelNotFound, 404, kInvalidRequest, "not_found_error", "model_not_found"},
    {ErrorCode::kMethodNotAllowed, 405, kInvalidRequest, "not_found_error", "method_not_allowed"},
    {ErrorCode::kRequestTooLarge, 413, kInvalidRequest, "request_too_large", "request_too_large"},
    {ErrorCode::kUnsupportedMediaType, 415, kInvalidRequest, kInvalidRequest, "unsupported_media_type"},
    {ErrorCode::kQueueFull, 429, "rate_limit_error", "rate_limit_error", "queue_full"},
    {ErrorCode::kTooManyRequests, 429, "rate_limit_error", "rate_limit_error", "too_many_requests"},
    {ErrorCode::kOutOfMemoryBudget, 429, "rate_limit_error", "rate_limit_error", "out_of_memory_budget"},
    {ErrorCode::kInternalError, 500, "server_error", "api_error", "internal_error"},
    {ErrorCode::kNotReady, 503, "server_error", "overloaded_error", "not_ready"},
    {ErrorCode::kDraining, 503, "server_error", "overloaded_error", "draining"},
    {ErrorCode::kQueueTimeout, 503, "server_error", "overloaded_error", "queue_timeout"},
    {ErrorCode::kModelUnavailable, 503, "server_error", "overloaded_error", "model_unavailable"},
}};

constexpr bool in_order() {
  for (size_t i = 0; i < kRows.size(); ++i) {
    if (kRows[i].code != static_cast<ErrorCode>(i)) return false;
  }
  return true;
}
static_assert(in_order());

const Row& row_of(ErrorCode code) noexcept { return kRows[static_cast<size_t>(code)]; }

// "messages[2].role" of "messages[2].role: expected ..."; empty when the message does not begin with a path.
std::string_view field_of(std::string_view message) noexcept {
  const std::string_view field = message.substr(0, message.find(": "));
  constexpr std::string_view kLetters =
      "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_.[]$-";
  const bool is_path = field.size() < message.size() && field.find_first_not_of(kLetters) == field.npos;
  return is_path && field != "request" && field != "JSON" ? field : std::string_view();
}

ErrorCode code_of(const Status& status) noexcept {
  switch (status.code()) {
    case StatusCode::kInvalidArgument:
    case StatusCode::kNotFound:
      return status.message().ends_with(", found nothing") ? ErrorCode::kMissingParameter
                                                           : ErrorCode::kInvalidValue;
    case StatusCode::kOutOfRange: return ErrorCode::kContextLengthExceeded;
    case StatusCode::kUnsupported: return ErrorCode::kUnsupportedValue;
    case StatusCode::kResourceExhausted: return ErrorCode::kOutOfMemoryBudget;
    case StatusCode::kUnauthenticated: return ErrorCode::kInvalidApiKey;
    case StatusCode::kPermissionDenied: return ErrorCode::kForbidden;
    case StatusCode::kUnavailable: return ErrorCode::kModelUnavailable;
    case StatusCode::kOk:
    case StatusCode::kCancelled:
    case StatusCode::kDeadlineExceeded:
    case StatusCode::kCorrupt:
    case StatusCode::kIo:
    case StatusCode::kInternal: break;
  }
  return ErrorCode::kInternalError;
}

}  // namespace

int http_status(ErrorCode code) noexcept { return row_of(code).status; }
std::string_view error_code_name(ErrorCode code) noexcept { return row_of(code).name; }

ApiError api_error_of(const Status& status) {
  const ErrorCode code = code_of(status);
  if (code == ErrorCode::kInternalError) return {code, "an internal error; the log has more", "", 0};
  const int retry_after_s = http_status(code) == 429 || http_status(code) == 503 ? 1 : 0;
  return {code, std::string(status.message()), std::string(field_of(status.message())), retry_after_s};
}

JsonValue openai_error(const ApiError& error) {
  JsonValue value = JsonValue::object();
  value.set("message", JsonValue::string(error.message));
  value.set("type", JsonValue::string(std::string(row_of(error.code).openai_type)));
  value.set("param", error.param.empty() ? JsonValue() : JsonValue::string(error.param));
  value.set("code", JsonValue::string(std::string(row_of(error.code).name)));
  return value;
}

JsonValue anthropic_error(const ApiError& error, std::string_view request_id) {
  JsonValue inner = JsonValue::object();
  inner.set("type", JsonValue::string(std::string(row_of(error.code).anthropic_type)));
  inner.set("message", JsonValue::string(error.message));
  JsonValue value = JsonValue::object();
  value.set("type", JsonValue::string("error"));
  value.set("error", std::move(inner));
  value.set("request_id", JsonValue::string(std::string(request_id)));
  return value;
}

std::string error_body(const ApiError& error, ErrorShape shape, std::string_view request_id) {
  if (shape == ErrorShape::kAnthropic) return write_json(anthropic_error(error, request_id));
  JsonValue value = JsonValue::object();
  value.set("error", openai_error(error));
  return write_json(value);
}

}  // namespace fathom
