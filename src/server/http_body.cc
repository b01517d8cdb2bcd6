// SPDX-License-Identifier: MIT
#include "server/http_body.h"

#include <algorithm>
#include <charconv>

#include "base/concat.h"

namespace fathom {
namespace {

// Enough for the longest size that fits 64 bits and its CR LF.
constexpr size_t kMaxLine = 18;

}  // namespace

HttpBody::HttpBody(const HttpHead& head, uint64_t cap) : cap_(cap), stage_(Stage::kComplete) {
  if (head.framing == BodyFraming::kChunked) {
    stage_ = Stage::kSizeLine;
    if (cap == 0) refuse(413, "body: expected none");
  } else if (head.framing == BodyFraming::kLength) {
    stage_ = Stage::kLength;
    left_ = head.content_length;
    if (left_ > cap) refuse(413, concat("body: expected at most ", cap, " bytes, found ", left_));
  }
}

void HttpBody::refuse(int status, std::string message) { refusal_ = {status, std::move(message)}; }

size_t HttpBody::push(std::string_view bytes) {
  size_t taken = 0;
  while (taken < bytes.size() && !complete() && !refusal_.refused()) {
    const std::string_view rest = bytes.substr(taken);
    const bool data = stage_ == Stage::kLength || stage_ == Stage::kData;
    taken += data ? push_data(rest) : push_line(rest);
  }
  return taken;
}

size_t HttpBody::push_data(std::string_view bytes) {
  const size_t count = static_cast<size_t>(std::min<uint64_t>(left_, bytes.size()));
  data_.append(bytes.substr(0, count));
  left_ -= count;
  if (left_ == 0) stage_ = stage_ == Stage::kLength ? Stage::kComplete : Stage::kDataEnd;
  return count;
}

size_t HttpBody::push_line(std::string_view bytes) {
  const size_t feed = bytes.find('\n');
  const size_t count = feed == std::string_view::npos ? bytes.size() : feed + 1;
  if (line_.size() + count > kMaxLine) {
    refuse(400, "body: expected a chunk size without extensions or trailers");
    return 0;
  }
  line_.append(bytes.substr(0, count));
  if (feed != std::string_view::npos) finish_line();
  return count;
}

void HttpBody::finish_line() {
  const std::string line = std::move(line_);
  line_.clear();
  if (line.size() < 2 || line[line.size() - 2] != '\r')
    return refuse(400, "body: expected CR LF after a chunk");
  const std::string_view text = std::string_view(line).substr(0, line.size() - 2);
  if (stage_ == Stage::kSizeLine) return finish_size(text);
  if (!text.empty()) return refuse(400, "body: expected CR LF after a chunk, and no trailers");
  stage_ = stage_ == Stage::kDataEnd ? Stage::kSizeLine : Stage::kComplete;
}

void HttpBody::finish_size(std::string_view line) {
  const char* end = line.data() + line.size();
  const auto number = std::from_chars(line.data(), end, left_, 16);
  const bool digits = line.find_first_not_of("0123456789abcdefABCDEF") == std::string_view::npos;
  if (line.empty() || !digits || number.ec != std::errc() || number.ptr != end)
    return refuse(400, "body: expected a chunk size in hex digits");
  if (left_ > cap_ - data_.size()) return refuse(413, concat("body: expected at most ", cap_, " bytes"));
  stage_ = left_ == 0 ? Stage::kTrailer : Stage::kData;
}

}  // namespace fathom
