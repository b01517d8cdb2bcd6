// SPDX-License-Identifier: MIT
#include "text/completion_prompt.h"

namespace fathom {

Prompt completion_prompt(std::string_view text) {
  Prompt prompt;
  prompt.add_marker(Marker::kBos);
  prompt.add_text(text);
  return prompt;
}

Prompt fill_in_the_middle_prompt(std::string_view prefix, std::string_view suffix) {
  Prompt prompt;
  prompt.add_marker(Marker::kBos);
  prompt.add_marker(Marker::kFimBegin);
  prompt.add_text(prefix);
  prompt.add_marker(Marker::kFimHole);
  prompt.add_text(suffix);
  prompt.add_marker(Marker::kFimEnd);
  return prompt;
}

}  // namespace fathom
