// SPDX-License-Identifier: MIT
// Bytes from the network as an HTTP request (docs/reliability.md S-4): refused or understood, and understood
// the same however they arrive. What is understood has one meaning only.
//
// Input: one byte that says how the rest is cut, then the bytes.
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "server/http_body.h"
#include "server/http_head.h"

namespace {

using fathom::BodyFraming;
using fathom::HeadScan;
using fathom::HttpBody;
using fathom::HttpHead;
using fathom::HttpLimits;

constexpr HttpLimits kLimits{};
constexpr uint64_t kBodyCap = 1000;

// Scans `bytes` as they come in pieces of `step`.
HeadScan scan_in_pieces(std::string_view bytes, size_t step) {
  size_t seen = 0;
  HeadScan scan;
  while (seen < bytes.size() && scan.end == 0 && !scan.refusal.refused()) {
    const size_t now = std::min(bytes.size(), seen + step);
    scan = fathom::scan_http_head(bytes.substr(0, now), seen, kLimits);
    seen = now;
  }
  return scan;
}

void check_body(const HttpHead& head, std::string_view bytes, size_t step) {
  HttpBody whole(head, kBodyCap);
  const size_t taken = whole.push(bytes);
  FATHOM_CHECK(taken <= bytes.size() && whole.size() <= kBodyCap);
  HttpBody pieces(head, kBodyCap);
  for (size_t at = 0; at < bytes.size() && !pieces.complete() && !pieces.refusal().refused(); at += step) {
    pieces.push(bytes.substr(at, step));
  }
  FATHOM_CHECK(whole.complete() == pieces.complete());
  FATHOM_CHECK(whole.refusal().status == pieces.refusal().status);
  if (whole.complete()) FATHOM_CHECK(whole.take() == pieces.take());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view bytes(reinterpret_cast<const char*>(data) + 1, size - 1);
  const size_t step = 1 + data[0] % 64;
  const HeadScan scan = fathom::scan_http_head(bytes, 0, kLimits);
  const HeadScan again = scan_in_pieces(bytes, step);
  FATHOM_CHECK(scan.end == again.end && scan.refusal.status == again.refusal.status);
  if (scan.end == 0) return 0;
  HttpHead head;
  if (fathom::parse_http_head(bytes.substr(0, scan.end), kLimits, head).refused()) return 0;
  FATHOM_CHECK(scan.end <= kLimits.head_bytes && head.headers.size() <= kLimits.headers);
  FATHOM_CHECK(!head.path.empty() && head.path.front() == '/' && head.path.find('\0') == std::string::npos);
  const bool both = head.find("content-length") != nullptr && head.find("transfer-encoding") != nullptr;
  FATHOM_CHECK(!both);
  check_body(head, bytes.substr(scan.end), step);
  return 0;
}
