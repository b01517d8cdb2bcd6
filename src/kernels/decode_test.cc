// SPDX-License-Identifier: MIT
// Packed rows of every tier that runs here, against generic: equal bits for every code and scale.
#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "kernels/kernel_test_support.h"

namespace fathom {
namespace {

const DecodeKernels& judge() { return *kernel_tiers().front().table->decode; }

// All 254 finite e4m3 codes, again and again.
std::vector<uint8_t> fp8_codes(int64_t n) {
  std::vector<uint8_t> codes;
  for (int64_t i = 0; std::ssize(codes) < n; ++i) {
    const auto code = static_cast<uint8_t>(i * 37);
    if ((code & 0x7f) != 0x7f) codes.push_back(code);
  }
  return codes;
}

TEST(Decode, Fp8RowsGiveEqualBitsAtEveryLength) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const int64_t n : test_lengths()) {
      for (const Placement placement : kPlacements) {
        SCOPED_TRACE(std::string(table->name) + ", length " + std::to_string(n));
        GuardedArray<uint8_t> codes(fp8_codes(n), placement);
        std::vector<uint8_t> bytes(static_cast<size_t>((n + 63) / 64));
        for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(100 + 5 * i % 60);
        GuardedArray<uint8_t> scales(bytes, placement);
        GuardedArray<float> out(static_cast<size_t>(n), placement);
        std::vector<float> want(static_cast<size_t>(n));
        table->decode->fp8(codes.data(), scales.data(), n, 64, out.data());
        judge().fp8(codes.data(), scales.data(), n, 64, want.data());
        ASSERT_TRUE(same_bits(out.copy(), want));
      }
    }
  }
}

TEST(Decode, Fp4RowsGiveEqualBitsAtEveryLength) {
  for (const KernelTable* table : runnable_tiers()) {
    for (const int64_t n : test_lengths()) {
      for (const Placement placement : kPlacements) {
        SCOPED_TRACE(std::string(table->name) + ", length " + std::to_string(n));
        std::vector<uint8_t> packed(static_cast<size_t>((n + 1) / 2));
        for (size_t i = 0; i < packed.size(); ++i) packed[i] = static_cast<uint8_t>(i * 89 + 7);
        GuardedArray<uint8_t> codes(packed, placement);
        std::vector<uint8_t> bytes(static_cast<size_t>((n + 31) / 32));
        for (size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<uint8_t>(100 + 7 * i % 60);
        GuardedArray<uint8_t> scales(bytes, placement);
        GuardedArray<float> out(static_cast<size_t>(n), placement);
        std::vector<float> want(static_cast<size_t>(n));
        table->decode->fp4(codes.data(), scales.data(), n, out.data());
        judge().fp4(codes.data(), scales.data(), n, want.data());
        ASSERT_TRUE(same_bits(out.copy(), want));
      }
    }
  }
}

TEST(Decode, EveryScaleOfTheDomainIsExact) {
  const std::vector<uint8_t> codes = fp8_codes(64);
  std::vector<uint8_t> packed(16);
  for (size_t i = 0; i < packed.size(); ++i) packed[i] = static_cast<uint8_t>(i | (15 - i) << 4);
  for (const KernelTable* table : runnable_tiers()) {
    // Up to 2^112 for e4m3 and 2^120 for e2m1: |x| < 2^120 before its round trip (kernel_table.h).
    for (int byte = 0; byte <= 247; ++byte) {
      const auto scale = static_cast<uint8_t>(byte);
      std::vector<float> got(64);
      std::vector<float> want(64);
      if (byte <= 239) {
        table->decode->fp8(codes.data(), &scale, 64, 64, got.data());
        judge().fp8(codes.data(), &scale, 64, 64, want.data());
        ASSERT_TRUE(same_bits(got, want)) << table->name << " fp8 scale " << byte;
      }
      got.assign(32, 0);
      want.assign(32, 0);
      table->decode->fp4(packed.data(), &scale, 32, got.data());
      judge().fp4(packed.data(), &scale, 32, want.data());
      ASSERT_TRUE(same_bits(got, want)) << table->name << " fp4 scale " << byte;
    }
  }
}

}  // namespace
}  // namespace fathom
