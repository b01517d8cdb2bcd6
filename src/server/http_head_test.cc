// SPDX-License-Identifier: MIT
#include "server/http_head.h"

#include <gtest/gtest.h>

#include "server/http_body.h"

namespace fathom {
namespace {

constexpr HttpLimits kLimits{};

// The status of a whole head: 0 when it is one.
int status_of(std::string_view bytes) {
  const HeadScan scan = scan_http_head(bytes, 0, kLimits);
  if (scan.refusal.refused()) return scan.refusal.status;
  if (scan.end == 0) return -1;  // not complete
  HttpHead head;
  return parse_http_head(bytes.substr(0, scan.end), kLimits, head).status;
}

HttpHead parsed(std::string_view bytes) {
  HttpHead head;
  const HttpRefusal refusal = parse_http_head(bytes, kLimits, head);
  EXPECT_EQ(refusal.status, 0) << refusal.message;
  return head;
}

TEST(HttpHead, APlainRequestIsRead) {
  const HttpHead head =
      parsed("POST /v1/x?beta=true HTTP/1.1\r\nHost: a:1\r\nContent-Length: 12\r\nX-Y:  b c \r\n\r\n");
  EXPECT_EQ(head.method, "POST");
  EXPECT_EQ(head.path, "/v1/x");
  EXPECT_EQ(head.framing, BodyFraming::kLength);
  EXPECT_EQ(head.content_length, 12U);
  EXPECT_EQ(*head.find("x-y"), "b c");
  EXPECT_TRUE(head.keep_alive);
}

TEST(HttpHead, ThePathIsDecodedOnce) {
  EXPECT_EQ(parsed("GET /%76%31/%252e HTTP/1.1\r\nHost: a\r\n\r\n").path, "/v1/%2e");
  EXPECT_EQ(parsed("GET /v1/%2e%2e/metrics HTTP/1.1\r\nHost: a\r\n\r\n").path, "/v1/../metrics");
}

TEST(HttpHead, ConnectionsStayOpenAsTheVersionSays) {
  EXPECT_FALSE(parsed("GET / HTTP/1.0\r\n\r\n").keep_alive);
  EXPECT_TRUE(parsed("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n").keep_alive);
  EXPECT_FALSE(parsed("GET / HTTP/1.1\r\nHost: a\r\nConnection: Close\r\n\r\n").keep_alive);
}

// Each of these could be read in two ways by two servers (reliability.md S-4).
TEST(HttpHead, AmbiguousHeadsAreRefused) {
  const std::string post = "POST / HTTP/1.1\r\nHost: a\r\n";
  const std::string get = "GET / HTTP/1.1\r\n";
  for (const std::string& head : {
           post + "Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n",
           post + "Content-Length: 1\r\nContent-Length: 1\r\n\r\n",
           post + "Content-Length: +1\r\n\r\n",
           post + "Content-Length: 1,1\r\n\r\n",
           post + "Content-Length: 0x1\r\n\r\n",
           post + "Content-Length: \r\n\r\n",
           post + "Content-Length: 99999999999999999999\r\n\r\n",
           post + "Transfer-Encoding: gzip\r\n\r\n",
           post + "Transfer-Encoding: chunked, chunked\r\n\r\n",
           post + "Transfer-Encoding: xchunked\r\n\r\n",
           post + "Transfer-Encoding : chunked\r\n\r\n",
           post + "X: a\r\n b\r\n\r\n",
           post + "X: a\rb\r\n\r\n",
           post + "X\r\n\r\n",
           post + ": a\r\n\r\n",
           post + "X: \x01\r\n\r\n",
           post + "Host: b\r\n\r\n",
           get + "\r\n",
           get + "Host: x/v1/models?\r\n\r\n",
           get + "Host: a b\r\n\r\n",
           get + "Host: a\n\n",
           std::string("GET / HTTP/1.1\r\nHost: a\0\r\n\r\n", 29),
           std::string("GET  / HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("GET http://a/ HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("GET /a b HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("GET /%zz HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("GET /%00 HTTP/1.1\r\nHost: a\r\n\r\n"),
           std::string("GET / HTTP/2.0\r\nHost: a\r\n\r\n"),
           std::string("GET /\r\nHost: a\r\n\r\n"),
           std::string("\r\n\r\n"),
           std::string("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"),
       }) {
    EXPECT_EQ(status_of(head), 400) << head;
  }
}

TEST(HttpHead, CapsHoldAtTheCapAndBeyond) {
  const std::string start = "GET / HTTP/1.1\r\nHost: a\r\nX: ";
  const auto sized = [&](size_t size) {
    return start + std::string(size - start.size() - 4, 'x') + "\r\n\r\n";
  };
  EXPECT_EQ(status_of(sized(kLimits.head_bytes)), 0);
  EXPECT_EQ(status_of(sized(kLimits.head_bytes + 1)), 431);
  EXPECT_EQ(status_of(sized(kLimits.head_bytes * 10)), 431);

  const auto with_headers = [](size_t count) {
    std::string head = "GET / HTTP/1.1\r\nHost: a\r\n";
    for (size_t i = 1; i < count; ++i) head += "X: 1\r\n";
    return head + "\r\n";
  };
  EXPECT_EQ(status_of(with_headers(kLimits.headers)), 0);
  EXPECT_EQ(status_of(with_headers(kLimits.headers + 1)), 431);
  EXPECT_EQ(status_of(with_headers(kLimits.headers * 10)), 431);

  const auto with_target = [](size_t size) {
    return "GET /" + std::string(size - 1, 'a') + " HTTP/1.1\r\nHost: a\r\n\r\n";
  };
  EXPECT_EQ(status_of(with_target(kLimits.target_bytes)), 0);
  EXPECT_EQ(status_of(with_target(kLimits.target_bytes + 1)), 414);
  EXPECT_EQ(status_of(with_target(kLimits.target_bytes * 10)), 431);
}

TEST(HttpHead, TheEndIsFoundHoweverTheBytesCome) {
  const std::string head = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
  for (size_t cut = 0; cut < head.size(); ++cut) {
    const HeadScan first = scan_http_head(std::string_view(head).substr(0, cut), 0, kLimits);
    EXPECT_EQ(first.end, 0U);
    EXPECT_FALSE(first.refusal.refused()) << cut;
    EXPECT_EQ(scan_http_head(head, cut, kLimits).end, head.size()) << cut;
  }
}

HttpHead chunked_head() { return parsed("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n"); }

TEST(HttpBody, ChunksAreJoinedHoweverTheBytesCome) {
  const std::string wire = "3\r\nabc\r\nA\r\n0123456789\r\n0\r\n\r\nGET";
  for (size_t step = 1; step < wire.size(); ++step) {
    HttpBody body(chunked_head(), 100);
    size_t taken = 0;
    for (size_t at = 0; at < wire.size() && !body.complete(); at += step) {
      taken += body.push(std::string_view(wire).substr(at, step));
    }
    EXPECT_TRUE(body.complete()) << step;
    EXPECT_EQ(taken, wire.size() - 3) << "what follows the body is not part of it";
    EXPECT_EQ(body.take(), "abc0123456789");
  }
}

TEST(HttpBody, OddChunksAreRefused) {
  for (const auto& [wire, status] : {std::pair<std::string, int>{"-2\r\n", 400},
                                     {"0x10\r\n", 400},
                                     {"\r\n", 400},
                                     {"1;a=b\r\n", 400},
                                     {"1 \r\n", 400},
                                     {"11111111111111111111\r\n", 400},
                                     {"3\r\nabcd\r\n", 400},
                                     {"3\nabc\r\n", 400},
                                     {"0\r\nX: y\r\n\r\n", 400},
                                     {"65\r\n", 413},
                                     {"FFFFFFFFFFFFFFFF\r\n", 413}}) {
    HttpBody body(chunked_head(), 100);
    body.push(wire);
    EXPECT_EQ(body.refusal().status, status) << wire;
  }
}

TEST(HttpBody, TheCapHoldsForLengthAndChunks) {
  const auto with_length = [](uint64_t size) {
    return HttpBody(
               parsed("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: " + std::to_string(size) + "\r\n\r\n"),
               100)
        .refusal()
        .status;
  };
  EXPECT_EQ(with_length(100), 0);
  EXPECT_EQ(with_length(101), 413);
  EXPECT_EQ(with_length(1000), 413);
  HttpBody chunks(chunked_head(), 100);
  for (int i = 0; i < 100; ++i) chunks.push("1\r\nx\r\n");
  EXPECT_FALSE(chunks.refusal().refused());
  chunks.push("1\r\nx\r\n");
  EXPECT_EQ(chunks.refusal().status, 413);
}

}  // namespace
}  // namespace fathom
