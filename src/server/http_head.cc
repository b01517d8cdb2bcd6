// SPDX-License-Identifier: MIT
#include "server/http_head.h"

#include <algorithm>
#include <charconv>

#include "base/concat.h"

namespace fathom {
namespace {

constexpr std::string_view kCrLf = "\r\n";

HttpRefusal bad(std::string message) { return {400, std::move(message)}; }

bool is_letter_or_digit(char c) noexcept {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
}

// RFC 9110 "tchar".
bool is_token_char(char c) noexcept {
  return is_letter_or_digit(c) || std::string_view("!#$%&'*+-.^_`|~").find(c) != std::string_view::npos;
}

bool is_token(std::string_view text) noexcept {
  return !text.empty() && std::all_of(text.begin(), text.end(), is_token_char);
}

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return out;
}

std::string_view trim(std::string_view text) noexcept {
  while (!text.empty() && (text.front() == ' ' || text.front() == '\t')) text.remove_prefix(1);
  while (!text.empty() && (text.back() == ' ' || text.back() == '\t')) text.remove_suffix(1);
  return text;
}

int hex_digit(char c) noexcept {
  if (c >= '0' && c <= '9') return c - '0';
  if (c >= 'a' && c <= 'f') return c - 'a' + 10;
  if (c >= 'A' && c <= 'F') return c - 'A' + 10;
  return -1;
}

HttpRefusal read_path(std::string_view target, std::string& path) {
  const std::string_view encoded = target.substr(0, target.find('?'));
  for (size_t i = 0; i < encoded.size(); ++i) {
    char c = encoded[i];
    if (c == '%') {
      const int high = i + 1 < encoded.size() ? hex_digit(encoded[i + 1]) : -1;
      const int low = i + 2 < encoded.size() ? hex_digit(encoded[i + 2]) : -1;
      if (high < 0 || low < 0) return bad("request target: expected two hex digits after %");
      c = static_cast<char>(high * 16 + low);
      if (c == '\0') return bad("request target: expected no zero byte, found %00");
      i += 2;
    }
    path += c;
  }
  return {};
}

HttpRefusal read_target(std::string_view target, const HttpLimits& limits, HttpHead& head) {
  if (target.size() > limits.target_bytes)
    return {414, concat("request target: expected at most ", limits.target_bytes, " bytes")};
  if (target.empty() || target.front() != '/')
    return bad("request target: expected a path that begins with /");
  for (const char c : target) {
    if (c <= ' ' || c >= 0x7F || c == '#')
      return bad("request target: expected printable ASCII without blanks");
  }
  return read_path(target, head.path);
}

HttpRefusal read_version(std::string_view version, HttpHead& head) {
  if (version == "HTTP/1.1") {
    head.minor_version = 1;
  } else if (version == "HTTP/1.0") {
    head.minor_version = 0;
    head.keep_alive = false;
  } else {
    return bad("request line: expected HTTP/1.1 or HTTP/1.0");
  }
  return {};
}

HttpRefusal read_request_line(std::string_view line, const HttpLimits& limits, HttpHead& head) {
  const size_t first = line.find(' ');
  const size_t last = line.rfind(' ');
  if (first == std::string_view::npos || first == last)
    return bad("request line: expected METHOD TARGET VERSION with one blank between");
  const std::string_view method = line.substr(0, first);
  if (!is_token(method) || method.size() > 16)
    return bad("request line: expected a method of up to 16 letters");
  head.method = method;
  if (HttpRefusal refusal = read_version(line.substr(last + 1), head); refusal.refused()) return refusal;
  return read_target(line.substr(first + 1, last - first - 1), limits, head);
}

HttpRefusal add_header(std::string_view line, HttpHead& head) {
  if (line.front() == ' ' || line.front() == '\t') return bad("header: expected no folded lines");
  const size_t colon = line.find(':');
  if (colon == std::string_view::npos || !is_token(line.substr(0, colon)))
    return bad("header: expected NAME: VALUE without a blank before the colon");
  const std::string_view value = trim(line.substr(colon + 1));
  for (const char c : value) {
    const auto byte = static_cast<uint8_t>(c);
    if ((byte < 0x20 && c != '\t') || byte == 0x7F)
      return bad("header: expected no control bytes in a value");
  }
  head.headers.push_back({lower(line.substr(0, colon)), std::string(value)});
  return {};
}

// Those that decide framing, routing or identity stand once at most.
HttpRefusal check_single(const HttpHead& head) {
  for (const std::string_view name : {"host", "content-length", "transfer-encoding", "authorization",
                                      "x-api-key", "content-type", "content-encoding", "origin", "expect"}) {
    const auto count = std::count_if(head.headers.begin(), head.headers.end(),
                                     [&](const HttpHeader& header) { return header.name == name; });
    if (count > 1) return bad(concat("header ", name, ": expected once, found ", count, " times"));
  }
  return {};
}

HttpRefusal check_host(const HttpHead& head) {
  const std::string* host = head.find("host");
  if (host == nullptr)
    return head.minor_version == 0 ? HttpRefusal{} : bad("header host: expected one, found none");
  const bool legal = std::all_of(host->begin(), host->end(), [](char c) {
    return is_letter_or_digit(c) || std::string_view("-._~:[]").find(c) != std::string_view::npos;
  });
  return legal && !host->empty() ? HttpRefusal{} : bad("header host: expected NAME or NAME:PORT");
}

HttpRefusal read_framing(HttpHead& head) {
  const std::string* length = head.find("content-length");
  const std::string* coding = head.find("transfer-encoding");
  if (length != nullptr && coding != nullptr)
    return bad("header content-length: expected none beside transfer-encoding");
  if (coding != nullptr) {
    if (head.minor_version == 0) return bad("header transfer-encoding: expected none in HTTP/1.0");
    if (lower(*coding) != "chunked") return bad("header transfer-encoding: expected chunked");
    head.framing = BodyFraming::kChunked;
    return {};
  }
  if (length == nullptr) return {};
  const char* end = length->data() + length->size();
  const bool digits = !length->empty() && length->find_first_not_of("0123456789") == std::string::npos;
  const auto number = std::from_chars(length->data(), end, head.content_length);
  if (!digits || number.ec != std::errc() || number.ptr != end)
    return bad("header content-length: expected a number of bytes");
  head.framing = head.content_length > 0 ? BodyFraming::kLength : BodyFraming::kNone;
  return {};
}

HttpRefusal read_connection(HttpHead& head) {
  for (const HttpHeader& header : head.headers) {
    if (header.name != "connection") continue;
    const std::string words = lower(header.value);
    if (words.find("close") != std::string::npos) head.keep_alive = false;
    if (words == "keep-alive" && head.minor_version == 0) head.keep_alive = true;
  }
  const std::string* expect = head.find("expect");
  if (expect == nullptr) return {};
  if (lower(*expect) != "100-continue") return {417, "header expect: expected 100-continue"};
  head.expects_continue = head.minor_version == 1;
  return {};
}

}  // namespace

