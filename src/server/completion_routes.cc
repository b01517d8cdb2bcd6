// SPDX-License-Identifier: MIT
// POST /v1/completions (api.md 5).
#include "base/concat.h"
#include "server/chat_parameters.h"
#include "server/completion_run.h"
#include "server/completion_writer.h"
#include "server/parameter.h"
#include "server/reply_order.h"
#include "server/routes.h"
#include "text/completion_prompt.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

constexpr int64_t kDefaultMaxTokens = 16;

struct CompletionPrompt {
  std::vector<int32_t> ids;
  std::string text;  // as echo shows it
};

struct CompletionOrder {
  std::vector<CompletionPrompt> prompts;
  SamplingParams sampling;
  std::vector<std::string> stop;
  int choices = 1;  // of each prompt
  int64_t max_tokens = kDefaultMaxTokens;
  std::optional<int> top_logprobs;
  bool echo = false;
  std::string user;
};

Result<std::vector<int32_t>> ids_of_text(const std::string& text, const JsonValue& body,
                                         const ServedModel& model) {
  if (const auto suffix = string_member(body, "suffix")) {
    return fill_in_the_middle_prompt(text, *suffix).ids(model.tokenizer, model.markers);
  }
  if (!bool_member(body, "special").value_or(false)) {
    return completion_prompt(text).ids(model.tokenizer, model.markers);
  }
  FATHOM_ASSIGN_OR_RETURN(std::vector<int32_t> ids,
                          completion_prompt("").ids(model.tokenizer, model.markers));
  const int32_t bos = ids.front();
  model.tokenizer.encode(text, Tokenizer::Special::kOn, ids);
  if (ids.size() > 1 && ids[1] == bos) ids.erase(ids.begin());  // spelt by the client itself
  return ids;
}

Result<CompletionPrompt> prompt_of_ids(const JsonValue& list, const std::string& path,
                                       const ServedModel& model) {
  CompletionPrompt prompt;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const int64_t id = integer_of(list.items()[i]).value_or(-1);
    if (id < 0 || id >= model.tokenizer.size()) {
      return Status(StatusCode::kInvalidArgument, concat(item_path(path, i), ": expected a token id below ",
                                                         model.tokenizer.size(), ", found another value"));
    }
    prompt.ids.push_back(static_cast<int32_t>(id));
  }
  if (prompt.ids.empty())
    return Status(StatusCode::kInvalidArgument, concat(path, ": expected at least one token id, found none"));
  prompt.text = model.tokenizer.decode(prompt.ids);
  return prompt;
}

Result<CompletionPrompt> read_prompt(const JsonValue& value, const std::string& path, const JsonValue& body,
                                     const ServedModel& model) {
  if (value.is_array()) return prompt_of_ids(value, path, model);
  if (!value.is_string()) return wrong_field(path, "a string or an array of token ids", value);
  CompletionPrompt prompt{{}, value.as_string()};
  FATHOM_ASSIGN_OR_RETURN(prompt.ids, ids_of_text(value.as_string(), body, model));
  return prompt;
}

Status read_prompts(const JsonValue& body, const ServedModel& model, const RequestCaps& caps,
                    CompletionOrder& order) {
  const JsonValue& value = *body.find("prompt");
  const bool several = value.is_array() && !value.items().front().is_number();
  if (!several) {
    FATHOM_ASSIGN_OR_RETURN(CompletionPrompt prompt, read_prompt(value, "prompt", body, model));
    order.prompts.push_back(std::move(prompt));
  } else if (static_cast<int64_t>(value.items().size()) > caps.prompts) {
    return Status(StatusCode::kInvalidArgument,
                  concat("prompt: expected at most ", caps.prompts, ", found ", value.items().size()));
  }
  for (size_t i = 0; several && i < value.items().size(); ++i) {
    FATHOM_ASSIGN_OR_RETURN(CompletionPrompt prompt,
                            read_prompt(value.items()[i], item_path("prompt", i), body, model));
    order.prompts.push_back(std::move(prompt));
  }
  for (const CompletionPrompt& prompt : order.prompts) {
    FATHOM_RETURN_IF_ERROR(check_prompt_length(prompt.ids.size(), model));
  }
  return {};
}

Result<CompletionOrder> read_order(const JsonValue& body, const ServedModel& model, const RequestCaps& caps) {
  CompletionOrder order;
  FATHOM_RETURN_IF_ERROR(read_prompts(body, model, caps, order));
  FATHOM_ASSIGN_OR_RETURN(order.sampling, read_sampling(body, model));
  FATHOM_ASSIGN_OR_RETURN(order.stop, read_stop(body, caps));
  order.choices = static_cast<int>(integer_member(body, "n").value_or(1));
  order.max_tokens = integer_member(body, "max_tokens").value_or(kDefaultMaxTokens);
  order.echo = bool_member(body, "echo").value_or(false);
  order.user = read_user(body);
  if (const auto top = integer_member(body, "logprobs")) order.top_logprobs = static_cast<int>(*top);
  return order;
}

