// SPDX-License-Identifier: MIT
// POST /v1/messages and /v1/messages/count_tokens (api.md 7).
#include <array>

#include "base/concat.h"
#include "server/chat_parameters.h"
#include "server/messages_writer.h"
#include "server/parameter.h"
#include "server/random_id.h"
#include "server/reply_json.h"
#include "server/reply_order.h"
#include "server/routes.h"
#include "text/chat_codec.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

constexpr double kMaxTokens = 2147483647.0;  // 2^31 - 1
constexpr ParameterKinds kTakesText = kTakesString | kTakesArray;

constexpr std::string_view kRoles[] = {"user", "assistant", "system"};
constexpr std::string_view kThinkingTypes[] = {"enabled", "adaptive", "disabled"};
constexpr std::string_view kEfforts[] = {"none", "minimal", "low", "medium", "high", "xhigh", "max", "ultra"};
constexpr std::string_view kChoices[] = {"auto", "any", "tool", "none"};
constexpr std::string_view kFormats[] = {"json_schema"};

constexpr std::array kBlock = {Parameter{.name = "type", .required = true}};
constexpr Parameter kBlockItem{.name = "", .kinds = kTakesObject, .members = kBlock};
constexpr Parameter kStopString{.name = "", .min_length = 1, .cap = &RequestCaps::stop_bytes};

constexpr std::array kMessage = {
    Parameter{.name = "role", .required = true, .words = kRoles},
    Parameter{.name = "content",
              .kinds = kTakesText,
              .required = true,
              .summary = "Text, or a list of blocks",
              .item = &kBlockItem},
};
constexpr Parameter kMessageItem{.name = "", .kinds = kTakesObject, .members = kMessage};

constexpr std::array kThinkingMembers = {
    Parameter{.name = "type", .required = true, .words = kThinkingTypes},
    Parameter{.name = "budget_tokens", .kinds = kTakesInteger, .min = 1, .max = kMaxTokens},
};
constexpr std::array kFormat = {
    Parameter{.name = "type", .required = true, .words = kFormats},
    Parameter{.name = "schema", .kinds = kTakesObject, .required = true},
};
constexpr std::array kOutputConfig = {
    Parameter{.name = "effort", .words = kEfforts},
    Parameter{.name = "format", .kinds = kTakesObject, .members = kFormat},
};
constexpr std::array kTool = {
    Parameter{.name = "type"},
    Parameter{.name = "name", .required = true, .min_length = 1, .max_length = 128},
    Parameter{.name = "description"},
    Parameter{.name = "input_schema", .kinds = kTakesObject},
};
constexpr Parameter kToolItem{.name = "", .kinds = kTakesObject, .members = kTool};
constexpr std::array kToolChoice = {
    Parameter{.name = "type", .required = true, .words = kChoices},
    Parameter{.name = "name"},
    Parameter{.name = "disable_parallel_tool_use", .kinds = kTakesBool},
};
constexpr std::array kMetadata = {Parameter{.name = "user_id", .max_length = 512}};

// What decides the prompt; all that counting needs.
constexpr std::array kPrompt = {
    Parameter{.name = "model"},
    Parameter{.name = "messages",
              .kinds = kTakesArray,
              .required = true,
              .min_items = 1,
              .item = &kMessageItem,
              .cap = &RequestCaps::messages},
    Parameter{.name = "system",
              .kinds = kTakesText,
              .summary = "Text, or a list of text blocks",
              .item = &kBlockItem},
    Parameter{.name = "thinking", .kinds = kTakesObject, .members = kThinkingMembers},
    Parameter{.name = "output_config", .kinds = kTakesObject, .members = kOutputConfig},
    Parameter{.name = "tools", .kinds = kTakesArray, .item = &kToolItem, .cap = &RequestCaps::tools},
    Parameter{.name = "tool_choice", .kinds = kTakesObject, .members = kToolChoice},
};
constexpr std::array kRest = {
    Parameter{.name = "max_tokens", .kinds = kTakesInteger, .required = true, .min = 1, .max = kMaxTokens},
    Parameter{.name = "temperature", .kinds = kTakesNumber, .summary = "0: greedy", .min = 0, .max = 2},
    Parameter{.name = "top_p", .kinds = kTakesNumber, .min = 0, .max = 1, .above_min = true},
    Parameter{
        .name = "top_k", .kinds = kTakesInteger, .summary = "0 or -1: off", .min = -1, .max = kMaxTokens},
    Parameter{.name = "stop_sequences",
              .kinds = kTakesArray,
              .summary = "Texts that end the answer and are not sent",
              .item = &kStopString,
              .cap = &RequestCaps::stop_strings},
    Parameter{.name = "stream", .kinds = kTakesBool},
    Parameter{.name = "metadata", .kinds = kTakesObject, .members = kMetadata},
};
constexpr auto kMessages = join_tables(kPrompt, kRest);

