// SPDX-License-Identifier: MIT
// The tile registers as linear_tiles.h uses them: four tiles of sums, two of weights, two of x. For files
// built with the AMX flags only; the process must have asked for the registers (request_tile_registers).
// Internal linkage, always inlined (design.md 7).
#pragma once

#include <cstdint>

#include "kernels/simd_avx512.h"

namespace fathom {
namespace {  // NOLINT(google-build-namespaces): internal linkage is the point

// Sums of weight tile r and x tile i are tile 2 r + i, the weights tiles 4 and 5, x tiles 6 and 7. All are 16
// rows of 64 bytes. Configured while the object lives.
class AmxTiles {
 public:
  FATHOM_INLINE AmxTiles() noexcept {
    struct alignas(64) Config {
      uint8_t palette;
      uint8_t start_row;
      uint8_t reserved[14];
      uint16_t row_bytes[16];
      uint8_t rows[16];
    } config = {1, 0, {}, {}, {}};
    static_assert(sizeof(Config) == 64);
    for (int t = 0; t < 8; ++t) {
      config.row_bytes[t] = 64;
      config.rows[t] = 16;
    }
    asm volatile("ldtilecfg %0" : : "m"(config));
  }
  FATHOM_INLINE ~AmxTiles() { asm volatile("tilerelease"); }
  AmxTiles(const AmxTiles&) = delete;
  AmxTiles& operator=(const AmxTiles&) = delete;

  FATHOM_INLINE void zero_sums() noexcept {
    asm volatile("tilezero %tmm0\n\ttilezero %tmm1\n\ttilezero %tmm2\n\ttilezero %tmm3");
  }
  // 16 rows of 32 weights, 512 elements apart.
  template <int r>
  FATHOM_INLINE void load_w(const uint16_t* p) noexcept {
    constexpr int64_t kStride = 1024;
    if constexpr (r == 0) asm volatile("tileloadd (%0,%1,1), %%tmm4" : : "r"(p), "r"(kStride) : "memory");
    if constexpr (r == 1) asm volatile("tileloadd (%0,%1,1), %%tmm5" : : "r"(p), "r"(kStride) : "memory");
  }
  // 16 pairs of columns, each of 16 rows of x.
  template <int i>
  FATHOM_INLINE void load_x(const uint16_t* p) noexcept {
    constexpr int64_t kStride = 64;
    if constexpr (i == 0) asm volatile("tileloadd (%0,%1,1), %%tmm6" : : "r"(p), "r"(kStride) : "memory");
    if constexpr (i == 1) asm volatile("tileloadd (%0,%1,1), %%tmm7" : : "r"(p), "r"(kStride) : "memory");
  }
  template <int r, int i>
  FATHOM_INLINE void multiply() noexcept {
    if constexpr (r == 0 && i == 0) asm volatile("tdpbf16ps %tmm6, %tmm4, %tmm0");
    if constexpr (r == 0 && i == 1) asm volatile("tdpbf16ps %tmm7, %tmm4, %tmm1");
    if constexpr (r == 1 && i == 0) asm volatile("tdpbf16ps %tmm6, %tmm5, %tmm2");
    if constexpr (r == 1 && i == 1) asm volatile("tdpbf16ps %tmm7, %tmm5, %tmm3");
  }
  // [16 weight rows][16 rows of x]
  template <int r, int i>
  FATHOM_INLINE void store_sums(float* p) noexcept {
    constexpr int64_t kStride = 64;
    if constexpr (r == 0 && i == 0)
      asm volatile("tilestored %%tmm0, (%0,%1,1)" : : "r"(p), "r"(kStride) : "memory");
    if constexpr (r == 0 && i == 1)
      asm volatile("tilestored %%tmm1, (%0,%1,1)" : : "r"(p), "r"(kStride) : "memory");
    if constexpr (r == 1 && i == 0)
      asm volatile("tilestored %%tmm2, (%0,%1,1)" : : "r"(p), "r"(kStride) : "memory");
    if constexpr (r == 1 && i == 1)
      asm volatile("tilestored %%tmm3, (%0,%1,1)" : : "r"(p), "r"(kStride) : "memory");
  }
};

}  // namespace
}  // namespace fathom
