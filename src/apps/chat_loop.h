// SPDX-License-Identifier: MIT
// The turns of `fathom chat`: one message, or lines until the user leaves. Main thread only.
#pragma once

#include <string_view>

#include "apps/chat_session.h"
#include "apps/line_reader.h"
#include "apps/reply_view.h"
#include "apps/signal_events.h"

namespace fathom {

// One turn. kCancelled when it was interrupted.
Status run_one_turn(ChatSession& session, std::string_view message, const ChatDisplay& display,
                    SignalEvents& signals);

// Turns until the input ends. At a terminal (Manner::kPeople) errors of a turn are shown and the talk goes
// on, and success is returned; otherwise it goes on too, but the end is an error that counts the failed
// turns.
Status run_turns(ChatSession& session, LineReader& reader, const ChatDisplay& display, SignalEvents& signals);

}  // namespace fathom
