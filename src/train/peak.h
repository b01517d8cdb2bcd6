// SPDX-License-Identifier: MIT
// The machine's float32 multiply-add rate, the yardstick of a run's speed (performance.md 2).
#pragma once

#include <string_view>

#include "base/status.h"

namespace fathom {

// Floating-point operations per second of all threads, measured for one to two seconds.
Result<double> measure_peak_flops(std::string_view tier, int threads);

}  // namespace fathom
