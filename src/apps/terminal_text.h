// SPDX-License-Identifier: MIT
// Text of a model, a file or a command line, made harmless for a terminal (reliability.md S-12, P-5). Pure
// function, any thread.
#pragma once

#include <string>
#include <string_view>

namespace fathom {

// `text` without any byte that a terminal obeys: control characters but line feed and tab become their
// pictures (ESC is U+241B), the eight-bit ones (U+0080 to U+009F) and ill-formed UTF-8 become U+FFFD.
std::string visible_text(std::string_view text);

}  // namespace fathom
