// SPDX-License-Identifier: MIT
#include "kernels/limit_kernels.h"

#include <array>

namespace fathom {
namespace {

// The units of a set of kernels, filled once.
struct UnitList {
  std::array<ArithmeticUnit, 3> units;
  size_t count = 0;
  void add(const ArithmeticUnit& unit) noexcept { units[count++] = unit; }
  std::span<const ArithmeticUnit> all() const noexcept { return {units.data(), count}; }
};

#if defined(__x86_64__)
UnitList avx512_units() noexcept {
  UnitList list;
  list.add(kFp32UnitAvx512);
  // The tier itself is known to run; these two ask about the CPU only.
  if (__builtin_cpu_supports("avx512bf16")) list.add(kBf16UnitAvx512);
  if (__builtin_cpu_supports("avx512vnni")) list.add(kInt8UnitAvx512);
  return list;
}
#endif

}  // namespace

LimitKernels limit_kernels([[maybe_unused]] std::string_view tier) noexcept {
#if defined(__x86_64__)
  if (tier == "avx2") return {read_one_stream_avx2, read_four_streams_avx2, {&kFp32UnitAvx2, 1}};
  if (tier != "generic") {
    static const UnitList units = avx512_units();
    return {read_one_stream_avx512, read_four_streams_avx512, units.all()};
  }
#endif
  return {read_one_stream_generic, read_four_streams_generic, {&kFp32UnitGeneric, 1}};
}

}  // namespace fathom
