// SPDX-License-Identifier: MIT
// How many compute threads this process should run (design.md 8).
#pragma once

namespace fathom {

// Physical cores in the affinity mask, limited by the cgroup's CPU quota; at least 1. SMT siblings are not
// counted.
int default_thread_count();

}  // namespace fathom
