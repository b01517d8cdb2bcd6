// SPDX-License-Identifier: MIT
// What a reply writer puts on the wire, for its tests: an exchange whose bytes are kept, and its events as
// values.
#pragma once

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "io/json.h"
#include "server/exchange.h"
#include "server/reply_writer.h"

namespace fathom::test {

class Wire {
 public:
  Wire() {
    RequestFacts facts;
    facts.route = &route_;
    facts.id = "req_1";
    facts.head.minor_version = 0;  // bytes as they are, without chunks
    Exchange::Options options;
    options.on_report = [](const Exchange&, const ExchangeReport&) {};
    options.wake = [] {};
    exchange_ = std::make_shared<Exchange>(std::move(facts), std::move(options));
  }

  const std::shared_ptr<Exchange>& exchange() const { return exchange_; }

  // All that was sent, without the head.
  std::string body() {
    std::string bytes = exchange_->take().bytes;
    return bytes.substr(bytes.find("\r\n\r\n") + 4);
  }
  JsonValue whole() { return read_json(body()).value(); }

  // Name and data of each event; both must agree on the type.
  std::vector<std::pair<std::string, JsonValue>> events() {
    std::vector<std::pair<std::string, JsonValue>> out;
    const std::string text = body();
    for (size_t at = 0; at < text.size();) {
      const size_t end = text.find("\n\n", at);
      const std::string event = text.substr(at, end - at);
      at = end + 2;
      const size_t data = event.find("\ndata: ");
      if (!event.starts_with("event: ") || data == std::string::npos) continue;
      out.emplace_back(event.substr(7, data - 7), read_json(event.substr(data + 7)).value());
    }
    return out;
  }

 private:
  Route route_{.name = "test", .method = "POST", .errors = ErrorShape::kAnthropic};
  std::shared_ptr<Exchange> exchange_;
};

// A reply with reasoning, text and a call, as a run reports it: in pieces, then whole.
inline void write_everything(ReplyWriter& writer, ChoiceReason reason = ChoiceReason::kToolCalls) {
  writer.started({.prompt_tokens = 10, .cached_tokens = 4});
  writer.text(0, {PartKind::kReasoning, "I ", {}});
  writer.text(0, {PartKind::kReasoning, "think.", {}});
  writer.text(0, {PartKind::kContent, "Calling", {}});
  writer.call(0, {0, "call_abc", "add"});
  writer.arguments(0, {0, "{\"a\": "});
  writer.arguments(0, {0, "1}"});
  FinishedChoice finished;
  finished.reason = reason;
  finished.message.reasoning = "I think.";
  finished.message.content = "Calling";
  finished.message.calls = {{"add", "{\"a\": 1}"}};
  finished.call_ids = {"call_abc"};
  writer.choice_finished(0, finished);
  writer.finished({.prompt_tokens = 10, .cached_tokens = 4, .completion_tokens = 9, .reasoning_tokens = 3});
}

}  // namespace fathom::test
