// SPDX-License-Identifier: MIT
// The adapter to Boost.Asio: sockets, TLS, timers, threads. One io_context per I/O thread, so that a
// connection's handlers never run at the same time.
#include "server/http_server.h"

#include <sys/resource.h>

#include <algorithm>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/address.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>
#include <vector>

#include "base/concat.h"
#include "base/log.h"

namespace fathom {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;
using TlsStream = asio::ssl::stream<tcp::socket>;
using boost::system::error_code;

// The kernel's share of what a slow reader can pile up.
constexpr int kSendBufferBytes = 256 << 10;
constexpr std::chrono::milliseconds kAcceptPause{100};

template <typename Stream>
class AsioTransport final : public Transport {
 public:
  AsioTransport(Stream stream, std::string peer)
      : stream_(std::move(stream)),
        timers_{asio::steady_timer(stream_.get_executor()), asio::steady_timer(stream_.get_executor())},
        peer_(std::move(peer)) {}

  void start(Done done) override {
    if constexpr (std::is_same_v<Stream, TlsStream>) {
      stream_.async_handshake(asio::ssl::stream_base::server,
                              [done = std::move(done)](const error_code& error) { done(error ? 0 : 1); });
    } else {
      post([done = std::move(done)] { done(1); });
    }
  }

  void read_some(std::span<char> buffer, Done done) override {
    stream_.async_read_some(asio::buffer(buffer.data(), buffer.size()), handler(std::move(done)));
  }

  void write_some(std::string_view bytes, Done done) override {
    stream_.async_write_some(asio::buffer(bytes.data(), bytes.size()), handler(std::move(done)));
  }

  void shutdown_send() override {
    error_code ignored;
    stream_.lowest_layer().shutdown(tcp::socket::shutdown_send, ignored);
  }

  void close() override {
    error_code ignored;
    stream_.lowest_layer().close(ignored);
    for (asio::steady_timer& timer : timers_) timer.cancel();
  }

  void set_timer(Timer timer, std::chrono::steady_clock::time_point due,
                 std::function<void()> fired) override {
    asio::steady_timer& clock = timers_[static_cast<size_t>(timer)];
    // A handler that is already queued must not act for the timer's former time.
    const uint64_t round = ++rounds_[static_cast<size_t>(timer)];
    clock.expires_at(due);
    clock.async_wait([this, timer, round, fired = std::move(fired)](const error_code& error) {
      if (!error && rounds_[static_cast<size_t>(timer)] == round) fired();
    });
  }

  void cancel_timer(Timer timer) override {
    ++rounds_[static_cast<size_t>(timer)];
    timers_[static_cast<size_t>(timer)].cancel();
  }

  void post(std::function<void()> work) override { asio::post(stream_.get_executor(), std::move(work)); }
  const std::string& peer() const noexcept override { return peer_; }

 private:
  static auto handler(Done done) {
    return [done = std::move(done)](const error_code& error, size_t bytes) { done(error ? 0 : bytes); };
  }

  Stream stream_;
  std::array<asio::steady_timer, kTimers> timers_;
  std::array<uint64_t, kTimers> rounds_{};
  const std::string peer_;
};

Result<tcp::endpoint> endpoint_of(const std::string& host, int port) {
  error_code error;
  const std::string text = host == "localhost" ? "127.0.0.1" : host;
  const asio::ip::address address = asio::ip::make_address(text, error);
  if (error) {
    return Status(StatusCode::kInvalidArgument,
                  concat("--host: expected an IP address or localhost, found \"", host, '"'));
  }
  return tcp::endpoint(address, static_cast<uint16_t>(port));
}

Status io_error(std::string_view what, const error_code& error) {
  return Status(StatusCode::kIo, concat(what, ": ", error.message()));
}

Status load_certificate(asio::ssl::context& context, const HttpServerOptions& options) {
  error_code error;
  context.set_options(asio::ssl::context::default_workarounds | asio::ssl::context::no_tlsv1 |
                          asio::ssl::context::no_tlsv1_1 | asio::ssl::context::no_sslv3,
                      error);
  if (!error) context.use_certificate_chain_file(options.tls_cert, error);
  if (error) return Status(StatusCode::kInvalidArgument, concat("--tls-cert: ", error.message()));
  context.use_private_key_file(options.tls_key, asio::ssl::context::pem, error);
  if (error) return Status(StatusCode::kInvalidArgument, concat("--tls-key: ", error.message()));
  return {};
}

// The process keeps some descriptors for files (reliability.md 3).
int64_t bounded_by_descriptors(int64_t connections) {
  constexpr int64_t kKept = 64;
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0 || limit.rlim_cur == RLIM_INFINITY) return connections;
  const auto descriptors = static_cast<int64_t>(limit.rlim_cur);
  return std::max<int64_t>(1, std::min(connections, descriptors - std::min(kKept, descriptors / 2)));
}

}  // namespace

class HttpServer::Impl {
 public:
  Impl(const HttpServerOptions& options, HttpApplication& application)
      : options_(options),
        max_connections_(bounded_by_descriptors(options.max_connections)),
        shared_{.options = options.connection, .application = application} {
    for (int i = 0; i < options.io_threads; ++i) loops_.push_back(std::make_unique<Loop>());
    acceptor_.emplace(loops_.front()->context);
    pause_.emplace(loops_.front()->context);
  }