const std::string* HttpHead::find(std::string_view name) const noexcept {
  for (const HttpHeader& header : headers) {
    if (header.name == name) return &header.value;
  }
  return nullptr;
}

HeadScan scan_http_head(std::string_view bytes, size_t scanned, const HttpLimits& limits) {
  const size_t stop = std::min(bytes.size(), limits.head_bytes);
  for (size_t i = scanned; i < stop; ++i) {
    const char c = bytes[i];
    if (c == '\0') return {0, bad("request head: expected text, found a zero byte")};
    const bool after_return = i > 0 && bytes[i - 1] == '\r';
    if ((c == '\n') != after_return) return {0, bad("request head: expected lines that end in CR LF")};
    if (c == '\n' && i >= 3 && bytes.substr(i - 3, 2) == kCrLf) return {i + 1, {}};
    if (c == '\n' && i == 1) return {0, bad("request line: expected one, found an empty line")};
  }
  if (bytes.size() >= limits.head_bytes)
    return {0, {431, concat("request head: expected at most ", limits.head_bytes, " bytes")}};
  return {};
}

HttpRefusal parse_http_head(std::string_view bytes, const HttpLimits& limits, HttpHead& head) {
  head = HttpHead{};
  bool first = true;
  for (size_t at = 0; at < bytes.size();) {
    const size_t end = bytes.find(kCrLf, at);
    if (end == std::string_view::npos) return bad("request head: expected lines that end in CR LF");
    const std::string_view line = bytes.substr(at, end - at);
    at = end + kCrLf.size();
    if (line.empty()) break;
    if (!first && head.headers.size() == limits.headers)
      return {431, concat("request head: expected at most ", limits.headers, " headers")};
    HttpRefusal refusal = first ? read_request_line(line, limits, head) : add_header(line, head);
    if (refusal.refused()) return refusal;
    first = false;
  }
  if (first) return bad("request line: expected one, found nothing");
  for (HttpRefusal (*check)(HttpHead&) :
       {+[](HttpHead& h) { return check_single(h); }, +[](HttpHead& h) { return check_host(h); },
        +[](HttpHead& h) { return read_framing(h); }, +[](HttpHead& h) { return read_connection(h); }}) {
    if (HttpRefusal refusal = check(head); refusal.refused()) return refusal;
  }
  return {};
}

}  // namespace fathom
