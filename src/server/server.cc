// SPDX-License-Identifier: MIT
#include "server/server.h"

#include <malloc.h>

#include <algorithm>
#include <exception>
#include <new>
#include <thread>

#include "base/concat.h"
#include "base/log.h"
#include "server/random_id.h"
#include "server/routes.h"

namespace fathom {
namespace {

using std::chrono::duration_cast;
using std::chrono::milliseconds;

constexpr milliseconds kLastWords{500};

bool is_request_id(std::string_view id) noexcept {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-";
  return !id.empty() && id.size() <= 64 && id.find_first_not_of(kLetters) == std::string_view::npos;
}

std::string id_of(const HttpHead& head) {
  const std::string* id = head.find("x-request-id");
  return id != nullptr && is_request_id(*id) ? *id : random_id("req_");
}

// "application/json" of "application/json; charset=utf-8", whatever the case.
bool is_json_type(const std::string* type) {
  if (type == nullptr) return false;
  std::string_view name = std::string_view(*type).substr(0, type->find(';'));
  while (name.ends_with(' ')) name.remove_suffix(1);
  constexpr std::string_view kJson = "application/json";
  return name.size() == kJson.size() && std::equal(name.begin(), name.end(), kJson.begin(),
                                                   [](char a, char b) { return (a | 0x20) == (b | 0x20); });
}

HttpResponse error_of(const HeadVerdict& verdict, ErrorCode code, std::string message, AfterReply after) {
  HttpResponse response =
      error_response({code, std::move(message), "", 0}, verdict.facts.route->errors, verdict.facts.id);
  response.after = after;
  return response;
}

}  // namespace

Server::Server(ServerOptions options, KeyRing keys, ProgramFacts program)
    : context_(std::move(options), std::move(program)), keys_(std::move(keys)) {
  context_.connections = [this] { return http_->connections(); };
  no_openai_route_ = {.name = "none", .method = "GET"};
  no_anthropic_route_ = {.name = "none", .method = "GET", .errors = ErrorShape::kAnthropic};
  add_routes(context_);
}

Server::~Server() { stop(); }

Result<std::unique_ptr<Server>> Server::listen(ServerOptions options, KeyRing keys, ProgramFacts program) {
  std::unique_ptr<Server> server(new Server(std::move(options), std::move(keys), std::move(program)));
  const ServerOptions& settled = server->context_.options;
  FATHOM_ASSIGN_OR_RETURN(server->http_, HttpServer::listen(settled.http, *server));
  if (!server->http_->loopback() && server->keys_.empty() && !settled.no_key_public) {
    return Status(StatusCode::kPermissionDenied,
                  concat("--host: expected a loopback address without a key, found ", settled.http.host,
                         ": give --api-key-file, or force it with --no-key-public"));
  }
  server->origins_ = std::make_unique<OriginRule>(OriginRule::Options{
      settled.http.host, settled.cors_origins, !server->keys_.empty(), !settled.http.tls_cert.empty()});
  server->text_queue_ =
      std::make_unique<WorkQueue>(settled.text_threads, static_cast<size_t>(settled.text_queue));
  server->http_->start();
  return server;
}

void Server::serve(std::unique_ptr<ServedModel> model) {
  model_ = std::move(model);
  context_.model.store(model_.get(), std::memory_order_release);
  context_.phase.store(ServerPhase::kReady, std::memory_order_release);
}

std::string Server::url() const {
  const HttpServerOptions& http = context_.options.http;
  const bool bare_v6 = http.host.find(':') != std::string::npos;
  return concat(http.tls_cert.empty() ? "http://" : "https://", bare_v6 ? "[" : "", http.host,
                bare_v6 ? "]" : "", ':', http_->port());
}

void Server::begin_drain() { context_.phase.store(ServerPhase::kDraining, std::memory_order_release); }

void Server::stop() {
  if (http_ == nullptr) return;
  begin_drain();
  // What still runs hears of its end from the engine; its last bytes get a moment to leave.
  if (model_ != nullptr) model_->engine->drain(milliseconds(0));
  const auto due = std::chrono::steady_clock::now() + kLastWords;
  while (!idle() && std::chrono::steady_clock::now() < due) std::this_thread::sleep_for(milliseconds(5));
  http_->stop();
  text_queue_ = nullptr;
}

HeadVerdict Server::refuse(const HttpRefusal& refusal) {
  HeadVerdict verdict;
  verdict.facts.route = &no_openai_route_;
  verdict.facts.id = random_id("req_");
  verdict.facts.arrived = std::chrono::steady_clock::now();
  verdict.facts.head.keep_alive = false;
  verdict.facts.common_headers = common_lines(verdict.facts);
  verdict.answer = refusal_response(refusal, ErrorShape::kOpenAi, verdict.facts.id);
  return verdict;
}

HeadVerdict Server::admit(HttpHead head) {
  HeadVerdict verdict;
  RequestFacts& facts = verdict.facts;
  facts.arrived = std::chrono::steady_clock::now();
  facts.id = id_of(head);
  facts.head = std::move(head);
  RouteMatch match = context_.routes.match(facts.head.method, facts.head.path);
  facts.route = match.route;
  facts.segment = std::move(match.segment);
  if (facts.route == nullptr) {
    const bool anthropic = context_.routes.error_shape(facts.head.path) == ErrorShape::kAnthropic;
    facts.route = anthropic ? &no_anthropic_route_ : &no_openai_route_;
  }
  facts.common_headers = common_lines(facts);
  verdict.answer = gate(verdict);
  active_.fetch_add(1, std::memory_order_acq_rel);
  facts.active =
      std::shared_ptr<void>(nullptr, [this](void*) { active_.fetch_sub(1, std::memory_order_acq_rel); });
  return verdict;
}

std::string Server::common_lines(const RequestFacts& facts) const {
  std::string lines = header_line("x-request-id", facts.id);
  if (facts.route->errors == ErrorShape::kAnthropic) lines += header_line("request-id", facts.id);
  return lines + origins_->cors_lines(facts.head);
}

// Everything that is decided before the body is read. An answer is the end of it.
std::optional<HttpResponse> Server::gate(HeadVerdict& verdict) {
  if (!origins_->permits(verdict.facts.head)) {
    return error_of(verdict, ErrorCode::kForbidden,
                    "expected a Host of this machine and an Origin that is the same or allowed",
                    AfterReply::kClose);
  }
  if (auto answer = check_route(verdict)) return answer;
  if (auto answer = check_key(verdict)) return answer;
  return check_body_headers(verdict);
}

std::optional<HttpResponse> Server::check_route(HeadVerdict& verdict) const {
  const HttpHead& head = verdict.facts.head;
  const RouteMatch match = context_.routes.match(head.method, head.path);
  if (match.route != nullptr) return std::nullopt;
  if (match.allowed.empty())
    return error_of(verdict, ErrorCode::kNotFound, "expected a path of the API", AfterReply::kKeepAlive);
  if (OriginRule::is_preflight(head) && !origins_->cors_lines(head).empty()) {
    HttpResponse response;
    response.status = 204;
    response.headers = OriginRule::preflight_headers();
    return response;
  }
  HttpResponse response = error_of(verdict, ErrorCode::kMethodNotAllowed,
                                   concat("expected method ", match.allowed), AfterReply::kKeepAlive);
  response.headers.push_back({"Allow", match.allowed});
  return response;
}

std::optional<HttpResponse> Server::check_key(HeadVerdict& verdict) const {
  if (keys_.empty() || verdict.facts.route->access == RouteAccess::kOpen) return std::nullopt;
  if (auto caller = keys_.authenticate(verdict.facts.head)) {
    verdict.facts.caller = std::move(*caller);
    return std::nullopt;
  }
  return error_of(verdict, ErrorCode::kInvalidApiKey,
                  "expected a valid key as Authorization: Bearer KEY or x-api-key: KEY", AfterReply::kClose);
}

std::optional<HttpResponse> Server::check_body_headers(const HeadVerdict& verdict) const {
  if (verdict.facts.route->body_cap == 0) return std::nullopt;
  const HttpHead& head = verdict.facts.head;
  const std::string* coding = head.find("content-encoding");
  if (coding != nullptr && *coding != "identity")
    return error_of(verdict, ErrorCode::kUnsupportedMediaType, "expected no Content-Encoding",
                    AfterReply::kClose);
  if (!is_json_type(head.find("content-type"))) {
    return error_of(verdict, ErrorCode::kUnsupportedMediaType, "expected Content-Type: application/json",
                    AfterReply::kClose);
  }
  return std::nullopt;
}

void Server::handle(const std::shared_ptr<Exchange>& exchange) {
  if (exchange->facts().route->work == RouteWork::kGenerates && !context_.check_room(*exchange)) return;
  if (exchange->facts().route->thread == RouteThread::kIo) return run_handler(exchange);
  if (!text_queue_->push([this, exchange] { run_text_handler(exchange); })) {
    exchange->fail({ErrorCode::kQueueFull, "too many requests wait to be read; try again later", "", 1});
  }
}

// What a large body became is given back to the system, not kept for the next one (reliability.md S-3).
void Server::run_text_handler(const std::shared_ptr<Exchange>& exchange) noexcept {
  constexpr size_t kLargeBody = 1 << 20;
  const bool large = exchange->facts().body.size() >= kLargeBody;
  run_handler(exchange);
#ifdef __GLIBC__
  if (large) ::malloc_trim(0);
#endif
}

void Server::run_handler(const std::shared_ptr<Exchange>& exchange) noexcept {
  try {
    exchange->facts().route->handler(exchange);
  } catch (const std::bad_alloc&) {
    exchange->fail({ErrorCode::kOutOfMemoryBudget, "the server has no memory for this request now", "", 5});
  } catch (const std::exception& error) {
    log_line(LogLevel::kError, "handler", {{"id", exchange->facts().id}, {"what", error.what()}});
    exchange->fail({ErrorCode::kInternalError, "an internal error; the log has more", "", 0});
  }
}

void Server::report(const Exchange& exchange, const ExchangeReport& report) {
  const RequestFacts& facts = exchange.facts();
  const int status = report.status;
  context_.metrics.count_reply(facts.route->name, status);
  const auto spent = duration_cast<milliseconds>(std::chrono::steady_clock::now() - facts.arrived);
  log_line(LogLevel::kInfo, "request",
           {{"id", facts.id},
            {"route", facts.route->name},
            {"status", status},
            {"ms", static_cast<int64_t>(spent.count())},
            {"bytes", report.bytes},
            {"gone", report.client_gone ? "yes" : "no"},
            {"key", facts.caller.name}});
}

}  // namespace fathom
