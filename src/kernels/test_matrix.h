// SPDX-License-Identifier: MIT
// Random matrices in every weight format with their exact values. Tests only.
#pragma once

#include <cstdint>
#include <cstring>
#include <random>
#include <vector>

#include "kernels/kernel_test_support.h"
#include "numeric/bf16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"

namespace fathom {

inline constexpr WeightFormat kFormats[] = {WeightFormat::kF32, WeightFormat::kBf16, WeightFormat::kFp8E4m3,
                                            WeightFormat::kFp4E2m1};

inline const char* format_name(WeightFormat format) {
  switch (format) {
    case WeightFormat::kF32: return "f32";
    case WeightFormat::kBf16: return "bf16";
    case WeightFormat::kFp8E4m3: return "fp8";
    case WeightFormat::kFp4E2m1: return "fp4";
  }
  return "";
}

// A random matrix in one format, with its values for the judge.
struct TestMatrix {
  WeightFormat format;
  int64_t rows, cols;
  std::vector<uint8_t> bytes, scales;

  TestMatrix(WeightFormat format_in, int64_t rows_in, int64_t cols_in, unsigned seed)
      : format(format_in), rows(rows_in), cols(cols_in) {
    std::mt19937 rng(seed);
    const size_t count = static_cast<size_t>(rows * cols);
    switch (format) {
      case WeightFormat::kF32: {
        const std::vector<float> values = random_floats(count, seed);
        bytes.resize(count * 4);
        std::memcpy(bytes.data(), values.data(), bytes.size());
        return;
      }
      case WeightFormat::kBf16: {
        bytes.resize(count * 2);
        const std::vector<float> values = random_floats(count, seed);
        for (size_t i = 0; i < count; ++i) {
          const uint16_t bits = float_to_bf16(values[i]);
          std::memcpy(&bytes[2 * i], &bits, 2);
        }
        return;
      }
      case WeightFormat::kFp8E4m3:
        bytes.resize(count);
        for (uint8_t& b : bytes) {
          do b = static_cast<uint8_t>(rng());
          while ((b & 0x7f) == 0x7f);
        }
        scales.resize(static_cast<size_t>((rows + 127) / 128 * ((cols + 127) / 128)));
        break;
      case WeightFormat::kFp4E2m1:
        bytes.resize(count / 2);
        for (uint8_t& b : bytes) b = static_cast<uint8_t>(rng());
        scales.resize(static_cast<size_t>(rows * (cols / 32)));
        break;
    }
    for (uint8_t& s : scales) s = static_cast<uint8_t>(112 + rng() % 20);
  }

  ScaleBlock block() const {
    switch (format) {
      case WeightFormat::kFp8E4m3: return {128, 128};
      case WeightFormat::kFp4E2m1: return {1, 32};
      case WeightFormat::kF32:
      case WeightFormat::kBf16: return {};
    }
    return {};
  }
  WeightView view() const { return {format, block(), bytes.data(), scales.data(), rows, cols}; }

  float at(int64_t n, int64_t k) const {
    const size_t i = static_cast<size_t>(n * cols + k);
    switch (format) {
      case WeightFormat::kF32: {
        float value = 0.0F;
        std::memcpy(&value, &bytes[4 * i], 4);
        return value;
      }
      case WeightFormat::kBf16: {
        uint16_t bits = 0;
        std::memcpy(&bits, &bytes[2 * i], 2);
        return bf16_to_float(bits);
      }
      case WeightFormat::kFp8E4m3:
        return fp8_e4m3_to_float(bytes[i]) *
               ue8m0_to_float(scales[static_cast<size_t>(n / 128 * ((cols + 127) / 128) + k / 128)]);
      case WeightFormat::kFp4E2m1: {
        const uint8_t pair = bytes[i / 2];
        return fp4_e2m1_to_float(static_cast<uint8_t>(i % 2 != 0 ? pair >> 4 : pair & 15)) *
               ue8m0_to_float(scales[static_cast<size_t>(n * (cols / 32) + k / 32)]);
      }
    }
    return 0.0F;
  }
};

}  // namespace fathom
