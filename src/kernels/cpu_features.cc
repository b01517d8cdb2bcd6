// SPDX-License-Identifier: MIT
#include "kernels/cpu_features.h"

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#endif

namespace fathom {
namespace {

#if defined(__x86_64__)
bool bit(unsigned word, int index) noexcept { return ((word >> index) & 1u) != 0; }

// Extended control register 0: the register states the operating system saves.
uint64_t enabled_state() noexcept {
  uint32_t low = 0;
  uint32_t high = 0;
  asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
  return (static_cast<uint64_t>(high) << 32) | low;
}
#endif

std::string join_missing(std::initializer_list<std::pair<bool, std::string_view>> needs) {
  std::string missing;
  for (const auto& [present, name] : needs) {
    if (present) continue;
    if (!missing.empty()) missing += ", ";
    missing += name;
  }
  return missing;
}

}  // namespace

CpuFeatures detect_cpu_features() noexcept {
  CpuFeatures features;
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned b = 0;
  unsigned c = 0;
  unsigned d = 0;
  if (__get_cpuid(1, &a, &b, &c, &d) == 0) return features;
  features.fma = bit(c, 12);
  features.f16c = bit(c, 29);
  const bool has_xgetbv = bit(c, 27);
  const uint64_t state = has_xgetbv ? enabled_state() : 0;
  features.os_ymm = (state & 0x06) == 0x06;  // xmm, ymm
  features.os_zmm = (state & 0xe6) == 0xe6;  // and masks, upper halves of zmm0-15, zmm16-31
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0) return features;
  features.avx2 = bit(b, 5);
  features.avx512f = bit(b, 16);
  features.avx512dq = bit(b, 17);
  features.avx512bw = bit(b, 30);
  features.avx512vl = bit(b, 31);
#endif
  return features;
}

std::string missing_for_avx2(const CpuFeatures& f) {
  return join_missing({{f.avx2, "avx2"},
                       {f.fma, "fma"},
                       {f.f16c, "f16c"},
                       {f.os_ymm, "operating system support for 256-bit registers"}});
}

std::string missing_for_avx512(const CpuFeatures& f) {
  // The tier's files are built with AVX2, FMA and F16C too.
  return join_missing({{f.avx2, "avx2"},
                       {f.fma, "fma"},
                       {f.f16c, "f16c"},
                       {f.avx512f, "avx512f"},
                       {f.avx512bw, "avx512bw"},
                       {f.avx512vl, "avx512vl"},
                       {f.avx512dq, "avx512dq"},
                       {f.os_zmm, "operating system support for 512-bit registers"}});
}

}  // namespace fathom
