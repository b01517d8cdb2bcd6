// SPDX-License-Identifier: MIT
// POST /v1/chat/completions (api.md 4).
#include "base/concat.h"
#include "server/chat_parameters.h"
#include "server/chat_writer.h"
#include "server/parameter.h"
#include "server/reply_order.h"
#include "server/routes.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

Status read_logprobs(const JsonValue& body, ReplyOrder& order) {
  const bool wanted = bool_member(body, "logprobs").value_or(false);
  const auto top = integer_member(body, "top_logprobs");
  if (top && *top > 0 && !wanted) {
    return Status(StatusCode::kInvalidArgument,
                  "top_logprobs: expected logprobs to be true, found it is not");
  }
  if (wanted) order.top_logprobs = static_cast<int>(top.value_or(0));
  return {};
}

void read_limits(const JsonValue& body, ReplyOrder& order) {
  order.choices = static_cast<int>(integer_member(body, "n").value_or(1));
  order.max_tokens = integer_member(body, "max_completion_tokens");
  if (!order.max_tokens) order.max_tokens = integer_member(body, "max_tokens");
  if (const JsonValue* thinking = present_member(body, "thinking")) {
    order.reasoning_budget = integer_member(*thinking, "budget_tokens");
  }
}

Result<ReplyOrder> read_chat_order(const JsonValue& body, const ServedModel& model, const RequestCaps& caps) {
  ReplyOrder order;
  FATHOM_ASSIGN_OR_RETURN(order.chat, read_chat_request(body, model.request_defaults));
  FATHOM_ASSIGN_OR_RETURN(order.sampling, read_sampling(body, model));
  FATHOM_ASSIGN_OR_RETURN(order.stop, read_stop(body, caps));
  FATHOM_RETURN_IF_ERROR(read_logprobs(body, order));
  read_limits(body, order);
  order.user = read_user(body);
  return order;
}

void answer_chat(ServerContext& context, const std::shared_ptr<Exchange>& exchange) {
  const ServedModel* model = context.ready_model(*exchange);
  if (model == nullptr) return;
  const auto body = read_body(*exchange, context.options.caps);
  if (!body || !check_model_name(*exchange, *body, *model))
    return context.metrics.count_finished(FinishedAs::kRejected);
  auto order = read_chat_order(*body, *model, context.options.caps);
  if (!order.ok()) {
    context.metrics.count_finished(FinishedAs::kRejected);
    return exchange->fail(api_error_of(order.status()));
  }
  const bool stream = bool_member(*body, "stream").value_or(false);
  ReplyFormat format{.envelope = make_envelope(
                         "chatcmpl-", stream ? "chat.completion.chunk" : "chat.completion", *body, *model),
                     .prices = context.options.prices,
                     .choices = order->choices,
                     .thinking = order->chat.conversation.thinking_mode == ThinkingMode::kThinking,
                     .logprobs = order->top_logprobs.has_value(),
                     .timings = bool_member(*body, "timings").value_or(false)};
  if (const JsonValue* options = present_member(*body, "stream_options")) {
    format.usage_in_stream = bool_member(*options, "include_usage").value_or(false);
  }
  auto writer = stream ? make_chat_stream_writer(exchange, model->tokenizer, std::move(format))
                       : make_chat_writer(exchange, model->tokenizer, std::move(format));
  run_order(context, *model, exchange, std::move(*order), std::move(writer));
}

}  // namespace

void add_chat_routes(ServerContext& context) {
  context.routes.add(
      {.name = "chat_completions",
       .method = "POST",
       .paths = {"/v1/chat/completions", "/chat/completions", "/beta/chat/completions"},
       .work = RouteWork::kGenerates,
       .body_cap = context.options.max_body_bytes,
       .summary = "A reply to a conversation",
       .parameters = chat_parameters(),
       .handler = [&context](const std::shared_ptr<Exchange>& exchange) { answer_chat(context, exchange); }});
}

}  // namespace fathom
