// SPDX-License-Identifier: MIT
// Standard input and output of the commands, with the system's refusals as errors. Main thread only.
#pragma once

#include <functional>
#include <string>
#include <string_view>

#include "base/status.h"

namespace fathom {

// Occupies standard descriptors that are closed, so that no file that is opened later becomes one by
// accident; using them stays an error. Call first.
void hold_standard_descriptors() noexcept;

// Writes all of `text` and flushes. kIo when the system refuses (a closed pipe, a full disk).
Status write_stdout(std::string_view text);

// All of standard input.
Result<std::string> read_stdin();

// Calls `use` with each line of standard input, without its line end; empty lines are skipped. Errors of
// `use` get the line number in front.
Status for_each_line(const std::function<Status(const std::string&)>& use);

// The whole of a file, or of standard input for "-". / Writes a file, or standard output for "-".
Result<std::string> read_input(const std::string& path);
Status write_output(const std::string& path, std::string_view bytes);

}  // namespace fathom
