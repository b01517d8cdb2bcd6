// SPDX-License-Identifier: MIT
// Measuring another program beside fathom (performance.md 4.2). Main thread only.
#pragma once

#include <string>
#include <vector>

#include "engine/bench.h"

namespace fathom {

// Runs `command` with the shell and reads the number on the last line of its output. kInvalidArgument when it
// fails or ends with something else.
Result<double> run_other_program(const std::string& command);

// `pairs` measurements of one case and of the other program, in the order A B B A A B ...: the figure's
// ratio, low and high are those of fathom's value to the other's in each pair, the ratio their median; its
// limit is the other's best value.
Result<BenchFigure> compare_with(BenchCase& own, const std::string& command, int pairs,
                                 const BenchRecord& record);

}  // namespace fathom
