// SPDX-License-Identifier: MIT
// Replies of /v1/responses, whole and as events (api.md 6).
#pragma once

#include <memory>

#include "io/json.h"
#include "server/exchange.h"
#include "server/reply_writer.h"
#include "text/tokenizer.h"

namespace fathom {

struct ResponsesFormat {
  enum class Delivery : uint8_t { kWhole, kEvents };
  Delivery delivery = Delivery::kWhole;
  bool logprobs = false;
  // The response as it begins: id, created_at, model and what the request asked for. Status, output, usage
  // and errors are set here.
  JsonValue response;
};

// `tokenizer` must outlive the writer.
std::unique_ptr<ReplyWriter> make_responses_writer(std::shared_ptr<Exchange> exchange,
                                                   const Tokenizer& tokenizer, ResponsesFormat format);

}  // namespace fathom