  Status open() {
    if (options_.tls_cert.empty() != options_.tls_key.empty())
      return Status(StatusCode::kInvalidArgument, "--tls-cert: expected it together with --tls-key");
    if (!options_.tls_cert.empty()) {
      tls_.emplace(asio::ssl::context::tls_server);
      FATHOM_RETURN_IF_ERROR(load_certificate(*tls_, options_));
    }
    FATHOM_ASSIGN_OR_RETURN(const tcp::endpoint endpoint, endpoint_of(options_.host, options_.port));
    const std::string where = concat("listen on ", options_.host, " port ", options_.port);
    error_code error;
    acceptor_->open(endpoint.protocol(), error);
    if (!error) acceptor_->set_option(tcp::acceptor::reuse_address(true), error);
    if (!error) acceptor_->bind(endpoint, error);
    if (!error) acceptor_->listen(asio::socket_base::max_listen_connections, error);
    if (error) return io_error(where, error);
    local_ = acceptor_->local_endpoint(error);
    return error ? io_error(where, error) : Status();
  }

  void start() {
    accept();
    for (const auto& loop : loops_) loop->thread = std::thread([&context = loop->context] { context.run(); });
  }

  void stop_accepting() {
    asio::post(loops_.front()->context, [this] {
      error_code ignored;
      acceptor_->close(ignored);
      pause_->cancel();
    });
  }

  void stop() {
    stop_accepting();
    for (const auto& loop : loops_) {
      asio::post(loop->context, [&loop = *loop] {
        for (const auto& weak : loop.connections) {
          if (const auto connection = weak.lock()) connection->close();
        }
        loop.connections.clear();
      });
      loop->work.reset();
    }
    for (const auto& loop : loops_) {
      if (loop->thread.joinable()) loop->thread.join();
    }
  }

  int port() const noexcept { return local_.port(); }
  bool loopback() const noexcept { return local_.address().is_loopback(); }
  int64_t connections() const noexcept { return shared_.connections.load(std::memory_order_relaxed); }

 private:
  struct Loop {
    asio::io_context context{1};
    asio::executor_work_guard<asio::io_context::executor_type> work{context.get_executor()};
    std::vector<std::weak_ptr<HttpConnection>> connections;  // this loop's thread only
    size_t sweep_at = 64;
    std::thread thread;
  };

  void accept() {
    Loop& loop = *loops_[next_loop_++ % loops_.size()];
    acceptor_->async_accept(loop.context, [this, &loop](const error_code& error, tcp::socket socket) {
      if (!acceptor_->is_open()) return;
      if (error) {  // out of descriptors, or the client went before it was taken
        pause_->expires_after(kAcceptPause);
        pause_->async_wait([this](const error_code& cancelled) {
          if (!cancelled) accept();
        });
        return;
      }
      if (connections() < max_connections_) {
        asio::post(loop.context, [this, &loop, taken = std::make_shared<tcp::socket>(std::move(socket))] {
          open_connection(loop, std::move(*taken));
        });
      }
      accept();
    });
  }

  void open_connection(Loop& loop, tcp::socket socket) {
    error_code error;
    const tcp::endpoint peer = socket.remote_endpoint(error);
    if (error) return;
    socket.set_option(tcp::no_delay(true), error);
    socket.set_option(asio::socket_base::send_buffer_size(kSendBufferBytes), error);
    auto connection = std::make_shared<HttpConnection>(shared_, transport_of(std::move(socket), peer));
    // Those that are gone are swept out when the list has doubled.
    if (loop.connections.size() >= loop.sweep_at) {
      std::erase_if(loop.connections, [](const auto& weak) { return weak.expired(); });
      loop.sweep_at = std::max<size_t>(64, loop.connections.size() * 2);
    }
    loop.connections.push_back(connection);
    connection->start();
  }

  std::unique_ptr<Transport> transport_of(tcp::socket socket, const tcp::endpoint& peer) {
    const std::string address = peer.address().to_string();
    if (tls_) return std::make_unique<AsioTransport<TlsStream>>(TlsStream(std::move(socket), *tls_), address);
    return std::make_unique<AsioTransport<tcp::socket>>(std::move(socket), address);
  }

  const HttpServerOptions options_;
  const int64_t max_connections_;
  ConnectionShared shared_;
  std::optional<asio::ssl::context> tls_;
  std::vector<std::unique_ptr<Loop>> loops_;
  std::optional<tcp::acceptor> acceptor_;    // first loop's thread, once started
  std::optional<asio::steady_timer> pause_;  // the same
  tcp::endpoint local_;
  size_t next_loop_ = 0;
};

HttpServer::HttpServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
HttpServer::~HttpServer() { impl_->stop(); }

Result<std::unique_ptr<HttpServer>> HttpServer::listen(const HttpServerOptions& options,
                                                       HttpApplication& application) {
  auto impl = std::make_unique<Impl>(options, application);
  FATHOM_RETURN_IF_ERROR(impl->open());
  return std::unique_ptr<HttpServer>(new HttpServer(std::move(impl)));
}

void HttpServer::start() { impl_->start(); }
void HttpServer::stop_accepting() { impl_->stop_accepting(); }
void HttpServer::stop() { impl_->stop(); }
int HttpServer::port() const noexcept { return impl_->port(); }
bool HttpServer::loopback() const noexcept { return impl_->loopback(); }
int64_t HttpServer::connections() const noexcept { return impl_->connections(); }

}  // namespace fathom
