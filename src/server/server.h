// SPDX-License-Identifier: MIT
// Server: the API behind the sockets (design.md 13): routes, keys, origin rule, text threads.
//
// Life: listen (answers /health), serve (accepts work), begin_drain, stop. Made and ended by one thread;
// everything else happens on I/O, text and engine threads.
#pragma once

#include <atomic>
#include <memory>
#include <string>

#include "base/status.h"
#include "server/http_server.h"
#include "server/key_ring.h"
#include "server/origin_rule.h"
#include "server/server_context.h"
#include "server/work_queue.h"

namespace fathom {

class Server : private HttpApplication {
 public:
  // kPermissionDenied for an address other than loopback without a key, unless forced.
  static Result<std::unique_ptr<Server>> listen(ServerOptions options, KeyRing keys, ProgramFacts program);
  ~Server() override;

  // The model is there: work is accepted. Once.
  void serve(std::unique_ptr<ServedModel> model);

  // "http://127.0.0.1:8080"
  std::string url() const;

  // Refuses new work from now on; what runs goes on.
  void begin_drain();
  // Whether no request is under way.
  bool idle() const noexcept { return active_.load(std::memory_order_acquire) == 0; }
  // Ends what still runs with a final error, then closes everything.
  void stop();

 private:
  Server(ServerOptions options, KeyRing keys, ProgramFacts program);

  // HttpApplication
  HeadVerdict admit(HttpHead head) override;
  HeadVerdict refuse(const HttpRefusal& refusal) override;
  void handle(const std::shared_ptr<Exchange>& exchange) override;
  void report(const Exchange& exchange, const ExchangeReport& report) override;

  std::optional<HttpResponse> gate(HeadVerdict& verdict);
  std::optional<HttpResponse> check_route(HeadVerdict& verdict) const;
  std::optional<HttpResponse> check_key(HeadVerdict& verdict) const;
  std::optional<HttpResponse> check_body_headers(const HeadVerdict& verdict) const;
  std::string common_lines(const RequestFacts& facts) const;
  void run_text_handler(const std::shared_ptr<Exchange>& exchange) noexcept;
  void run_handler(const std::shared_ptr<Exchange>& exchange) noexcept;

  // Immutable once listening.
  ServerContext context_;
  const KeyRing keys_;
  std::unique_ptr<const OriginRule> origins_;
  Route no_openai_route_;  // of what matched none, by error shape
  Route no_anthropic_route_;

  std::unique_ptr<ServedModel> model_;  // set once, before the phase says ready
  std::atomic<int64_t> active_{0};      // requests whose reply is not wholly sent
  // Declared last: their threads end before anything above goes.
  std::unique_ptr<WorkQueue> text_queue_;
  std::unique_ptr<HttpServer> http_;
};

}  // namespace fathom
