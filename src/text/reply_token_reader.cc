// SPDX-License-Identifier: MIT
#include "text/reply_token_reader.h"

#include "text/reply_units.h"

namespace fathom {

ReplyOptions reply_options(const Prompt& prompt, ReplyOptions::Calls calls) noexcept {
  return {prompt.ends_in_thinking() ? ReplyOptions::Start::kReasoning : ReplyOptions::Start::kContent, calls};
}

void ReplyTokenReader::push(int32_t id) {
  const std::string_view bytes = tokenizer_->bytes(id);
  if (!tokenizer_->is_added(id)) {
    parser_.push_text(decoder_.push(bytes));
    return;
  }
  parser_.push_text(decoder_.flush());
  const std::optional<Marker> marker = markers_->marker(id);
  parser_.push_marker(marker ? reply_marker(*marker) : ReplyMarker::kOther, bytes);
}

void ReplyTokenReader::finish_cut() {
  parser_.push_text(decoder_.flush());
  parser_.finish_cut();
}

void ReplyTokenReader::finish_stopped() {
  parser_.push_text(decoder_.flush());
  parser_.finish_stopped();
}

}  // namespace fathom
