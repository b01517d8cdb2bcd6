// SPDX-License-Identifier: MIT
#include "server/exchange.h"

#include <charconv>

#include "base/concat.h"

namespace fathom {

Exchange::Exchange(RequestFacts facts, Options options)
    : facts_(std::move(facts)), options_(std::move(options)), last_sent_(Clock::now()) {}

void Exchange::append_head(const HttpResponse& response) {
  report_.status = response.status;
  after_ = facts_.head.keep_alive ? response.after : AfterReply::kClose;
  outbox_ += status_line(response.status);
  if (may_have_body(response.status)) outbox_ += header_line("Content-Type", response.content_type);
  for (const HttpHeader& header : response.headers) outbox_ += header_line(header.name, header.value);
  outbox_ += facts_.common_headers;
  if (after_ == AfterReply::kClose) outbox_ += header_line("Connection", "close");
  if (after_ == AfterReply::kKeepAlive && !chunked()) outbox_ += header_line("Connection", "keep-alive");
}

void Exchange::respond(const HttpResponse& response) {
  {
    const std::lock_guard lock(mu_);
    if (stage_ != Stage::kWaiting || gone_) return;
    append_head(response);
    report_.bytes = response.body.size();
    if (may_have_body(response.status)) {
      outbox_ += header_line("Content-Length", concat(response.body.size()));
    }
    outbox_ += "\r\n";
    if (facts_.head.method != "HEAD") outbox_ += response.body;
    stage_ = Stage::kEnded;
    gone_callback_ = nullptr;
  }
  report();
  options_.wake();
}

void Exchange::fail(const ApiError& error) {
  respond(error_response(error, facts_.route->errors, facts_.id));
}

void Exchange::expect_events(std::string_view text) {
  {
    const std::lock_guard lock(mu_);
    keep_alive_text_ = text;
  }
  options_.wake();  // so that the connection looks at its clock anew
}

void Exchange::begin_events_locked() {
  HttpResponse head;
  head.content_type = "text/event-stream";
  head.headers = {{"Cache-Control", "no-cache"}, {"X-Accel-Buffering", "no"}};
  if (!chunked()) head.after = AfterReply::kClose;
  append_head(head);
  if (chunked()) outbox_ += header_line("Transfer-Encoding", "chunked");
  outbox_ += "\r\n";
  stage_ = Stage::kEvents;
}

void Exchange::append_chunk(std::string_view bytes) {
  if (bytes.empty()) return;  // an empty chunk would be the last
  report_.bytes += bytes.size();
  last_sent_ = Clock::now();
  if (!chunked()) {
    outbox_ += bytes;
    return;
  }
  char size[20];
  const auto end = std::to_chars(size, size + sizeof size, bytes.size(), 16);
  outbox_.append(size, end.ptr).append("\r\n").append(bytes).append("\r\n");
}

bool Exchange::over_cap() const noexcept {
  return outbox_.size() + in_flight_bytes_ > options_.max_unsent_bytes;
}

bool Exchange::send_events(std::string_view events) {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mu_);
    if (gone_ || dropped_ || stage_ == Stage::kEnded) return false;
    if (stage_ == Stage::kWaiting) begin_events_locked();
    append_chunk(events);
    dropped_ = over_cap();
    if (dropped_) callback = std::move(gone_callback_);
  }
  options_.wake();
  if (callback) callback();
  return !dropped_;
}

bool Exchange::events_begun() const {
  const std::lock_guard lock(mu_);
  return stage_ == Stage::kEvents;
}

void Exchange::end_events(AfterReply after) {
  {
    const std::lock_guard lock(mu_);
    if (gone_ || stage_ == Stage::kEnded) return;
    if (stage_ == Stage::kWaiting) begin_events_locked();
    if (chunked()) outbox_ += "0\r\n\r\n";
    if (after == AfterReply::kClose) after_ = AfterReply::kClose;
    stage_ = Stage::kEnded;
    gone_callback_ = nullptr;
  }
  report();
  options_.wake();
}

void Exchange::on_gone(std::function<void()> callback) {
  {
    const std::lock_guard lock(mu_);
    if (stage_ == Stage::kEnded) return;
    if (!gone_ && !dropped_) {
      gone_callback_ = std::move(callback);
      return;
    }
  }
  callback();
}

Exchange::Taken Exchange::take() {
  const std::lock_guard lock(mu_);
  Taken taken{std::move(outbox_), stage_ == Stage::kEnded, dropped_, after_};
  outbox_.clear();
  in_flight_bytes_ = taken.bytes.size();
  return taken;
}

void Exchange::wrote_all() {
  const std::lock_guard lock(mu_);
  in_flight_bytes_ = 0;
}

void Exchange::client_gone() {
  std::function<void()> callback;
  {
    const std::lock_guard lock(mu_);
    if (gone_) return;
    gone_ = true;
    report_.client_gone = stage_ != Stage::kEnded;
    callback = std::move(gone_callback_);
    gone_callback_ = nullptr;
  }
  if (callback) callback();
  report();
}

Exchange::Clock::time_point Exchange::next_keep_alive() const {
  const std::lock_guard lock(mu_);
  if (keep_alive_text_.empty() || stage_ == Stage::kEnded || gone_) return Clock::time_point::max();
  return last_sent_ + options_.keep_alive;
}

void Exchange::keep_alive() {
  std::string text;
  {
    const std::lock_guard lock(mu_);
    if (Clock::now() < last_sent_ + options_.keep_alive) return;
    text = keep_alive_text_;
  }
  if (!text.empty()) send_events(text);
}

void Exchange::report() {
  {
    const std::lock_guard lock(mu_);
    if (reported_) return;
    reported_ = true;
  }
  if (options_.on_report) options_.on_report(*this, report_);
}

}  // namespace fathom
