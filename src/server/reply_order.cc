// SPDX-License-Identifier: MIT
#include "server/reply_order.h"

#include <charconv>
#include <utility>

#include "base/concat.h"
#include "server/parameter.h"
#include "server/random_id.h"
#include "text/chat_codec.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

template <typename T>
void override_with(const std::optional<T>& given, T& value) {
  if (given) value = *given;
}

Status read_logit_bias(const JsonValue& body, const ServedModel& model, SamplingParams& params) {
  const JsonValue* bias = present_member(body, "logit_bias");
  for (size_t i = 0; bias != nullptr && i < bias->members().size(); ++i) {
    const auto& [key, value] = bias->members()[i];
    int32_t id = -1;
    const auto read = std::from_chars(key.data(), key.data() + key.size(), id);
    const bool number = read.ec == std::errc() && read.ptr == key.data() + key.size();
    if (!number || id < 0 || id >= model.tokenizer.size()) {
      return Status(StatusCode::kInvalidArgument, concat("logit_bias: expected token ids below ",
                                                         model.tokenizer.size(), ", found another key"));
    }
    if (!value.is_null())
      params.logit_bias.emplace_back(id, static_cast<float>(value.as_double().value_or(0.0)));
  }
  return {};
}

// Where other prompts may part from this one: before every turn. The markers come from the encoder only.
std::vector<int64_t> turn_borders(const std::vector<int32_t>& ids, const MarkerIds& markers) {
  const auto user = markers.id(Marker::kUser);
  const auto assistant = markers.id(Marker::kAssistant);
  std::vector<int64_t> borders;
  for (size_t i = 1; i < ids.size(); ++i) {
    if (ids[i] == user || ids[i] == assistant) borders.push_back(static_cast<int64_t>(i));
  }
  return borders;
}

std::vector<int32_t> stop_tokens(const MarkerIds& markers) {
  std::vector<int32_t> out;
  for (const Marker marker : {Marker::kEos, Marker::kBos, Marker::kUser, Marker::kAssistant}) {
    if (const auto id = markers.id(marker)) out.push_back(*id);
  }
  return out;
}

// An id that can never be sampled.
void ban(SamplingParams& sampling, std::optional<int32_t> id) {
  if (!id) return;
  std::erase_if(sampling.logit_bias, [&](const auto& entry) { return entry.first == *id; });
  sampling.logit_bias.emplace_back(*id, -100.0F);
}

Result<Request> request_of(const ReplyOrder& order, const Prompt& prompt, const ServedModel& model) {
  Request request;
  FATHOM_ASSIGN_OR_RETURN(request.prompt, prompt_ids(prompt, model));
  request.borders = turn_borders(request.prompt, model.markers);
  request.max_tokens = order.max_tokens.value_or(model.context);
  request.sampling = order.sampling;
  if (order.chat.constraint.calls == ConstraintSpec::Calls::kForbidden) {
    ban(request.sampling, model.markers.id(Marker::kDsml));
  }
  ConstraintSpec constraint = order.chat.constraint;
  constraint.start = reply_options(prompt, order.chat.calls).start;
  FATHOM_ASSIGN_OR_RETURN(request.constraint, model.constraints->plan(constraint));
  request.stop_tokens = stop_tokens(model.markers);
  request.choices = order.choices;
  request.cache_salt = order.user;
  request.top_logprobs = order.top_logprobs;
  if (prompt.ends_in_thinking()) {
    request.reasoning = Reasoning{*model.markers.id(Marker::kThinkClose), order.reasoning_budget};
  }
  return request;
}

}  // namespace

Result<SamplingParams> read_sampling(const JsonValue& body, const ServedModel& model) {
  SamplingParams params = model.sampling_defaults.sampling;
  // Who cuts the distribution wants to draw from it, even where the model's own way is greedy.
  const bool wants_draws = present_member(body, "top_p") != nullptr ||
                           present_member(body, "top_k") != nullptr ||
                           present_member(body, "min_p") != nullptr;
  if (model.sampling_defaults.greedy && !wants_draws) params.temperature = 0.0;
  override_with(number_member(body, "temperature"), params.temperature);
  override_with(number_member(body, "top_p"), params.top_p);
  override_with(number_member(body, "min_p"), params.min_p);
  override_with(number_member(body, "repetition_penalty"), params.repetition_penalty);
  override_with(number_member(body, "frequency_penalty"), params.frequency_penalty);
  override_with(number_member(body, "presence_penalty"), params.presence_penalty);
  if (const auto top_k = integer_member(body, "top_k")) {
    if (*top_k > model.tokenizer.size()) {
      return Status(StatusCode::kInvalidArgument, concat("top_k: expected an integer from -1 to ",
                                                         model.tokenizer.size(), ", found ", *top_k));
    }
    params.top_k = *top_k < 0 ? 0 : *top_k;
  }
  const auto seed = integer_member(body, "seed");
  params.seed = seed ? static_cast<uint64_t>(*seed) : random_seed();
  FATHOM_RETURN_IF_ERROR(read_logit_bias(body, model, params));
  FATHOM_RETURN_IF_ERROR(params.validate());
  return params;
}

