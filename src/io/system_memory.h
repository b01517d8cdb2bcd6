// SPDX-License-Identifier: MIT
// Memory that this process may use: the machine's, or less where a control group says so (design.md 9). Any
// thread.
#pragma once

#include <cstdint>

#include "io/io_env.h"

namespace fathom {

// Bytes; at least 1.
int64_t system_memory_bytes(IoEnv& env);

}  // namespace fathom
