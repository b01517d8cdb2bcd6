// SPDX-License-Identifier: MIT
// HttpConnection: one client, one request at a time: head, body, reply, and again (api.md 2; reliability.md
// 3).
//
// Invariants: the application decides on the head before a byte of the body is kept; after a refusal of HTTP
// itself the connection closes; while a reply is under way the client's going is noticed. Lives on its
// transport's I/O thread; kept alive by its pending operations.
#pragma once

#include <array>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "server/exchange.h"
#include "server/http_body.h"
#include "server/http_head.h"
#include "server/http_response.h"
#include "server/transport.h"

namespace fathom {

// What the application says to a head. With an answer the body is not read.
struct HeadVerdict {
  RequestFacts facts;
  std::optional<HttpResponse> answer;
};

// What stands behind the connections. Called on I/O threads; must never wait.
class HttpApplication {
 public:
  virtual ~HttpApplication() = default;
  virtual HeadVerdict admit(HttpHead head) = 0;
  // Bytes that are no request.
  virtual HeadVerdict refuse(const HttpRefusal& refusal) = 0;
  virtual void handle(const std::shared_ptr<Exchange>& exchange) = 0;
  virtual void report(const Exchange& exchange, const ExchangeReport& report) = 0;
};

struct ConnectionOptions {
  using Duration = std::chrono::steady_clock::duration;
  HttpLimits limits;
  Duration head_time = std::chrono::seconds(10);
  Duration body_time = std::chrono::seconds(60);
  Duration idle_time = std::chrono::seconds(75);
  Duration write_stall_time = std::chrono::seconds(30);
  Duration request_time = std::chrono::hours(1);
  Duration keep_alive = std::chrono::seconds(10);
  uint64_t max_unsent_bytes = 1 << 20;
  uint64_t max_held_body_bytes = 512 << 20;  // of all connections together
};

// What all connections of a server share.
struct ConnectionShared {
  ConnectionOptions options;
  HttpApplication& application;
  std::atomic<int64_t> connections{0};
  std::atomic<uint64_t> held_body_bytes{0};
};

class HttpConnection : public std::enable_shared_from_this<HttpConnection> {
 public:
  // `shared` must outlive the connection.
  HttpConnection(ConnectionShared& shared, std::unique_ptr<Transport> transport);
  ~HttpConnection();
  HttpConnection(const HttpConnection&) = delete;
  HttpConnection& operator=(const HttpConnection&) = delete;

  void start();
  void close();

 private:
  using Clock = std::chrono::steady_clock;
  enum class Stage : uint8_t { kHandshake, kHead, kBody, kExchange, kLinger, kClosed };

  void read();
  void on_read(size_t bytes);
  void on_peer_closed();
  void advance();
  bool advance_head();
  void finish_head(HeadVerdict verdict);
  void advance_body();
  void hold_body(uint64_t bytes);
  void release_body();
  void refuse(const HttpRefusal& refusal);
  void begin_exchange(HeadVerdict verdict);
  void finish_exchange();
  void linger();

  void pump();
  void write(std::string bytes);
  void write_rest();
  void on_written(size_t bytes);

  void set_deadline(Clock::time_point due);
  void on_deadline();
  void watch_exchange();

  ConnectionShared& shared_;
  const std::unique_ptr<Transport> transport_;

  // I/O thread only.
  Stage stage_ = Stage::kHandshake;
  std::array<char, 8192> read_buffer_{};
  std::string pending_;  // received, not yet understood
  size_t scanned_ = 0;   // of pending_, no end of a head
  bool reading_ = false;
  bool peer_closed_ = false;
  std::optional<HeadVerdict> verdict_;  // of the request whose body is read
  std::optional<HttpBody> body_;
  uint64_t held_body_bytes_ = 0;
  std::shared_ptr<Exchange> exchange_;
  Clock::time_point exchange_deadline_;
  std::string writing_;
  size_t written_ = 0;
  bool write_busy_ = false;
  bool reply_ended_ = false;
  AfterReply after_ = AfterReply::kKeepAlive;
  uint64_t lingered_bytes_ = 0;
};

}  // namespace fathom