Request request_of(const CompletionOrder& order, const CompletionPrompt& prompt, const ServedModel& model) {
  Request request;
  request.prompt = prompt.ids;
  request.max_tokens = order.max_tokens;
  request.sampling = order.sampling;
  request.stop_tokens = {model.eos()};
  request.choices = order.choices;
  request.cache_salt = order.user;
  request.top_logprobs = order.top_logprobs;
  if (order.echo) request.prompt_top_logprobs = order.top_logprobs;
  return request;
}

CompletionRunOptions run_options(ServerContext& context, const CompletionOrder& order, size_t index,
                                 const ServedModel& model) {
  const CompletionPrompt& prompt = order.prompts[index];
  CompletionRunOptions options;
  options.first_choice = static_cast<int>(index) * order.choices;
  options.choices = order.choices;
  options.stop = order.stop;
  options.eos = model.eos();
  options.logprobs = order.top_logprobs.has_value();
  options.echo = order.echo;
  if (order.echo) options.echo_text = prompt.text;
  if (order.echo) options.prompt = prompt.ids;
  // A request is counted once, with its first prompt.
  if (index == 0) {
    options.on_end = [&context](std::optional<ChoiceReason> reason, const Status& status) {
      context.metrics.count_finished(finished_as(reason, status));
    };
  }
  return options;
}

void run_completion(ServerContext& context, const ServedModel& model,
                    const std::shared_ptr<Exchange>& exchange, const CompletionOrder& order,
                    const std::shared_ptr<ReplyWriter>& writer) {
  std::vector<RequestId> ids;
  const auto cancel_all = [engine = model.engine.get()](const std::vector<RequestId>& running) {
    for (const RequestId id : running) engine->cancel(id);
  };
  for (size_t i = 0; i < order.prompts.size(); ++i) {
    Request request = request_of(order, order.prompts[i], model);
    request.tenant = exchange->facts().caller.tenant;
    request.deadline = model.request_time;
    auto id = model.engine->submit(
        std::move(request),
        std::make_shared<CompletionRun>(model.tokenizer, run_options(context, order, i, model), writer));
    if (!id.ok()) {
      if (i == 0) context.metrics.count_finished(FinishedAs::kRejected);
      exchange->fail(api_error_of(id.status()));
      return cancel_all(ids);
    }
    ids.push_back(*id);
  }
  exchange->on_gone([cancel_all, ids = std::move(ids)] { cancel_all(ids); });
}

void answer_completion(ServerContext& context, const std::shared_ptr<Exchange>& exchange) {
  const ServedModel* model = context.ready_model(*exchange);
  if (model == nullptr) return;
  const auto body = read_body(*exchange, context.options.caps);
  if (!body || !check_model_name(*exchange, *body, *model))
    return context.metrics.count_finished(FinishedAs::kRejected);
  const auto order = read_order(*body, *model, context.options.caps);
  if (!order.ok()) {
    context.metrics.count_finished(FinishedAs::kRejected);
    return exchange->fail(api_error_of(order.status()));
  }
  const int runs = static_cast<int>(order->prompts.size());
  ReplyFormat format{.envelope = make_envelope("cmpl-", "text_completion", *body, *model),
                     .prices = context.options.prices,
                     .choices = order->choices * runs,
                     .logprobs = order->top_logprobs.has_value(),
                     .timings = bool_member(*body, "timings").value_or(false)};
  if (const JsonValue* options = present_member(*body, "stream_options")) {
    format.usage_in_stream = bool_member(*options, "include_usage").value_or(false);
  }
  const bool stream = bool_member(*body, "stream").value_or(false);
  auto writer = stream ? make_completion_stream_writer(exchange, model->tokenizer, std::move(format), runs)
                       : make_completion_writer(exchange, model->tokenizer, std::move(format), runs);
  run_completion(context, *model, exchange, *order, writer);
}

}  // namespace

void add_completion_routes(ServerContext& context) {
  context.routes.add({.name = "completions",
                      .method = "POST",
                      .paths = {"/v1/completions", "/completions", "/beta/completions"},
                      .work = RouteWork::kGenerates,
                      .body_cap = context.options.max_body_bytes,
                      .summary = "The continuation of a text",
                      .parameters = completion_parameters(),
                      .handler = [&context](const std::shared_ptr<Exchange>& exchange) {
                        answer_completion(context, exchange);
                      }});
}

}  // namespace fathom
