// SPDX-License-Identifier: MIT
#include "kernels/cpu_features.h"

#include <cstdint>
#include <initializer_list>
#include <string_view>
#include <utility>

#if defined(__x86_64__)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
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

// Linux keeps the tile registers from processes that have not asked for them (arch_prctl, since 5.16).
// Threads started later inherit the permission.
bool request_tile_registers() noexcept {
  constexpr long kRequestPermission = 0x1023;  // ARCH_REQ_XCOMP_PERM
  constexpr long kTileData = 18;               // XFEATURE_XTILEDATA
  return syscall(SYS_arch_prctl, kRequestPermission, kTileData) == 0;
}
#endif

// `missing`, then the names of the needs that are not met.
std::string join_missing(std::initializer_list<std::pair<bool, std::string_view>> needs,
                         std::string missing = "") {
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
  features.avx512vbmi = bit(c, 1);
  features.avx512vnni = bit(c, 11);
  features.amx_bf16 = bit(d, 22);
  features.amx_tile = bit(d, 24);
  features.os_tile = features.amx_tile && (state & 0x60000) == 0x60000 && request_tile_registers();
  if (a >= 1 && __get_cpuid_count(7, 1, &a, &b, &c, &d) != 0) features.avx512bf16 = bit(a, 5);
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

std::string missing_for_avx512_bf16(const CpuFeatures& f) {
  return join_missing(
      {{f.avx512vbmi, "avx512vbmi"}, {f.avx512vnni, "avx512vnni"}, {f.avx512bf16, "avx512bf16"}},
      missing_for_avx512(f));
}

std::string missing_for_amx(const CpuFeatures& f) {
  return join_missing({{f.amx_tile, "amx_tile"},
                       {f.amx_bf16, "amx_bf16"},
                       {f.os_tile, "operating system support for tile registers"}},
                      missing_for_avx512_bf16(f));
}

CpuModel detect_cpu_model() {
  CpuModel cpu;
#if defined(__x86_64__)
  unsigned a = 0;
  unsigned vendor[3] = {};
  unsigned unused = 0;
  if (__get_cpuid(0, &a, &vendor[0], &vendor[2], &vendor[1]) == 0) return cpu;
  cpu.vendor.assign(reinterpret_cast<const char*>(vendor), sizeof vendor);
  if (__get_cpuid(1, &a, &unused, &unused, &unused) == 0) return cpu;
  // The extended fields count where the base family is 15; Intel's model also where it is 6.
  const unsigned family = (a >> 8) & 15u;
  cpu.family = family == 15 ? family + ((a >> 20) & 255u) : family;
  cpu.model = (a >> 4) & 15u;
  if (family == 15 || family == 6) cpu.model |= ((a >> 16) & 15u) << 4;
#endif
  return cpu;
}

bool bf16_pairs_beat_f32(const CpuModel& cpu) noexcept {
  // AMD runs pairs at twice the rate of f32: Zen 4 (family 19h from model 10h on; those below are Zen 3,
  // which has none) and Zen 5 (family 1Ah). Intel's Sapphire Rapids and Emerald Rapids run them slower than
  // f32.
  if (cpu.vendor != "AuthenticAMD") return false;
  return (cpu.family == 0x19 && cpu.model >= 0x10) || cpu.family == 0x1a;
}

}  // namespace fathom
