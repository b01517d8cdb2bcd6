// SPDX-License-Identifier: MIT
// Numbers as people read and write them; JSON output carries the exact ones. Pure functions; any
// thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "base/status.h"

namespace fathom {

// "129,280"
std::string with_commas(int64_t value);
// "584 B", "11.76 MB", "3.71 GB": powers of 1000, two decimals from 1 kB on.
std::string human_bytes(int64_t bytes);
// "512", "10.17 M", "284.33 B", "1.60 T"
std::string human_parameters(int64_t count);

// The other way: "24G", "1.5 GB" (powers of 1000), "512MiB" (powers of 1024), "4096"; kInvalidArgument for
// anything else, for nothing and for 2^63 bytes or more.
Result<int64_t> parse_bytes(std::string_view text);

}  // namespace fathom
