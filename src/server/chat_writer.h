// SPDX-License-Identifier: MIT
// Replies of /v1/chat/completions, whole and as a stream (api.md 4.1 to 4.3).
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "server/exchange.h"
#include "server/reply_writer.h"
#include "server/served_model.h"
#include "server/server_options.h"

namespace fathom {

// What every part of one reply says about it.
struct ReplyEnvelope {
  std::string id;
  std::string object;
  int64_t created = 0;  // seconds since 1970
  std::string model;    // as the client called it
  std::string fingerprint;
};
ReplyEnvelope make_envelope(std::string_view id_prefix, std::string_view object, const JsonValue& body,
                            const ServedModel& model);
// The members of an envelope as an object, to which the rest is added.
JsonValue envelope_json(const ReplyEnvelope& envelope);

struct ReplyFormat {
  ReplyEnvelope envelope = {};
  Prices prices = {};
  int choices = 1;
  bool thinking = false;
  bool logprobs = false;
  bool timings = false;
  bool usage_in_stream = false;
};

std::unique_ptr<ReplyWriter> make_chat_writer(std::shared_ptr<Exchange> exchange, const Tokenizer& tokenizer,
                                              ReplyFormat format);
std::unique_ptr<ReplyWriter> make_chat_stream_writer(std::shared_ptr<Exchange> exchange,
                                                     const Tokenizer& tokenizer, ReplyFormat format);

// "data: JSON\n\n"
std::string data_event(const JsonValue& value);
// Ends an OpenAI reply with an error: an event where a stream has begun, else a whole reply.
void fail_openai(Exchange& exchange, const ApiError& error);

}  // namespace fathom
