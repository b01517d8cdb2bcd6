// SPDX-License-Identifier: MIT
// The body of an HTTP request while it arrives: by length or in chunks (reliability.md S-4).
//
// Invariant: never more than `cap` bytes are kept, whatever the framing says; chunk extensions and trailers
// are refused. One per request; its connection's I/O thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "server/http_head.h"

namespace fathom {

class HttpBody {
 public:
  // A body longer than `cap` is refused: at once when its length is declared.
  HttpBody(const HttpHead& head, uint64_t cap);

  // Takes bytes from the wire and returns how many of them belong to the body: fewer than given once it is
  // complete or refused.
  size_t push(std::string_view bytes);

  bool complete() const noexcept { return stage_ == Stage::kComplete; }
  const HttpRefusal& refusal() const noexcept { return refusal_; }
  uint64_t size() const noexcept { return data_.size(); }
  std::string take() noexcept { return std::move(data_); }

 private:
  enum class Stage : uint8_t { kLength, kSizeLine, kData, kDataEnd, kTrailer, kComplete };

  size_t push_data(std::string_view bytes);
  size_t push_line(std::string_view bytes);
  void finish_line();
  void finish_size(std::string_view line);
  void refuse(int status, std::string message);

  const uint64_t cap_;
  Stage stage_;
  uint64_t left_ = 0;  // of the length or of the current chunk
  std::string line_;   // of the framing, not yet ended
  std::string data_;
  HttpRefusal refusal_;
};

}  // namespace fathom
