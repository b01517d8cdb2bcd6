// SPDX-License-Identifier: MIT
// Memory that this process holds now, as the system counts it. Any thread.
#pragma once

#include <cstdint>

#include "io/io_env.h"

namespace fathom {

// Bytes in memory that belong to no file: mapped weights are not counted. 0 when the system does not say.
int64_t anonymous_resident_bytes(IoEnv& env);

}  // namespace fathom
