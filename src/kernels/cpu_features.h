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
  bool avx512vbmi = false;
  bool avx512vnni = false;
  bool avx512bf16 = false;
  bool amx_tile = false;
  bool amx_bf16 = false;
  bool os_ymm = false;   // the operating system saves the 256-bit registers
  bool os_zmm = false;   // and the 512-bit and mask registers
  bool os_tile = false;  // and the tile registers, and lets this process use them
};

// All false where the processor is not x86-64. Asks the operating system for the tile registers where there
// are any, because it must be asked.
CpuFeatures detect_cpu_features() noexcept;

// What `features` lack for the tier, "avx2, fma" like; empty when it can run.
std::string missing_for_avx2(const CpuFeatures& features);
std::string missing_for_avx512(const CpuFeatures& features);
std::string missing_for_avx512_bf16(const CpuFeatures& features);
std::string missing_for_amx(const CpuFeatures& features);

// Who made the CPU and which one it is, as CPUID leaves 0 and 1 say; all 0 where it is not x86-64.
struct CpuModel {
  std::string vendor;  // "AuthenticAMD", "GenuineIntel"
  unsigned family = 0;
  unsigned model = 0;
};

CpuModel detect_cpu_model();

// Whether vdpbf16ps was measured to multiply faster than f32 fused multiply-add: a table, not a timing.
bool bf16_pairs_beat_f32(const CpuModel& cpu) noexcept;

}  // namespace fathom
