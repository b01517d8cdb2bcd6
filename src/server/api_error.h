// SPDX-License-Identifier: MIT
// Errors as clients see them (api.md 3): one table of status, types and codes, written in the shape of the
// route's protocol. Messages say what was found and what is allowed, never prompt text, keys or paths.
//
// Pure functions, any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"
#include "io/json.h"

namespace fathom {

// Whose shape errors have; a property of the route.
enum class ErrorShape : uint8_t { kOpenAi, kAnthropic };

enum class ErrorCode : uint8_t {
  kInvalidJson,
  kMissingParameter,
  kInvalidValue,
  kUnsupportedValue,
  kContextLengthExceeded,
  kInvalidApiKey,
  kForbidden,
  kNotFound,
  kModelNotFound,
  kMethodNotAllowed,
  kRequestTooLarge,
  kUnsupportedMediaType,
  kQueueFull,
  kTooManyRequests,
  kOutOfMemoryBudget,
  kInternalError,
  kNotReady,
  kDraining,
  kQueueTimeout,
  kModelUnavailable,
};

struct ApiError {
  ErrorCode code = ErrorCode::kInternalError;
  std::string message;
  std::string param;      // path of the field; empty for none
  int retry_after_s = 0;  // of 429 and 503; 0: not said
};

int http_status(ErrorCode code) noexcept;
std::string_view error_code_name(ErrorCode code) noexcept;

// The error of a value that text or engine refused. A message "PATH: expected ..." names its field.
ApiError api_error_of(const Status& status);

// The `error` member of OpenAI's shape, for a reply or a stream.
JsonValue openai_error(const ApiError& error);
// The whole object of Anthropic's shape.
JsonValue anthropic_error(const ApiError& error, std::string_view request_id);
// The body of an error reply, one JSON text.
std::string error_body(const ApiError& error, ErrorShape shape, std::string_view request_id);

}  // namespace fathom
