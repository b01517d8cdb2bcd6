// SPDX-License-Identifier: MIT
// The two appendices of an instruction: the tools block and the format block (chat.md 3). Pure functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "text/chat_prompt.h"

namespace fathom {

// `schemas`: JSON text of each tool's function object.
void add_tools_block(Prompt& prompt, const std::vector<std::string>& schemas);

// `format`: JSON text of the response_format object.
void add_format_block(Prompt& prompt, std::string_view format);

}  // namespace fathom
