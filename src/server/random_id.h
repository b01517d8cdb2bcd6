// SPDX-License-Identifier: MIT
// Random names for replies, calls and requests: nobody can guess one. Any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

// `prefix` and `length` letters and digits.
std::string random_id(std::string_view prefix, size_t length = 24);
uint64_t random_seed();

}  // namespace fathom
