// SPDX-License-Identifier: MIT
// Cases of the machine alone: read bandwidth by number of threads (performance.md 2).
#pragma once

#include <memory>

#include "engine/bench.h"

namespace fathom {

// `probe` outlives the case. kResourceExhausted when the system refuses the threads.
Result<std::unique_ptr<BenchCase>> read_case(LimitProbe& probe, int threads);
std::string read_case_name(int threads);

// The limits of a run as figures: bandwidth, units, barrier, and how far they moved in percent.
std::vector<BenchFigure> limit_figures(const BenchRecord& record);

// A run whose limits moved by more does not count.
inline constexpr double kMaxLimitMove = 0.05;

}  // namespace fathom
