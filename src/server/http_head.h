// SPDX-License-Identifier: MIT
// The head of an HTTP/1.1 request, read strictly (api.md 2; reliability.md S-4): whatever two readers could
// understand differently is refused, so no request can hide behind another.
//
// Our own reader, because packaged ones accept folded lines and repeated lengths. Pure functions, linear
// time.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

struct HttpLimits {
  size_t head_bytes = 16 << 10;
  size_t headers = 100;
  size_t target_bytes = 8 << 10;
};

struct HttpHeader {
  std::string name;  // lower case
  std::string value;
};

enum class BodyFraming : uint8_t { kNone, kLength, kChunked };

struct HttpHead {
  std::string method;
  std::string path;  // without the query, percent-decoded once
  int minor_version = 1;
  std::vector<HttpHeader> headers;
  BodyFraming framing = BodyFraming::kNone;
  uint64_t content_length = 0;  // kLength
  bool keep_alive = true;
  bool expects_continue = false;

  // The value of the first header with this lower-case name, or null.
  const std::string* find(std::string_view name) const noexcept;
};

// Why bytes are no request; `status` 0 means they are one.
struct HttpRefusal {
  int status = 0;
  std::string message;

  bool refused() const noexcept { return status != 0; }
};

// How far a head has come. `end` counts the bytes of the head, final empty line included, once it is whole.
struct HeadScan {
  size_t end = 0;  // 0: more bytes are needed
  HttpRefusal refusal;
};

// Looks for the end of the head at the front of `bytes`; the first `scanned` bytes were seen before. Refuses
// as soon as a byte cannot belong to one.
HeadScan scan_http_head(std::string_view bytes, size_t scanned, const HttpLimits& limits);

// Reads a whole head as found by scan_http_head.
HttpRefusal parse_http_head(std::string_view bytes, const HttpLimits& limits, HttpHead& head);

}  // namespace fathom
