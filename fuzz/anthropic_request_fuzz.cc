// SPDX-License-Identifier: MIT
// Bodies of /v1/messages and /v1/responses from hostile clients: refused with a reason or rendered, with a
// constraint that fits the request; arguments that were cut can always be closed (api.md 6 and 7).
//
// Input: one byte of options (which reader, which dialect), then the JSON text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

#include "base/check.h"
#include "io/json.h"
#include "text/chat_codec.h"
#include "text/chat_request.h"
#include "text/closed_json.h"

namespace {

using Calls = fathom::ConstraintSpec::Calls;

void check_request(const fathom::ChatRequest& request, fathom::Dialect dialect) {
  const fathom::ConstraintSpec& spec = request.constraint;
  const bool parsed = request.calls == fathom::ReplyOptions::Calls::kParsed;
  FATHOM_CHECK(parsed == (spec.calls == Calls::kAllowed || spec.calls == Calls::kRequired));
  FATHOM_CHECK(parsed == !spec.tools.empty());
  const auto prompt = fathom::encode_conversation(request.conversation, dialect);
  if (!prompt.ok()) FATHOM_CHECK(!prompt.status().message().empty());
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 1) return 0;
  const std::string_view text(reinterpret_cast<const char*>(data) + 1, size - 1);
  const fathom::JsonValue closed = fathom::closed_object(text);
  FATHOM_CHECK(closed.is_object());
  const auto body = fathom::read_json(text);
  if (!body.ok()) return 0;
  fathom::RequestDefaults defaults;
  defaults.dialect = (data[0] & 2) != 0 ? fathom::Dialect::kOfficial : fathom::Dialect::kPreview;
  const auto request = (data[0] & 1) != 0 ? fathom::read_responses_request(*body, defaults)
                                          : fathom::read_messages_request(*body, defaults);
  if (request.ok()) {
    check_request(*request, defaults.dialect);
  } else {
    FATHOM_CHECK(!request.status().message().empty());
  }
  return 0;
}
