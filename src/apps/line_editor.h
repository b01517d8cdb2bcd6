// SPDX-License-Identifier: MIT
// The line editor at a terminal: libedit (design.md 16), seen by line_editor.cc only.
//
// Emacs keys (or what ~/.editrc says), history by the arrow keys, Alt-Enter for a line break, pasted text in
// one piece. Main thread only.
#pragma once

#include <memory>

#include "apps/line_reader.h"

namespace fathom {

// Null when fathom was built without libedit, or when it cannot work here: then plain lines do. Both
// arguments must outlive it.
std::unique_ptr<LineReader> make_line_editor(TerminalInput& input, TerminalOutput& output);

}  // namespace fathom
