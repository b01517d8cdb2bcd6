// SPDX-License-Identifier: MIT
// Request bodies and encoder input from hostile clients: refused or rendered, never a crash; what is rendered
// does not depend on how the JSON was written, and its markers are the encoder's own (chat.md 1 and 7).
//
// Input: one byte of options (which reader, which dialect), then the JSON text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

#include "base/check.h"
#include "io/json.h"
#include "text/chat_codec.h"
#include "text/chat_request.h"

namespace {

using fathom::Conversation;
using fathom::Dialect;
using fathom::JsonValue;
using fathom::Marker;
using fathom::Prompt;
using fathom::RequestDefaults;
using fathom::Result;

Result<Conversation> read(const JsonValue& body, uint8_t reader, Dialect dialect) {
  RequestDefaults defaults;
  defaults.dialect = dialect;
  if (reader % 3 == 0) return fathom::read_conversation(body, dialect);
  FATHOM_ASSIGN_OR_RETURN(auto request, reader % 3 == 1 ? fathom::read_chat_request(body, defaults)
                                                        : fathom::read_messages_request(body, defaults));
  return std::move(request.conversation);
}

void check_stretches(const Prompt& prompt) {
  bool text_before = false;
  for (const Prompt::Piece& piece : prompt.pieces()) {
    const bool is_text = std::holds_alternative<std::string>(piece);
    FATHOM_CHECK(!(is_text && text_before));
    text_before = is_text;
  }
  FATHOM_CHECK(!prompt.pieces().empty());
  FATHOM_CHECK(std::get<Marker>(prompt.pieces().front()) == Marker::kBos);
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const Dialect dialect = (data[0] & 4) != 0 ? Dialect::kOfficial : Dialect::kPreview;
  const uint8_t reader = data[0] & 3;
  const auto body = fathom::read_json({reinterpret_cast<const char*>(data) + 1, size - 1});
  if (!body.ok()) return 0;
  const auto conversation = read(*body, reader, dialect);
  if (!conversation.ok()) {
    FATHOM_CHECK(!conversation.status().message().empty());
    return 0;
  }
  const auto prompt = fathom::encode_conversation(*conversation, dialect);
  if (!prompt.ok()) return 0;
  check_stretches(*prompt);

  const auto again = fathom::read_json(fathom::write_json(*body));
  if (!again.ok()) return 0;  // numbers beyond binary64 print as words
  const auto second = read(*again, reader, dialect);
  FATHOM_CHECK(second.ok());
  FATHOM_CHECK(fathom::encode_conversation(*second, dialect)->text() == prompt->text());
  return 0;
}
