// SPDX-License-Identifier: MIT
// How much cache this process can fill: what a measurement of memory must exceed (performance.md 2).
#pragma once

#include <cstdint>

namespace fathom {

// Bytes of all last-level caches of the CPUs in the affinity mask together; 0 when the system does not say.
int64_t last_cache_bytes();

}  // namespace fathom
