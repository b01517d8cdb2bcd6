// SPDX-License-Identifier: MIT
// What a core can do at most: reading memory and multiply-adds in registers, per instruction-set tier
// (performance.md 2). Loops without any other work, for `fathom bench`; no result of a model depends on them.
//
// Single-threaded, allocate nothing. Each function is defined in kernels/limits_<tier>.cc; limit_kernels.cc
// picks. Immutable; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>

namespace fathom {

// Reads all of [data, data + bytes), bytes a multiple of kReadBlockBytes, and returns something that depends
// on every byte. Data aligned to 64 bytes.
using ReadKernel = uint64_t (*)(const std::byte* data, int64_t bytes) noexcept;
inline constexpr int64_t kReadBlockBytes = 4096;

// Runs `rounds` rounds of independent multiply-adds in registers; returns something that depends on all.
using ArithmeticKernel = float (*)(int64_t rounds) noexcept;

struct ArithmeticUnit {
  const char* name;              // "fp32", "bf16", "int8"
  int64_t operations_per_round;  // a multiply-add is two
  ArithmeticKernel run;
};

struct LimitKernels {
  ReadKernel read_one_stream;
  ReadKernel read_four_streams;
  std::span<const ArithmeticUnit> units;  // those that this CPU has, "fp32" first
};

// The loops at the register width of a tier. Requires a tier that can run here; a name of a later tier gets
// the widest loops below it.
LimitKernels limit_kernels(std::string_view tier) noexcept;

// By file; the units of a file that need more than its tier are run only where limit_kernels() found them.
uint64_t read_one_stream_generic(const std::byte* data, int64_t bytes) noexcept;
uint64_t read_four_streams_generic(const std::byte* data, int64_t bytes) noexcept;
extern const ArithmeticUnit kFp32UnitGeneric;
#if defined(__x86_64__)
uint64_t read_one_stream_avx2(const std::byte* data, int64_t bytes) noexcept;
uint64_t read_four_streams_avx2(const std::byte* data, int64_t bytes) noexcept;
extern const ArithmeticUnit kFp32UnitAvx2;
uint64_t read_one_stream_avx512(const std::byte* data, int64_t bytes) noexcept;
uint64_t read_four_streams_avx512(const std::byte* data, int64_t bytes) noexcept;
extern const ArithmeticUnit kFp32UnitAvx512;
extern const ArithmeticUnit kBf16UnitAvx512;  // needs AVX512_BF16
extern const ArithmeticUnit kInt8UnitAvx512;  // needs AVX512_VNNI
#endif

}  // namespace fathom
