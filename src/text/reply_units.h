// SPDX-License-Identifier: MIT
// Replies as text with special tokens spelled out, cut into what ReplyParser takes (chat.md 6). Pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_markers.h"
#include "text/reply_parser.h"

namespace fathom {

// A stretch of text, or one special token by its spelling.
struct ReplyUnit {
  enum class Kind : uint8_t { kText, kMarker };
  Kind kind = Kind::kText;
  std::string text;
  ReplyMarker marker = ReplyMarker::kOther;  // of a kMarker
};

// What a marker of the chat format means in a reply.
ReplyMarker reply_marker(Marker marker) noexcept;

// Cuts out every spelling of a marker; text between them stays whole.
std::vector<ReplyUnit> cut_reply(std::string_view text);

// Joins neighbouring text and cuts it again every `code_points` (>= 1) code points.
std::vector<ReplyUnit> recut_reply(const std::vector<ReplyUnit>& units, int code_points);

void push_unit(ReplyParser& parser, const ReplyUnit& unit);

}  // namespace fathom
