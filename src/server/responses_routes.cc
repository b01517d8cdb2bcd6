// SPDX-License-Identifier: MIT
// POST /v1/responses (api.md 6).
#include <array>
#include <chrono>

#include "server/chat_parameters.h"
#include "server/parameter.h"
#include "server/random_id.h"
#include "server/reply_json.h"
#include "server/reply_order.h"
#include "server/responses_writer.h"
#include "server/routes.h"

namespace fathom {
namespace {

constexpr double kMaxTokens = 2147483647.0;  // 2^31 - 1

constexpr std::string_view kEfforts[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"};
constexpr std::string_view kToolChoices[] = {"none", "auto", "required"};
constexpr std::string_view kFormats[] = {"text", "json_object", "json_schema"};

constexpr std::array kItem = {Parameter{.name = "type"}};
constexpr Parameter kInputItem{.name = "", .kinds = kTakesObject, .members = kItem};
constexpr std::array kTool = {
    Parameter{.name = "type", .required = true},
    Parameter{.name = "name", .min_length = 1, .max_length = 128},
    Parameter{.name = "parameters", .kinds = kTakesObject},
    Parameter{.name = "strict", .kinds = kTakesBool},
};
constexpr Parameter kToolItem{.name = "", .kinds = kTakesObject, .members = kTool};
constexpr std::array kToolChoice = {
    Parameter{.name = "type"},
    Parameter{.name = "name", .required = true},
};
constexpr std::array kReasoning = {Parameter{.name = "effort", .words = kEfforts}};
constexpr std::array kFormat = {
    Parameter{.name = "type", .required = true, .words = kFormats},
    Parameter{.name = "name"},
    Parameter{.name = "schema", .kinds = kTakesObject},
    Parameter{.name = "strict", .kinds = kTakesBool},
};
constexpr std::array kText = {Parameter{.name = "format", .kinds = kTakesObject, .members = kFormat}};

constexpr std::array kResponses = {
    Parameter{.name = "model"},
    Parameter{.name = "input",
              .kinds = kTakesString | kTakesArray,
              .required = true,
              .summary = "Text, or the items of the conversation so far",
              .min_items = 1,
              .item = &kInputItem,
              .cap = &RequestCaps::messages},
    Parameter{.name = "instructions"},
    Parameter{.name = "max_output_tokens", .kinds = kTakesInteger, .min = 1, .max = kMaxTokens},
    Parameter{.name = "temperature", .kinds = kTakesNumber, .summary = "0: greedy", .min = 0, .max = 2},
    Parameter{.name = "top_p", .kinds = kTakesNumber, .min = 0, .max = 1, .above_min = true},
    Parameter{.name = "tools", .kinds = kTakesArray, .item = &kToolItem, .cap = &RequestCaps::tools},
    Parameter{.name = "tool_choice",
              .kinds = kTakesString | kTakesObject,
              .words = kToolChoices,
              .members = kToolChoice},
    Parameter{.name = "parallel_tool_calls", .kinds = kTakesBool},
    Parameter{.name = "reasoning", .kinds = kTakesObject, .members = kReasoning},
    Parameter{.name = "text", .kinds = kTakesObject, .members = kText},
    Parameter{.name = "top_logprobs", .kinds = kTakesInteger, .min = 0, .cap = &RequestCaps::top_logprobs},
    Parameter{.name = "stream", .kinds = kTakesBool},
    Parameter{.name = "user", .max_length = 512},
    Parameter{.name = "previous_response_id", .summary = "Nothing is stored: send all items"},
};

// A member of the body as it is, or what stands for it when it is absent.
JsonValue echo(const JsonValue& body, std::string_view key, JsonValue otherwise) {
  const JsonValue* value = present_member(body, key);
  return value == nullptr ? std::move(otherwise) : value->clone();
}

JsonValue text_format(std::string_view type) {
  JsonValue format = JsonValue::object();
  format.set("type", json_text(type));
  JsonValue text = JsonValue::object();
  text.set("format", std::move(format));
  return text;
}

// The response as it begins: what it is and what was asked for.
JsonValue response_of(const JsonValue& body, const ServedModel& model, const SamplingParams& sampling) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  JsonValue response = JsonValue::object();
  response.set("id", json_text(random_id("resp_")));
  response.set("object", json_text("response"));
  response.set("created_at",
               JsonValue::integer(std::chrono::duration_cast<std::chrono::seconds>(now).count()));
  response.set("status", json_text("in_progress"));
  response.set("background", JsonValue::boolean(false));
  response.set("error", JsonValue());
  response.set("incomplete_details", JsonValue());
  response.set("instructions", echo(body, "instructions", JsonValue()));
  response.set("max_output_tokens", echo(body, "max_output_tokens", JsonValue()));
  response.set("model", json_text(string_member(body, "model").value_or(model.id)));
  response.set("output", JsonValue::array());
  response.set("parallel_tool_calls", echo(body, "parallel_tool_calls", JsonValue::boolean(true)));
  response.set("previous_response_id", JsonValue());
  response.set("reasoning", echo(body, "reasoning", JsonValue::object()));
  response.set("store", JsonValue::boolean(false));
  response.set("temperature", JsonValue::number(sampling.temperature));
  response.set("text", echo(body, "text", text_format("text")));
  response.set("tool_choice", echo(body, "tool_choice", json_text("auto")));
  response.set("tools", echo(body, "tools", JsonValue::array()));
  response.set("top_logprobs", echo(body, "top_logprobs", JsonValue::integer(0)));
  response.set("top_p", JsonValue::number(sampling.top_p));
  response.set("truncation", json_text("disabled"));
  response.set("usage", JsonValue());
  response.set("user", echo(body, "user", JsonValue()));
  response.set("metadata", echo(body, "metadata", JsonValue::object()));
  return response;
}

Result<ReplyOrder> read_order(const JsonValue& body, const ServedModel& model) {
  ReplyOrder order;
  FATHOM_ASSIGN_OR_RETURN(order.chat, read_responses_request(body, model.request_defaults));
  FATHOM_ASSIGN_OR_RETURN(order.sampling, read_sampling(body, model));
  order.max_tokens = integer_member(body, "max_output_tokens");
  if (const auto top = integer_member(body, "top_logprobs"); top && *top > 0) {
    order.top_logprobs = static_cast<int>(*top);
  }
  return order;
}

void answer_responses(ServerContext& context, const std::shared_ptr<Exchange>& exchange) {
  const ServedModel* model = context.ready_model(*exchange);
  if (model == nullptr) return;
  const auto body = read_body(*exchange, context.options.caps);
  if (!body || !check_model_name(*exchange, *body, *model)) {
    return context.metrics.count_finished(FinishedAs::kRejected);
  }
  auto order = read_order(*body, *model);
  if (!order.ok()) {
    context.metrics.count_finished(FinishedAs::kRejected);
    return exchange->fail(api_error_of(order.status()));
  }
  ResponsesFormat format;
  if (bool_member(*body, "stream").value_or(false)) format.delivery = ResponsesFormat::Delivery::kEvents;
  format.logprobs = order->top_logprobs.has_value();
  format.response = response_of(*body, *model, order->sampling);
  auto writer = make_responses_writer(exchange, model->tokenizer, std::move(format));
  run_order(context, *model, exchange, std::move(*order), std::move(writer));
}

}  // namespace

void add_responses_routes(ServerContext& context) {
  context.routes.add({.name = "responses",
                      .method = "POST",
                      .paths = {"/v1/responses", "/responses"},
                      .work = RouteWork::kGenerates,
                      .body_cap = context.options.max_body_bytes,
                      .summary = "A reply to items of a conversation; nothing is stored",
                      .parameters = kResponses,
                      .handler = [&context](const std::shared_ptr<Exchange>& exchange) {
                        answer_responses(context, exchange);
                      }});
}

}  // namespace fathom
