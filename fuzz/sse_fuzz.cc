// SPDX-License-Identifier: MIT
// The event stream of a reply (api.md 4.3) for any tokens a model may produce: every event is one `data:`
// line of JSON, the joined deltas are the whole reply, and stopping, calls and logprobs change nothing about
// that.
//
// Input: options, then tokens, one byte each: text as it is, control bytes for the markers.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "base/check.h"
#include "io/json.h"
#include "server/chat_writer.h"
#include "server/reply_run.h"
#include "tests/support/toy_tokenizer.h"

namespace {

using namespace fathom;

// The 256 bytes, then every marker.
Tokenizer marker_tokenizer() {
  std::vector<std::string> added;
  for (int i = 0; i < kMarkerCount; ++i) added.emplace_back(marker_text(static_cast<Marker>(i)));
  auto tokenizer = Tokenizer::from_json(test::toy_tokenizer_json({}, added));
  FATHOM_CHECK(tokenizer.ok());
  return std::move(*tokenizer);
}

// Control bytes, which text rarely has, stand for the markers.
int32_t token_of(uint8_t byte, const Tokenizer& tokenizer) {
  constexpr int32_t kFirstMarker = 256;
  const bool control = byte < 32 && byte != '\n' && kFirstMarker + byte < tokenizer.size();
  return control ? kFirstMarker + byte : byte;
}

// Everything the exchange would have written, without head and chunk framing.
std::string events_of(const std::string& bytes) { return bytes.substr(bytes.find("\r\n\r\n") + 4); }

// A writer beside the stream that keeps the finished choice.
class Both final : public ReplyWriter {
 public:
  explicit Both(std::unique_ptr<ReplyWriter> stream) : stream_(std::move(stream)) {}
  void started(const RequestStart& start) override { stream_->started(start); }
  void text(int choice, const TextPart& part) override { stream_->text(choice, part); }
  void call(int choice, const StartedCall& call) override { stream_->call(choice, call); }
  void arguments(int choice, const ArgumentsPart& part) override { stream_->arguments(choice, part); }
  void choice_finished(int choice, const FinishedChoice& finished) override {
    whole = finished.message;
    stream_->choice_finished(choice, finished);
  }
  void finished(const Usage& usage) override { stream_->finished(usage); }
  void failed(const ApiError& error) override { stream_->failed(error); }

  ReplyMessage whole;

 private:
  const std::unique_ptr<ReplyWriter> stream_;
};

void add_delta(const JsonValue& delta, ReplyMessage& joined) {
  const auto text = [&](const JsonValue& object, std::string_view key) {
    const JsonValue* value = object.find(key);
    return value != nullptr && value->is_string() ? value->as_string() : std::string();
  };
  joined.content += text(delta, "content");
  joined.reasoning += text(delta, "reasoning_content");
  const JsonValue* calls = delta.find("tool_calls");
  if (calls == nullptr) return;
  const JsonValue& call = calls->items().front();
  const JsonValue& function = *call.find("function");
  if (call.find("id") != nullptr) joined.calls.push_back({text(function, "name"), ""});
  FATHOM_CHECK(*call.find("index")->as_int64() + 1 == static_cast<int64_t>(joined.calls.size()));
  joined.calls.back().arguments += text(function, "arguments");
}

// Reads the stream as a client does.
ReplyMessage join(std::string_view events) {
  ReplyMessage joined;
  bool done = false;
  while (!events.empty()) {
    const size_t end = events.find("\n\n");
    FATHOM_CHECK(end != std::string_view::npos && !done);
    std::string_view line = events.substr(0, end);
    events.remove_prefix(end + 2);
    FATHOM_CHECK(line.starts_with("data: ") && line.find('\n') == std::string_view::npos);
    line.remove_prefix(6);
    done = line == "[DONE]";
    if (done) continue;
    const auto chunk = read_json(line);
    FATHOM_CHECK(chunk.ok());
    for (const JsonValue& choice : chunk->find("choices")->items()) add_delta(*choice.find("delta"), joined);
  }
  FATHOM_CHECK(done);
  return joined;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  static const Tokenizer tokenizer = marker_tokenizer();
  static const MarkerIds markers(tokenizer);
  static const Route route;

  ReplyRunOptions options;
  const bool thinking = (data[0] & 1) != 0;
  options.reader = {thinking ? ReplyOptions::Start::kReasoning : ReplyOptions::Start::kContent,
                    (data[0] & 2) != 0 ? ReplyOptions::Calls::kParsed : ReplyOptions::Calls::kPlainText};
  options.call_count = (data[0] & 4) != 0 ? CallCount::kOne : CallCount::kMany;
  options.logprobs = (data[0] & 8) != 0;
  if ((data[0] & 16) != 0) options.stop = {"ab", "b\n"};
  const ChoiceEnd end = (data[0] & 32) != 0 ? ChoiceEnd::kLength : ChoiceEnd::kStopped;

  RequestFacts facts;
  facts.route = &route;
  facts.head.minor_version = 0;  // no chunk framing
  const auto exchange = std::make_shared<Exchange>(
      std::move(facts), Exchange::Options{.max_unsent_bytes = uint64_t{1} << 40, .wake = [] {}});
  auto both = std::make_unique<Both>(
      make_chat_stream_writer(exchange, tokenizer, {.thinking = thinking, .logprobs = options.logprobs}));
  Both& writer = *both;
  ReplyRun run(tokenizer, markers, std::move(options), std::move(both));
  run.started({});
  for (size_t i = 1; i < size; ++i) {
    if (run.token(0, {.id = token_of(data[i], tokenizer)}) == TokenVerdict::kStop) break;
  }
  run.choice_finished(0, end);
  run.finished({});

  const ReplyMessage joined = join(events_of(exchange->take().bytes));
  FATHOM_CHECK(joined.content == writer.whole.content && joined.reasoning == writer.whole.reasoning);
  FATHOM_CHECK(joined.calls.size() == writer.whole.calls.size());
  for (size_t i = 0; i < joined.calls.size(); ++i) {
    FATHOM_CHECK(joined.calls[i].name == writer.whole.calls[i].name);
    FATHOM_CHECK(joined.calls[i].arguments == writer.whole.calls[i].arguments);
  }
  return 0;
}
