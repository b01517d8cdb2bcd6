// SPDX-License-Identifier: MIT
// Exchange: one HTTP request and its reply, whole or as a stream of events (api.md 2 and 4.3).
//
// Invariants: a reply is begun once and ended once; bytes not yet on the wire never exceed the cap, a client
// that reads too slowly loses its connection instead. The facts are immutable; all else is guarded by mu_,
// and any thread may answer. Shared by the connection and whoever answers.
#pragma once

#include <chrono>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>

#include "server/http_head.h"
#include "server/http_response.h"
#include "server/route.h"

namespace fathom {

// Who asks: the name of the key in the key file and what stands for the key elsewhere. Both are empty where
// no key is asked for.
struct Caller {
  std::string name;
  std::string tenant;  // SHA-256 of the key, hexadecimal
};

struct RequestFacts {
  const Route* route = nullptr;
  std::string segment = {};  // what "/*" of the route stood for
  HttpHead head = {};
  std::string body = {};
  std::string id = {};  // of the reply's x-request-id
  Caller caller = {};
  std::string common_headers = {};  // lines that every reply of this request carries
  std::chrono::steady_clock::time_point arrived = {};
  std::shared_ptr<void> active = {};  // held while the request is under way
};

// How an exchange ended, for log and metrics.
struct ExchangeReport {
  int status = 0;  // 0: the client went before a reply began
  uint64_t bytes = 0;
  bool client_gone = false;
};

class Exchange {
 public:
  using Clock = std::chrono::steady_clock;
  struct Options {
    uint64_t max_unsent_bytes = 1 << 20;
    Clock::duration keep_alive = std::chrono::seconds(10);
    std::function<void(const Exchange&, const ExchangeReport&)> on_report = {};  // called once, at the end
    std::function<void()> wake = {};  // there are bytes to take; any thread
  };

  Exchange(RequestFacts facts, Options options);
  Exchange(const Exchange&) = delete;
  Exchange& operator=(const Exchange&) = delete;

  const RequestFacts& facts() const noexcept { return facts_; }
  // The body, handed over; it is not kept twice.
  std::string take_body() noexcept { return std::move(facts_.body); }

  // The whole reply. Nothing happens when one has begun.
  void respond(const HttpResponse& response);
  void fail(const ApiError& error);

  // From now on this is an event stream: while nothing is sent, `text` is, every keep-alive interval.
  void expect_events(std::string_view text);
  // Begins the stream if need be and sends whole events. False when nobody reads any more.
  bool send_events(std::string_view events);
  // Whether the stream has begun, so that an error must be an event.
  bool events_begun() const;
  void end_events(AfterReply after);

  // Called once, from any thread, when the client goes before the end; at once when it is gone already.
  void on_gone(std::function<void()> callback);

  // For the connection.
  struct Taken {
    std::string bytes;
    bool ended = false;    // these are the last
    bool dropped = false;  // the client reads too slowly
    AfterReply after = AfterReply::kKeepAlive;
  };
  Taken take();
  void wrote_all();
  void client_gone();
  // When keep_alive() is due; the far future when it never is.
  Clock::time_point next_keep_alive() const;
  void keep_alive();

 private:
  enum class Stage : uint8_t { kWaiting, kEvents, kEnded };

  void append_head(const HttpResponse& response);
  void begin_events_locked();
  void append_chunk(std::string_view bytes);
  bool over_cap() const noexcept;
  bool chunked() const noexcept { return facts_.head.minor_version == 1; }
  void report();

  // Immutable after construction, but for the body, which the handler takes.
  RequestFacts facts_;
  const Options options_;

  mutable std::mutex mu_;
  // Guarded by mu_.
  Stage stage_ = Stage::kWaiting;
  std::string outbox_;
  uint64_t in_flight_bytes_ = 0;
  std::string keep_alive_text_;
  Clock::time_point last_sent_;
  std::function<void()> gone_callback_;
  bool gone_ = false;
  bool dropped_ = false;
  bool reported_ = false;
  AfterReply after_ = AfterReply::kKeepAlive;
  ExchangeReport report_;
};

}  // namespace fathom