// The same calls have ids of the form call_... elsewhere, by which they are remembered (chat.md 9).
void to_call_id(std::string& id) {
  constexpr std::string_view kPrefix = "toolu_";
  if (id.starts_with(kPrefix)) id = concat("call_", id.substr(kPrefix.size()));
}

Result<ChatRequest> read_chat(const JsonValue& body, const ServedModel& model) {
  FATHOM_ASSIGN_OR_RETURN(ChatRequest chat, read_messages_request(body, model.request_defaults));
  for (ChatMessage& message : chat.conversation.messages) {
    to_call_id(message.tool_call_id);
    for (ToolCall& call : message.tool_calls) to_call_id(call.id);
  }
  return chat;
}

Result<ReplyOrder> read_order(const JsonValue& body, const ServedModel& model) {
  ReplyOrder order;
  FATHOM_ASSIGN_OR_RETURN(order.chat, read_chat(body, model));
  FATHOM_ASSIGN_OR_RETURN(order.sampling, read_sampling(body, model));
  order.max_tokens = integer_member(body, "max_tokens");
  if (const JsonValue* stops = present_member(body, "stop_sequences")) {
    for (const JsonValue& stop : stops->items()) order.stop.push_back(stop.as_string());
  }
  if (const JsonValue* thinking = present_member(body, "thinking")) {
    order.reasoning_budget = integer_member(*thinking, "budget_tokens");
  }
  return order;
}

// The body and the model; answers and returns nothing when the request cannot go on.
struct Opened {
  const ServedModel& model;
  JsonValue body;
};
std::optional<Opened> open_request(ServerContext& context, Exchange& exchange) {
  const ServedModel* model = context.ready_model(exchange);
  if (model == nullptr) return std::nullopt;
  auto body = read_body(exchange, context.options.caps);
  if (!body || !check_model_name(exchange, *body, *model)) return std::nullopt;
  return Opened{*model, std::move(*body)};
}

void answer_messages(ServerContext& context, const std::shared_ptr<Exchange>& exchange) {
  const auto opened = open_request(context, *exchange);
  if (!opened) return context.metrics.count_finished(FinishedAs::kRejected);
  auto order = read_order(opened->body, opened->model);
  if (!order.ok()) {
    context.metrics.count_finished(FinishedAs::kRejected);
    return exchange->fail(api_error_of(order.status()));
  }
  MessagesFormat format{random_id("msg_"), string_member(opened->body, "model").value_or(opened->model.id)};
  auto writer = bool_member(opened->body, "stream").value_or(false)
                    ? make_messages_stream_writer(exchange, std::move(format))
                    : make_messages_writer(exchange, std::move(format));
  run_order(context, opened->model, exchange, std::move(*order), std::move(writer));
}

// How many tokens the prompt of a messages body has.
Result<size_t> count_tokens(ServerContext& context, const Exchange& exchange, const Opened& opened) {
  FATHOM_RETURN_IF_ERROR(opened.model.chat);
  FATHOM_ASSIGN_OR_RETURN(ChatRequest chat, read_chat(opened.body, opened.model));
  context.reply_memory.restore(exchange.facts().caller.tenant, chat.conversation);
  FATHOM_ASSIGN_OR_RETURN(const Prompt prompt,
                          encode_conversation(chat.conversation, opened.model.request_defaults.dialect));
  FATHOM_ASSIGN_OR_RETURN(const auto ids, prompt.ids(opened.model.tokenizer, opened.model.markers));
  return ids.size();
}

void answer_count(ServerContext& context, Exchange& exchange) {
  const auto opened = open_request(context, exchange);
  if (!opened) return;
  const auto count = count_tokens(context, exchange, *opened);
  if (!count.ok()) return exchange.fail(api_error_of(count.status()));
  JsonValue reply = JsonValue::object();
  reply.set("input_tokens", JsonValue::integer(static_cast<int64_t>(*count)));
  exchange.respond(json_response(reply));
}

}  // namespace

void add_messages_routes(ServerContext& context) {
  context.routes.add({.name = "messages",
                      .method = "POST",
                      .paths = {"/v1/messages", "/anthropic/v1/messages"},
                      .work = RouteWork::kGenerates,
                      .errors = ErrorShape::kAnthropic,
                      .body_cap = context.options.max_body_bytes,
                      .summary = "A reply to a conversation, as Anthropic's clients ask for it",
                      .parameters = kMessages,
                      .handler = [&context](const std::shared_ptr<Exchange>& exchange) {
                        answer_messages(context, exchange);
                      }});
  context.routes.add({.name = "count_tokens",
                      .method = "POST",
                      .paths = {"/v1/messages/count_tokens", "/anthropic/v1/messages/count_tokens"},
                      .errors = ErrorShape::kAnthropic,
                      .body_cap = context.options.max_body_bytes,
                      .summary = "The number of tokens that a messages body has",
                      .parameters = kPrompt,
                      .handler = [&context](const std::shared_ptr<Exchange>& exchange) {
                        answer_count(context, *exchange);
                      }});
}

}  // namespace fathom
