// SPDX-License-Identifier: MIT
#include "server/http_connection.h"

#include <algorithm>

namespace fathom {
namespace {

// A refused client is read on for a while, so that it sees the reply and not a reset connection.
constexpr std::chrono::seconds kLingerTime{2};
constexpr uint64_t kLingerBytes = 64 << 20;

}  // namespace

HttpConnection::HttpConnection(ConnectionShared& shared, std::unique_ptr<Transport> transport)
    : shared_(shared), transport_(std::move(transport)) {
  shared_.connections.fetch_add(1, std::memory_order_relaxed);
}

HttpConnection::~HttpConnection() {
  release_body();
  shared_.connections.fetch_sub(1, std::memory_order_relaxed);
}

void HttpConnection::start() {
  set_deadline(Clock::now() + shared_.options.head_time);
  transport_->start([self = shared_from_this()](size_t ok) {
    if (ok == 0) return self->close();
    if (self->stage_ != Stage::kHandshake) return;
    self->stage_ = Stage::kHead;
    self->set_deadline(Clock::now() + self->shared_.options.idle_time);
    self->read();
  });
}

void HttpConnection::close() {
  if (stage_ == Stage::kClosed) return;
  stage_ = Stage::kClosed;
  transport_->close();
  release_body();
  if (exchange_ != nullptr) exchange_->client_gone();
  exchange_ = nullptr;
}

// ---- reading

void HttpConnection::read() {
  if (reading_ || peer_closed_ || stage_ == Stage::kClosed) return;
  // While a reply is under way the next request may come in, but no more of it than a head.
  if (stage_ == Stage::kExchange && pending_.size() >= shared_.options.limits.head_bytes) return;
  reading_ = true;
  transport_->read_some(read_buffer_, [self = shared_from_this()](size_t bytes) { self->on_read(bytes); });
}

void HttpConnection::on_read(size_t bytes) {
  reading_ = false;
  if (stage_ == Stage::kClosed) return;
  if (bytes == 0) return on_peer_closed();
  if (stage_ == Stage::kLinger) {
    lingered_bytes_ += bytes;
    if (lingered_bytes_ > kLingerBytes) return close();
    return read();
  }
  if (stage_ == Stage::kHead && pending_.empty()) set_deadline(Clock::now() + shared_.options.head_time);
  pending_.append(read_buffer_.data(), bytes);
  advance();
  read();
}

void HttpConnection::on_peer_closed() {
  peer_closed_ = true;
  if (stage_ != Stage::kExchange) return close();
  exchange_->client_gone();
  if (!write_busy_) pump();
  if (stage_ == Stage::kExchange && !reply_ended_) close();
}

void HttpConnection::advance() {
  while (stage_ == Stage::kHead && advance_head()) {
  }
  if (stage_ == Stage::kBody) advance_body();
}

// Whether another head may stand in what was received.
bool HttpConnection::advance_head() {
  if (pending_.empty()) return false;
  const HttpLimits& limits = shared_.options.limits;
  const HeadScan scan = scan_http_head(pending_, scanned_, limits);
  scanned_ = pending_.size();
  if (scan.refusal.refused()) {
    refuse(scan.refusal);
    return false;
  }
  if (scan.end == 0) return false;
  HttpHead head;
  const HttpRefusal refusal = parse_http_head(std::string_view(pending_).substr(0, scan.end), limits, head);
  pending_.erase(0, scan.end);
  scanned_ = 0;
  if (refusal.refused()) {
    refuse(refusal);
    return false;
  }
  finish_head(shared_.application.admit(std::move(head)));
  return true;
}

void HttpConnection::finish_head(HeadVerdict verdict) {
  const HttpHead& head = verdict.facts.head;
  if (verdict.answer) {
    if (head.framing != BodyFraming::kNone) verdict.answer->after = AfterReply::kClose;
    return begin_exchange(std::move(verdict));
  }
  if (head.framing == BodyFraming::kNone) return begin_exchange(std::move(verdict));
  stage_ = Stage::kBody;
  body_.emplace(head, verdict.facts.route->body_cap);
  set_deadline(Clock::now() + shared_.options.body_time);
  const bool wants_word = head.expects_continue && pending_.empty() && !body_->refusal().refused();
  verdict_ = std::move(verdict);
  if (wants_word) write("HTTP/1.1 100 Continue\r\n\r\n");
}

void HttpConnection::advance_body() {
  const size_t taken = body_->push(pending_);
  pending_.erase(0, taken);
  if (!body_->refusal().refused()) hold_body(body_->size());
  if (body_->refusal().refused()) return refuse(body_->refusal());
  if (stage_ != Stage::kBody || !body_->complete()) return;
  HeadVerdict verdict = std::move(*verdict_);
  verdict_.reset();
  verdict.facts.body = body_->take();
  body_.reset();
  begin_exchange(std::move(verdict));
}

void HttpConnection::hold_body(uint64_t bytes) {
  const uint64_t more = bytes - held_body_bytes_;
  held_body_bytes_ = bytes;
  const uint64_t all = shared_.held_body_bytes.fetch_add(more, std::memory_order_relaxed) + more;
  if (all <= shared_.options.max_held_body_bytes) return;
  HeadVerdict verdict = std::move(*verdict_);
  verdict_.reset();
  verdict.answer =
      error_response({ErrorCode::kOutOfMemoryBudget,
                      "the server holds as many request bodies as it may; try again later", "", 5},
                     verdict.facts.route->errors, verdict.facts.id);
  verdict.answer->after = AfterReply::kClose;
  begin_exchange(std::move(verdict));
}

void HttpConnection::release_body() {
  shared_.held_body_bytes.fetch_sub(held_body_bytes_, std::memory_order_relaxed);
  held_body_bytes_ = 0;
}

// ---- replying

void HttpConnection::refuse(const HttpRefusal& refusal) {
  if (verdict_) {  // of the body: in the shape of its route
    HeadVerdict verdict = std::move(*verdict_);
    verdict_.reset();
    verdict.answer = refusal_response(refusal, verdict.facts.route->errors, verdict.facts.id);
    return begin_exchange(std::move(verdict));
  }
  begin_exchange(shared_.application.refuse(refusal));
}

void HttpConnection::begin_exchange(HeadVerdict verdict) {
  stage_ = Stage::kExchange;
  reply_ended_ = false;
  exchange_deadline_ = Clock::now() + shared_.options.request_time;
  Exchange::Options options;
  options.max_unsent_bytes = shared_.options.max_unsent_bytes;
  options.keep_alive = shared_.options.keep_alive;
  options.on_report = [&application = shared_.application](const Exchange& exchange,
                                                           const ExchangeReport& report) {
    application.report(exchange, report);
  };
  // The exchange may outlive the connection, which owns the transport.
  options.wake = [weak = weak_from_this()] {
    if (const auto self = weak.lock()) self->transport_->post([self] { self->pump(); });
  };
  const bool answered = verdict.answer.has_value();
  exchange_ = std::make_shared<Exchange>(std::move(verdict.facts), std::move(options));
  if (answered) {
    exchange_->respond(*verdict.answer);
  } else {
    shared_.application.handle(exchange_);
  }
  watch_exchange();
}

void HttpConnection::pump() {
  if (write_busy_ || exchange_ == nullptr) return;
  Exchange::Taken taken = exchange_->take();
  if (taken.dropped) return close();
  reply_ended_ = taken.ended;
  after_ = taken.after;
  if (!taken.bytes.empty()) return write(std::move(taken.bytes));
  if (reply_ended_) return finish_exchange();
  watch_exchange();
}

void HttpConnection::write(std::string bytes) {
  writing_ = std::move(bytes);
  written_ = 0;
  write_busy_ = true;
  write_rest();
}

void HttpConnection::write_rest() {
  const auto self = shared_from_this();
  transport_->set_timer(Transport::Timer::kWrite, Clock::now() + shared_.options.write_stall_time,
                        [self] { self->close(); });
  transport_->write_some(std::string_view(writing_).substr(written_),
                         [self](size_t bytes) { self->on_written(bytes); });
}

void HttpConnection::on_written(size_t bytes) {
  if (stage_ == Stage::kClosed) return;
  if (bytes == 0) return close();
  written_ += bytes;
  if (written_ < writing_.size()) return write_rest();
  transport_->cancel_timer(Transport::Timer::kWrite);
  write_busy_ = false;
  writing_.clear();
  if (exchange_ == nullptr) return;
  exchange_->wrote_all();
  if (reply_ended_) return finish_exchange();
  watch_exchange();
  pump();
}

void HttpConnection::finish_exchange() {
  exchange_ = nullptr;
  reply_ended_ = false;
  release_body();
  if (peer_closed_) return close();
  if (after_ == AfterReply::kClose) return linger();
  stage_ = Stage::kHead;
  scanned_ = 0;
  set_deadline(Clock::now() + (pending_.empty() ? shared_.options.idle_time : shared_.options.head_time));
  advance();
  read();
}

void HttpConnection::linger() {
  stage_ = Stage::kLinger;
  transport_->shutdown_send();
  set_deadline(Clock::now() + kLingerTime);
  read();
}

// ---- clocks

void HttpConnection::set_deadline(Clock::time_point due) {
  transport_->set_timer(Transport::Timer::kState, due, [self = shared_from_this()] { self->on_deadline(); });
}

void HttpConnection::watch_exchange() {
  if (exchange_ != nullptr) set_deadline(std::min(exchange_deadline_, exchange_->next_keep_alive()));
}

void HttpConnection::on_deadline() {
  switch (stage_) {
    case Stage::kHead:
      if (pending_.empty()) return close();  // an idle connection
      return refuse({408, "request head: expected it to be complete in time"});
    case Stage::kBody: return refuse({408, "body: expected it to be complete in time"});
    case Stage::kExchange:
      if (Clock::now() >= exchange_deadline_) return close();
      exchange_->keep_alive();
      return watch_exchange();
    case Stage::kHandshake:
    case Stage::kLinger: return close();
    case Stage::kClosed: return;
  }
}

}  // namespace fathom
