// SPDX-License-Identifier: MIT
// Steps 1 to 3 of the encoder: messages become turns, tool results are put in call order, old reasoning is
// dropped (chat.md 2).
//
// Invariant: turns only point into the Conversation they were made from, which must outlive them.
#pragma once

#include <string_view>
#include <vector>

#include "text/chat_message.h"

namespace fathom {

// A part of a user turn: what the user wrote, or what a tool answered.
struct TurnBlock {
  enum class Kind : uint8_t { kText, kResult };
  Kind kind = Kind::kText;
  std::string_view text;
  std::string_view call_id;  // of a result
};

struct Turn {
  Role role = Role::kUser;
  std::string_view task;
  std::vector<TurnBlock> blocks;         // user turns only
  const ChatMessage* message = nullptr;  // every other turn; never null there
};

struct TurnList {
  std::vector<Turn> turns;
  bool drop = false;  // reasoning before `live` is left out
  int live = -1;      // L of chat.md 2.3: the last user or developer turn, -1 for none

  // Whether the reasoning at this turn (an assistant's, or the header after a user turn) is written.
  bool keeps_reply_reasoning(int turn) const noexcept { return !drop || turn > live; }
  bool opens_reasoning(int turn) const noexcept { return !drop || turn >= live; }
};

TurnList make_turns(const Conversation& conversation);

}  // namespace fathom
