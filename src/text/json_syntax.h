// SPDX-License-Identifier: MIT
// Whether a text is one JSON value by RFC 8259: syntax only, so repeated keys and any escape are allowed.
//
// Unlike read_json it builds nothing, because argument values are passed on verbatim (chat.md 6.4). No
// recursion.
#pragma once

#include <string_view>

namespace fathom {

// Deeper values are taken for invalid: common readers give up near a thousand, and a client must be able to
// read what it is sent.
inline constexpr int kMaxJsonSyntaxDepth = 512;

// White space around the value is allowed. Bytes from 0x80 up are allowed inside strings only.
bool is_json_text(std::string_view text);

}  // namespace fathom
