// SPDX-License-Identifier: MIT
// Replies of /v1/messages, whole and as a stream (api.md 7).
#pragma once

#include <memory>
#include <string>

#include "server/exchange.h"
#include "server/reply_writer.h"

namespace fathom {

struct MessagesFormat {
  std::string id;     // "msg_..."
  std::string model;  // as the client called it
};

std::unique_ptr<ReplyWriter> make_messages_writer(std::shared_ptr<Exchange> exchange, MessagesFormat format);
std::unique_ptr<ReplyWriter> make_messages_stream_writer(std::shared_ptr<Exchange> exchange,
                                                         MessagesFormat format);

}  // namespace fathom
