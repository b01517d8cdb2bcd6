// SPDX-License-Identifier: MIT
// Base64 with the standard alphabet and padding (RFC 4648 section 4). Pure functions.
#pragma once

#include <string>
#include <string_view>

#include "base/status.h"

namespace fathom {

std::string encode_base64(std::string_view bytes);

// kInvalidArgument for anything but whole, padded groups of the alphabet.
Result<std::string> decode_base64(std::string_view text);

}  // namespace fathom
