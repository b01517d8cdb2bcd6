// SPDX-License-Identifier: MIT
#include "base/status.h"

namespace fathom {

int exit_code(StatusCode code) noexcept {
  switch (code) {
    case StatusCode::kOk: return 0;
    case StatusCode::kInvalidArgument: return 2;
    case StatusCode::kUnauthenticated:
    case StatusCode::kPermissionDenied: return 77;
    case StatusCode::kNotFound:
    case StatusCode::kOutOfRange: return 3;
    case StatusCode::kUnsupported: return 4;
    case StatusCode::kCorrupt: return 5;
    case StatusCode::kResourceExhausted: return 6;
    case StatusCode::kIo: return 7;
    case StatusCode::kCancelled: return 130;
    case StatusCode::kDeadlineExceeded: return 8;
    case StatusCode::kUnavailable: return 9;
    case StatusCode::kInternal: return 70;
  }
  return 70;
}

Status Status::in(std::string_view where) const {
  if (ok()) return *this;
  std::string message(where);
  message += ": ";
  message += error_->message;
  return Status(error_->code, std::move(message));
}

}  // namespace fathom
