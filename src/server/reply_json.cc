// SPDX-License-Identifier: MIT
#include "server/reply_json.h"

#include <algorithm>
#include <cmath>

namespace fathom {
namespace {

JsonValue bytes_json(std::string_view bytes) {
  std::vector<JsonValue> numbers;
  for (const char c : bytes) numbers.push_back(JsonValue::integer(static_cast<uint8_t>(c)));
  return JsonValue::array(std::move(numbers));
}

JsonValue token_json(int32_t id, float logprob, const Tokenizer& tokenizer) {
  const int32_t ids[] = {id};
  JsonValue value = JsonValue::object();
  value.set("token", JsonValue::string(tokenizer.decode(ids)));
  value.set("logprob", JsonValue::number(logprob));
  value.set("bytes", bytes_json(tokenizer.bytes(id)));
  return value;
}

double cost_of(int64_t tokens, double price) { return static_cast<double>(tokens) * price / 1e6; }

// A cached prompt token costs a tenth.
JsonValue cost_json(const Usage& usage, const Prices& prices) {
  const double input = cost_of(usage.prompt_tokens - usage.cached_tokens, prices.input);
  const double cached = cost_of(usage.cached_tokens, prices.input) / 10.0;
  const double output = cost_of(usage.completion_tokens, prices.output);
  JsonValue value = JsonValue::object();
  value.set("input", JsonValue::number(input));
  value.set("cached_input", JsonValue::number(cached));
  value.set("output", JsonValue::number(output));
  value.set("total", JsonValue::number(input + cached + output));
  value.set("currency", json_text(prices.currency));
  return value;
}

JsonValue rate(int64_t tokens, double seconds) {
  return JsonValue::number(seconds > 0.0 ? static_cast<double>(tokens) / seconds : 0.0);
}

}  // namespace

JsonValue json_text(std::string_view text) { return JsonValue::string(std::string(text)); }

JsonValue typed(std::string_view type) {
  JsonValue value = JsonValue::object();
  value.set("type", json_text(type));
  return value;
}

JsonValue usage_json(const Usage& usage, const Prices& prices) {
  JsonValue cached = JsonValue::object();
  cached.set("cached_tokens", JsonValue::integer(usage.cached_tokens));
  JsonValue reasoning = JsonValue::object();
  reasoning.set("reasoning_tokens", JsonValue::integer(usage.reasoning_tokens));
  JsonValue value = JsonValue::object();
  value.set("prompt_tokens", JsonValue::integer(usage.prompt_tokens));
  value.set("completion_tokens", JsonValue::integer(usage.completion_tokens));
  value.set("total_tokens", JsonValue::integer(usage.prompt_tokens + usage.completion_tokens));
  value.set("prompt_tokens_details", std::move(cached));
  value.set("completion_tokens_details", std::move(reasoning));
  value.set("prompt_cache_hit_tokens", JsonValue::integer(usage.cached_tokens));
  value.set("prompt_cache_miss_tokens", JsonValue::integer(usage.prompt_tokens - usage.cached_tokens));
  if (prices.set()) value.set("cost", cost_json(usage, prices));
  return value;
}

JsonValue timings_json(const Usage& usage) {
  const auto ms = [](double seconds) { return JsonValue::number(std::round(seconds * 1e6) / 1e3); };
  JsonValue value = JsonValue::object();
  value.set("queue_ms", ms(usage.queue_seconds));
  value.set("prefill_ms", ms(usage.prefill_seconds));
  value.set("decode_ms", ms(usage.decode_seconds));
  value.set("prefill_tokens_per_s", rate(usage.prompt_tokens - usage.cached_tokens, usage.prefill_seconds));
  value.set("decode_tokens_per_s", rate(usage.completion_tokens, usage.decode_seconds));
  value.set("drafted", JsonValue::integer(usage.drafted_tokens));
  value.set("accepted", JsonValue::integer(usage.accepted_tokens));
  return value;
}

JsonValue logprob_entries(std::span<const TokenEntry> entries, const Tokenizer& tokenizer) {
  std::vector<JsonValue> out;
  for (const TokenEntry& entry : entries) {
    std::vector<JsonValue> top;
    for (const TokenLogprob& other : entry.top) top.push_back(token_json(other.id, other.logprob, tokenizer));
    JsonValue value = token_json(entry.id, entry.logprob, tokenizer);
    value.set("top_logprobs", JsonValue::array(std::move(top)));
    out.push_back(std::move(value));
  }
  return JsonValue::array(std::move(out));
}

JsonValue chat_logprobs(std::span<const TokenEntry> content, std::span<const TokenEntry> reasoning,
                        const Tokenizer& tokenizer) {
  JsonValue value = JsonValue::object();
  value.set("content", logprob_entries(content, tokenizer));
  value.set("reasoning_content", logprob_entries(reasoning, tokenizer));
  return value;
}

JsonValue tool_calls_json(const FinishedChoice& finished) {
  std::vector<JsonValue> calls;
  for (size_t i = 0; i < finished.call_ids.size(); ++i) {
    JsonValue function = JsonValue::object();
    function.set("name", json_text(finished.message.calls[i].name));
    function.set("arguments", json_text(finished.message.calls[i].arguments));
    JsonValue call = JsonValue::object();
    call.set("id", json_text(finished.call_ids[i]));
    call.set("type", json_text("function"));
    call.set("function", std::move(function));
    calls.push_back(std::move(call));
  }
  return JsonValue::array(std::move(calls));
}

}  // namespace fathom
