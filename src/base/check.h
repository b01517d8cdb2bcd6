// SPDX-License-Identifier: MIT
// Assertions about our own code (design.md 17). No input, file or request may reach one.
// FATHOM_CHECK is always on; FATHOM_DCHECK, for hot loops, only where NDEBUG is not defined.
#pragma once

namespace fathom {

// Prints file, line and the broken condition on standard error and ends the process.
[[noreturn]] void check_failed(const char* file, int line, const char* condition) noexcept;

}  // namespace fathom

#define FATHOM_CHECK(condition) \
  ((condition) ? static_cast<void>(0) : ::fathom::check_failed(__FILE__, __LINE__, #condition))

#ifdef NDEBUG
#define FATHOM_DCHECK(condition) static_cast<void>(0)
#else
#define FATHOM_DCHECK(condition) FATHOM_CHECK(condition)
#endif
