// SPDX-License-Identifier: MIT
// Element types of safetensors files: names and sizes (architecture.md 9). Pure functions; any thread.
#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>

namespace fathom {

enum class Dtype : uint8_t {
  kBool,
  kU8,
  kI8,
  kF8E5M2,
  kF8E4M3,
  kF8E8M0,
  kI16,
  kU16,
  kF16,
  kBf16,
  kI32,
  kU32,
  kF32,
  kF64,
  kI64,
  kU64,
};
inline constexpr int kDtypeCount = 16;

// Nothing for a name that is not in the list above.
std::optional<Dtype> dtype_from_name(std::string_view name) noexcept;
std::string_view dtype_name(Dtype dtype) noexcept;
int dtype_bytes(Dtype dtype) noexcept;

// "F8_E4M3[1024,4096]": how messages name a tensor's type.
std::string dtype_and_shape(std::string_view dtype, std::span<const int64_t> shape);

}  // namespace fathom
