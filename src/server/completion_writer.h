// SPDX-License-Identifier: MIT
// Replies of /v1/completions, whole and as a stream (api.md 5), for all prompts of a request together.
#pragma once

#include <memory>

#include "server/chat_writer.h"

namespace fathom {

// `runs`: how many requests of the engine write into the reply; it is complete when all have finished.
std::shared_ptr<ReplyWriter> make_completion_writer(std::shared_ptr<Exchange> exchange,
                                                    const Tokenizer& tokenizer, ReplyFormat format, int runs);
std::shared_ptr<ReplyWriter> make_completion_stream_writer(std::shared_ptr<Exchange> exchange,
                                                           const Tokenizer& tokenizer, ReplyFormat format,
                                                           int runs);

}  // namespace fathom
