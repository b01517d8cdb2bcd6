// SPDX-License-Identifier: MIT
// Numbers as people read them, for text output; JSON output carries the exact ones. Pure functions; any
// thread.
#pragma once

#include <cstdint>
#include <string>

namespace fathom {

// "129,280"
std::string with_commas(int64_t value);
// "584 B", "11.76 MB", "3.71 GB": powers of 1000, two decimals from 1 kB on.
std::string human_bytes(int64_t bytes);
// "512", "10.17 M", "284.33 B", "1.60 T"
std::string human_parameters(int64_t count);

}  // namespace fathom
