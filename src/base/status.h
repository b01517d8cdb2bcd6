// SPDX-License-Identifier: MIT
// Errors from outside as values (design.md 17). A Status is one pointer; success is null and costs nothing.
//
// Invariant: a non-ok Status always has a message of the form WHAT: WHERE: expected X, found Y (as far as
// they apply). Thread rule: values, freely copied between threads.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "base/check.h"

namespace fathom {

// Each code decides the exit status of a command (design.md 17).
enum class StatusCode : uint8_t {
  kOk = 0,
  kInvalidArgument,    // a caller's value is wrong in itself; prefer kCorrupt when a file contradicts itself
  kUnauthenticated,    // no key or a wrong one
  kPermissionDenied,   // known, but not allowed
  kNotFound,           // the named thing does not exist
  kOutOfRange,         // a valid request beyond what is kept
  kUnsupported,        // valid, but there is no mechanism for it here
  kCorrupt,            // a file contradicts itself or its format
  kResourceExhausted,  // memory, queue, quota, disk
  kIo,                 // the system refused a file call
  kCancelled,          // stopped by the caller
  kDeadlineExceeded,   // stopped by the clock
  kUnavailable,        // not now: starting, draining, waited too long
  kInternal,           // our bug, caught
};

// Process exit status of a command that failed with `code`.
int exit_code(StatusCode code) noexcept;

class [[nodiscard]] Status {
 public:
  Status() noexcept = default;  // success
  Status(StatusCode code, std::string message)
      : error_(std::make_shared<const Error>(Error{code, std::move(message)})) {
    FATHOM_CHECK(code != StatusCode::kOk);
  }

  bool ok() const noexcept { return error_ == nullptr; }
  StatusCode code() const noexcept { return error_ ? error_->code : StatusCode::kOk; }
  std::string_view message() const noexcept {
    return error_ ? std::string_view(error_->message) : std::string_view();
  }

  // The same error with `where` and ": " before its message; a success stays one.
  Status in(std::string_view where) const;

 private:
  struct Error {
    StatusCode code;
    std::string message;
  };
  std::shared_ptr<const Error> error_;
};

// A value or the reason why there is none. value() on an error is a bug of the caller.
template <typename T>
class [[nodiscard]] Result {
 public:
  Result(T value)
      : value_(std::move(value)) {}  // NOLINT(google-explicit-constructor): reads as `return value;`
  Result(Status status)
      : status_(std::move(status)) {  // NOLINT(google-explicit-constructor): `return status;`
    FATHOM_CHECK(!status_.ok());
  }

  bool ok() const noexcept { return value_.has_value(); }
  const Status& status() const noexcept { return status_; }
  T& value() & {
    FATHOM_CHECK(ok());
    return *value_;
  }
  const T& value() const& {
    FATHOM_CHECK(ok());
    return *value_;
  }
  T&& value() && {
    FATHOM_CHECK(ok());
    return *std::move(value_);
  }
  T* operator->() { return &value(); }
  const T* operator->() const { return &value(); }
  T& operator*() & { return value(); }
  const T& operator*() const& { return value(); }

 private:
  std::optional<T> value_;
  Status status_;
};

// A Status that is dropped on purpose; `reason` is for the reader.
inline void ignore_status(const Status&, std::string_view /*reason*/) noexcept {}

}  // namespace fathom

// Returns early with the error of a Status expression.
#define FATHOM_RETURN_IF_ERROR(expression)                                                        \
  do {                                                                                            \
    if (::fathom::Status fathom_status = (expression); !fathom_status.ok()) return fathom_status; \
  } while (false)

#define FATHOM_CONCAT_INNER(a, b) a##b
#define FATHOM_CONCAT(a, b) FATHOM_CONCAT_INNER(a, b)

// FATHOM_ASSIGN_OR_RETURN(auto x, result_expression): binds the value or returns the error.
#define FATHOM_ASSIGN_OR_RETURN(declaration, expression)       \
  auto FATHOM_CONCAT(fathom_result_, __LINE__) = (expression); \
  if (!FATHOM_CONCAT(fathom_result_, __LINE__).ok())           \
    return FATHOM_CONCAT(fathom_result_, __LINE__).status();   \
  declaration = std::move(FATHOM_CONCAT(fathom_result_, __LINE__)).value()
