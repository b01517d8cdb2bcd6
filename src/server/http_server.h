// SPDX-License-Identifier: MIT
// HttpServer: the listening socket and the I/O threads (design.md 8, 13). The only place that knows the
// socket library.
//
// Each connection stays on one I/O thread. Made, stopped and destroyed by one thread.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "base/status.h"
#include "server/http_connection.h"

namespace fathom {

struct HttpServerOptions {
  std::string host = "127.0.0.1";  // an address, or localhost
  int port = 0;                    // 0: any free one
  int io_threads = 1;
  int64_t max_connections = 4096;  // further ones are closed at once
  // PEM files; both or neither.
  std::string tls_cert;
  std::string tls_key;
  ConnectionOptions connection;
};

class HttpServer {
 public:
  // Listens, but accepts nothing before start(). `application` must outlive the server. kInvalidArgument for
  // a host or certificate, kIo when the system refuses the address.
  static Result<std::unique_ptr<HttpServer>> listen(const HttpServerOptions& options,
                                                    HttpApplication& application);
  ~HttpServer();
  HttpServer(const HttpServer&) = delete;
  HttpServer& operator=(const HttpServer&) = delete;

  void start();
  // Takes no further connections. Any thread.
  void stop_accepting();
  // Closes every connection and ends the threads.
  void stop();

  int port() const noexcept;
  // Whether the address is one that only this machine reaches.
  bool loopback() const noexcept;
  int64_t connections() const noexcept;

 private:
  class Impl;
  explicit HttpServer(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

}  // namespace fathom
