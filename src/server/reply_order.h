// SPDX-License-Identifier: MIT
// ReplyOrder: a request for a chat reply in terms that all APIs share, and how it gets to the engine
// (design.md 13).
//
// Orders are values. run_order belongs to a text thread.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "base/status.h"
#include "engine/request.h"
#include "engine/sampler.h"
#include "server/exchange.h"
#include "server/reply_run.h"
#include "server/reply_writer.h"
#include "server/server_context.h"
#include "text/chat_request.h"

namespace fathom {

struct ReplyOrder {
  ChatRequest chat;
  SamplingParams sampling;
  int choices = 1;
  std::optional<int64_t> max_tokens;        // absent: the room left
  std::vector<std::string> stop;            // looked for in content
  std::optional<int> top_logprobs;          // absent: no logprobs
  std::optional<int64_t> reasoning_budget;  // tokens until </think> is forced
  std::string user;                         // narrows what the prefix cache may share within the key
};

// Fields of a body that check_parameters has passed: temperature to logit_bias, missing ones from the model's
// own defaults, a missing seed drawn. kInvalidArgument for what no table can check: ids beyond the
// vocabulary.
Result<SamplingParams> read_sampling(const JsonValue& body, const ServedModel& model);
// Whom the request is for, by `user` or `user_id`; empty for nobody.
std::string read_user(const JsonValue& body);
// `stop` as a string or a list.
Result<std::vector<std::string>> read_stop(const JsonValue& body, const RequestCaps& caps);

// The ids of the prompt. kOutOfRange when they fill the context.
Result<std::vector<int32_t>> prompt_ids(const Prompt& prompt, const ServedModel& model);
Status check_prompt_length(size_t tokens, const ServedModel& model);

// Renders, tokenises and submits; the writer answers the exchange. What is wrong before that is answered
// here.
void run_order(ServerContext& context, const ServedModel& model, const std::shared_ptr<Exchange>& exchange,
               ReplyOrder order, std::unique_ptr<ReplyWriter> writer);

// Submits with `sink`, cancels when the client goes; an error is the caller's to answer.
Status submit_request(const ServedModel& model, const std::shared_ptr<Exchange>& exchange, Request request,
                      std::shared_ptr<EventSink> sink);

}  // namespace fathom
