// SPDX-License-Identifier: MIT
// Large pages for large memory: fewer page faults when it is first used (design.md 6). Any thread.
#pragma once

#include <cstddef>

namespace fathom {

// Asks the system to back the whole pages within [data, data + bytes) by huge ones where it can; call before
// the first touch. A hint: nothing depends on it.
void prefer_huge_pages(void* data, size_t bytes) noexcept;

}  // namespace fathom
