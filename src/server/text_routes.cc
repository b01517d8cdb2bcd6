// SPDX-License-Identifier: MIT
// /tokenize, /detokenize, /apply-template: what the server makes of a text, without running the model (api.md
// 9).
#include "base/base64.h"
#include "base/concat.h"
#include "server/chat_parameters.h"
#include "server/parameter.h"
#include "server/reply_json.h"
#include "server/reply_order.h"
#include "server/routes.h"
#include "text/chat_codec.h"
#include "text/json_fields.h"

namespace fathom {
namespace {

JsonValue ids_json(const std::vector<int32_t>& ids) {
  std::vector<JsonValue> out;
  out.reserve(ids.size());
  for (const int32_t id : ids) out.push_back(JsonValue::integer(id));
  return JsonValue::array(std::move(out));
}

JsonValue pieces_json(const std::vector<int32_t>& ids, const Tokenizer& tokenizer) {
  std::vector<JsonValue> pieces;
  for (const int32_t id : ids) {
    const int32_t one[] = {id};
    JsonValue piece = JsonValue::object();
    piece.set("id", JsonValue::integer(id));
    piece.set("bytes_b64", json_text(encode_base64(tokenizer.bytes(id))));
    piece.set("text", json_text(tokenizer.decode(one)));
    pieces.push_back(std::move(piece));
  }
  return JsonValue::array(std::move(pieces));
}

// The prompt of a chat body as the same request to /v1/chat/completions would have it.
Result<std::pair<ChatRequest, Prompt>> chat_prompt(ServerContext& context, const Exchange& exchange,
                                                   const JsonValue& body, const ServedModel& model) {
  FATHOM_RETURN_IF_ERROR(model.chat);
  FATHOM_ASSIGN_OR_RETURN(ChatRequest request, read_chat_request(body, model.request_defaults));
  context.reply_memory.restore(exchange.facts().caller.tenant, request.conversation);
  FATHOM_ASSIGN_OR_RETURN(Prompt prompt,
                          encode_conversation(request.conversation, model.request_defaults.dialect));
  return std::pair(std::move(request), std::move(prompt));
}

Result<std::vector<int32_t>> tokens_of(ServerContext& context, const Exchange& exchange,
                                       const JsonValue& body, const ServedModel& model) {
  if (present_member(body, "messages") != nullptr) {
    FATHOM_ASSIGN_OR_RETURN(const auto chat, chat_prompt(context, exchange, body, model));
    return chat.second.ids(model.tokenizer, model.markers);
  }
  const bool special = bool_member(body, "special").value_or(false);
  for (const std::string_view key : {"text", "content", "prompt"}) {
    if (const auto text = string_member(body, key)) {
      return model.tokenizer.encode(*text, special ? Tokenizer::Special::kOn : Tokenizer::Special::kOff);
    }
  }
  return Status(StatusCode::kInvalidArgument, "text: expected a string, or messages, found nothing");
}

void answer_tokenize(ServerContext& context, Exchange& exchange) {
  const ServedModel* model = context.ready_model(exchange);
  if (model == nullptr) return;
  const auto body = read_body(exchange, context.options.caps);
  if (!body || !check_model_name(exchange, *body, *model)) return;
  const auto ids = tokens_of(context, exchange, *body, *model);
  if (!ids.ok()) return exchange.fail(api_error_of(ids.status()));
  JsonValue reply = JsonValue::object();
  reply.set("tokens", ids_json(*ids));
  reply.set("count", JsonValue::integer(static_cast<int64_t>(ids->size())));
  reply.set("max_model_len", JsonValue::integer(model->context));
  if (bool_member(*body, "pieces").value_or(false)) reply.set("pieces", pieces_json(*ids, model->tokenizer));
  exchange.respond(json_response(reply));
}

Result<std::vector<int32_t>> ids_of(const JsonValue& list, const ServedModel& model) {
  std::vector<int32_t> ids;
  for (size_t i = 0; i < list.items().size(); ++i) {
    const int64_t id = integer_of(list.items()[i]).value_or(-1);
    if (id < 0 || id >= model.tokenizer.size()) {
      return Status(StatusCode::kInvalidArgument, concat(item_path("tokens", i), ": expected an id below ",
                                                         model.tokenizer.size(), ", found ", id));
    }
    ids.push_back(static_cast<int32_t>(id));
  }
  return ids;
}

void answer_detokenize(ServerContext& context, Exchange& exchange) {
  const ServedModel* model = context.ready_model(exchange);
  if (model == nullptr) return;
  const auto body = read_body(exchange, context.options.caps);
  if (!body || !check_model_name(exchange, *body, *model)) return;
  const auto ids = ids_of(*body->find("tokens"), *model);
  if (!ids.ok()) return exchange.fail(api_error_of(ids.status()));
  const std::string text = model->tokenizer.decode(*ids);
  JsonValue reply = JsonValue::object();
  for (const std::string_view name : {"text", "content", "prompt"}) reply.set(name, json_text(text));
  reply.set("bytes_b64", json_text(encode_base64(model->tokenizer.decode_bytes(*ids))));
  exchange.respond(json_response(reply));
}

void answer_template(ServerContext& context, Exchange& exchange) {
  const ServedModel* model = context.ready_model(exchange);
  if (model == nullptr) return;
  const auto body = read_body(exchange, context.options.caps);
  if (!body || !check_model_name(exchange, *body, *model)) return;
  const auto chat = chat_prompt(context, exchange, *body, *model);
  if (!chat.ok()) return exchange.fail(api_error_of(chat.status()));
  const auto ids = chat->second.ids(model->tokenizer, model->markers);
  if (!ids.ok()) return exchange.fail(api_error_of(ids.status()));
  JsonValue reply = JsonValue::object();
  reply.set("prompt", json_text(chat->second.text(model->tokenizer)));
  reply.set("tokens", ids_json(*ids));
  reply.set("dialect", json_text(dialect_name(model->request_defaults.dialect)));
  reply.set("thinking_mode", json_text(thinking_mode_name(chat->first.conversation.thinking_mode)));
  exchange.respond(json_response(reply));
}

}  // namespace

void add_text_routes(ServerContext& context) {
  struct Tool {
    std::string name;
    std::string path;
    std::string summary;
    std::span<const Parameter> parameters;
    void (*answer)(ServerContext&, Exchange&);
  };
  for (const Tool& tool :
       {Tool{"tokenize", "/tokenize", "A text, or a conversation, as token ids", tokenize_parameters(),
             answer_tokenize},
        Tool{"detokenize", "/detokenize", "Token ids as text", detokenize_parameters(), answer_detokenize},
        Tool{"apply_template", "/apply-template", "The prompt of a conversation", chat_parameters(),
             answer_template}}) {
    context.routes.add(
        {.name = tool.name,
         .method = "POST",
         .paths = {tool.path},
         .body_cap = context.options.max_body_bytes,
         .summary = tool.summary,
         .parameters = tool.parameters,
         .handler = [&context, answer = tool.answer](const std::shared_ptr<Exchange>& exchange) {
           answer(context, *exchange);
         }});
  }
}

}  // namespace fathom
