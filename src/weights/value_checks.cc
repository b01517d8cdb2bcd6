// SPDX-License-Identifier: MIT
#include "weights/value_checks.h"

#include <cstring>

namespace fathom {
namespace {

// Adding `carry` to the bits under `mask` of each lane sets the lane's top bit exactly when they exceed a
// bound, and never spills into the next lane: eight bytes are tested with three operations.
struct LaneTest {
  uint64_t mask;   // the bits that matter
  uint64_t carry;  // what lifts the first bad value to the top bit
  uint64_t hit;    // the top bit of each lane
  size_t lane_bytes;
};

constexpr uint64_t repeat(uint64_t lane, size_t lane_bytes) {
  uint64_t out = 0;
  for (size_t i = 0; i < 8; i += lane_bytes) out |= lane << (8 * i);
  return out;
}

// All exponent bits set: infinity or NaN.
constexpr LaneTest exponent_test(uint64_t exponent_mask, uint64_t lowest_exponent_bit, size_t lane_bytes) {
  return {repeat(exponent_mask, lane_bytes), repeat(lowest_exponent_bit, lane_bytes),
          repeat(uint64_t{1} << (8 * lane_bytes - 1), lane_bytes), lane_bytes};
}

constexpr LaneTest kF32Test = exponent_test(0x7f800000u, 0x00800000u, 4);
constexpr LaneTest kF64Test = exponent_test(0x7ff0000000000000u, 0x0010000000000000u, 8);
constexpr LaneTest kBf16Test = exponent_test(0x7f80u, 0x0080u, 2);
constexpr LaneTest kF16Test = exponent_test(0x7c00u, 0x0400u, 2);
// e4m3 has no infinity; NaN is all seven bits set.
constexpr LaneTest kF8E4M3Test = exponent_test(0x7fu, 0x01u, 1);

// Element number of the first hit, with `extra` bits required beside the test's carry.
template <typename Hits>
std::optional<size_t> first_hit(std::span<const std::byte> bytes, size_t lane_bytes, Hits hits) noexcept {
  size_t at = 0;
  // Blocks of 64 bytes first, without a branch inside.
  for (; bytes.size() - at >= 64; at += 64) {
    uint64_t any = 0;
    for (size_t i = 0; i < 64; i += 8) {
      uint64_t word;
      std::memcpy(&word, bytes.data() + at + i, 8);
      any |= hits(word);
    }
    if (any != 0) break;
  }
  for (; at < bytes.size(); at += lane_bytes) {
    uint64_t word = 0;
    std::memcpy(&word, bytes.data() + at, lane_bytes);
    if (hits(word) != 0) return at / lane_bytes;
  }
  return std::nullopt;
}

std::optional<size_t> first_hit(std::span<const std::byte> bytes, const LaneTest& test) noexcept {
  return first_hit(bytes, test.lane_bytes,
                   [&test](uint64_t word) { return ((word & test.mask) + test.carry) & test.hit; });
}

}  // namespace

std::optional<size_t> first_non_finite(Dtype dtype, std::span<const std::byte> bytes) noexcept {
  switch (dtype) {
    case Dtype::kF32: return first_hit(bytes, kF32Test);
    case Dtype::kF64: return first_hit(bytes, kF64Test);
    case Dtype::kBf16: return first_hit(bytes, kBf16Test);
    case Dtype::kF16: return first_hit(bytes, kF16Test);
    case Dtype::kF8E4M3: return first_hit(bytes, kF8E4M3Test);
    case Dtype::kF8E8M0: return first_scale_above(254, bytes);
    case Dtype::kBool:
    case Dtype::kU8:
    case Dtype::kI8:
    case Dtype::kF8E5M2:
    case Dtype::kI16:
    case Dtype::kU16:
    case Dtype::kI32:
    case Dtype::kU32:
    case Dtype::kI64:
    case Dtype::kU64: return std::nullopt;
  }
  return std::nullopt;
}

std::optional<size_t> first_scale_above(uint8_t largest, std::span<const std::byte> bytes) noexcept {
  // A byte exceeds `largest` when its top bit is set and its low seven bits exceed those of `largest`.
  const uint64_t low = repeat(0x7f, 1);
  const uint64_t top = repeat(0x80, 1);
  const uint64_t carry = repeat(0x7fu - (largest & 0x7fu), 1);
  return first_hit(bytes, 1, [=](uint64_t word) { return ((word & low) + carry) & word & top; });
}

}  // namespace fathom
