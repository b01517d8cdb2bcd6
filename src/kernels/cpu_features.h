// SPDX-License-Identifier: MIT
// What the CPU and the operating system offer to the kernel tiers (design.md 7).
// Pure data; detection reads CPU identification and the enabled register state, never a timing. Any thread.
#pragma once

#include <string>

namespace fathom {

struct CpuFeatures {
  bool avx2 = false;
  bool fma = false;
  bool f16c = false;
  bool avx512f = false;
  bool avx512bw = false;
  bool avx512vl = false;
  bool avx512dq = false;
  bool os_ymm = false;  // the operating system saves the 256-bit registers
  bool os_zmm = false;  // and the 512-bit and mask registers
};

// All false where the processor is not x86-64.
CpuFeatures detect_cpu_features() noexcept;

// What `features` lack for the tier, "avx2, fma" like; empty when it can run.
std::string missing_for_avx2(const CpuFeatures& features);
std::string missing_for_avx512(const CpuFeatures& features);

}  // namespace fathom
