// SPDX-License-Identifier: MIT
// The command line of `fathom`: parses arguments, runs one command, reports its error (conformance.md).
#pragma once

namespace fathom {

// Returns the process's exit code; an error prints one line on standard error.
int run_command_line(int argc, const char* const* argv);

}  // namespace fathom