std::string read_user(const JsonValue& body) {
  const auto user = string_member(body, "user");
  return user ? *user : string_member(body, "user_id").value_or("");
}

Result<std::vector<std::string>> read_stop(const JsonValue& body, const RequestCaps& caps) {
  std::vector<std::string> stops;
  const JsonValue* stop = present_member(body, "stop");
  if (stop == nullptr) return stops;
  if (stop->is_string()) {
    if (static_cast<int64_t>(stop->as_string().size()) > caps.stop_bytes) {
      return Status(StatusCode::kInvalidArgument, concat("stop: expected 1 to ", caps.stop_bytes,
                                                         " bytes, found ", stop->as_string().size()));
    }
    stops.push_back(stop->as_string());
    return stops;
  }
  for (const JsonValue& item : stop->items()) stops.push_back(item.as_string());
  return stops;
}

Status check_prompt_length(size_t tokens, const ServedModel& model) {
  if (static_cast<int64_t>(tokens) < model.context) return {};
  return Status(StatusCode::kOutOfRange, concat("This model's maximum context length is ", model.context,
                                                " tokens, the request has ", tokens, '.'));
}

Result<std::vector<int32_t>> prompt_ids(const Prompt& prompt, const ServedModel& model) {
  FATHOM_ASSIGN_OR_RETURN(std::vector<int32_t> ids, prompt.ids(model.tokenizer, model.markers));
  FATHOM_RETURN_IF_ERROR(check_prompt_length(ids.size(), model));
  return ids;
}

Status submit_request(const ServedModel& model, const std::shared_ptr<Exchange>& exchange, Request request,
                      std::shared_ptr<EventSink> sink) {
  request.tenant = exchange->facts().caller.tenant;
  request.deadline = model.request_time;
  FATHOM_ASSIGN_OR_RETURN(const RequestId id, model.engine->submit(std::move(request), std::move(sink)));
  exchange->on_gone([engine = model.engine.get(), id] { engine->cancel(id); });
  return {};
}

void run_order(ServerContext& context, const ServedModel& model, const std::shared_ptr<Exchange>& exchange,
               ReplyOrder order, std::unique_ptr<ReplyWriter> writer) {
  const auto refuse = [&](const Status& status) {
    context.metrics.count_finished(FinishedAs::kRejected);
    exchange->fail(api_error_of(status));
  };
  if (!model.chat.ok()) return refuse(model.chat);
  context.reply_memory.restore(exchange->facts().caller.tenant, order.chat.conversation);
  const auto prompt = encode_conversation(order.chat.conversation, model.request_defaults.dialect);
  if (!prompt.ok()) return refuse(prompt.status());
  auto request = request_of(order, *prompt, model);
  if (!request.ok()) return refuse(request.status());

  ReplyRunOptions options;
  options.choices = order.choices;
  options.reader = reply_options(*prompt, order.chat.calls);
  const bool one_call = order.chat.constraint.call_count == ConstraintSpec::CallCount::kOne;
  options.call_count = one_call ? CallCount::kOne : CallCount::kMany;
  options.stop = std::move(order.stop);
  options.logprobs = order.top_logprobs.has_value();
  if (order.chat.calls == ReplyOptions::Calls::kParsed) {
    options.remember = [&context, tenant = exchange->facts().caller.tenant,
                        mode = order.chat.conversation.thinking_mode](const FinishedChoice& choice,
                                                                      std::vector<int32_t> ids) {
      context.reply_memory.remember(tenant, mode, choice, std::move(ids));
    };
  }
  options.on_end = [&context](std::optional<ChoiceReason> reason, const Status& status) {
    context.metrics.count_finished(finished_as(reason, status));
  };
  auto run =
      std::make_shared<ReplyRun>(model.tokenizer, model.markers, std::move(options), std::move(writer));
  const Status status = submit_request(model, exchange, std::move(*request), std::move(run));
  if (!status.ok()) refuse(status);
}

}  // namespace fathom
