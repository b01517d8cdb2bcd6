// SPDX-License-Identifier: MIT
#include "weights/dtype.h"

#include "base/concat.h"

namespace fathom {
namespace {

struct DtypeFacts {
  std::string_view name;
  int bytes;
};

// In the order of the enum.
constexpr DtypeFacts kFacts[kDtypeCount] = {
    {"BOOL", 1}, {"U8", 1},  {"I8", 1},  {"F8_E5M2", 1}, {"F8_E4M3", 1}, {"F8_E8M0", 1},
    {"I16", 2},  {"U16", 2}, {"F16", 2}, {"BF16", 2},    {"I32", 4},     {"U32", 4},
    {"F32", 4},  {"F64", 8}, {"I64", 8}, {"U64", 8},
};

}  // namespace

std::optional<Dtype> dtype_from_name(std::string_view name) noexcept {
  for (int i = 0; i < kDtypeCount; ++i) {
    if (kFacts[i].name == name) return static_cast<Dtype>(i);
  }
  return std::nullopt;
}

std::string_view dtype_name(Dtype dtype) noexcept { return kFacts[static_cast<int>(dtype)].name; }
int dtype_bytes(Dtype dtype) noexcept { return kFacts[static_cast<int>(dtype)].bytes; }

std::string dtype_and_shape(std::string_view dtype, std::span<const int64_t> shape) {
  std::string text = concat(dtype, "[");
  for (size_t i = 0; i < shape.size(); ++i) {
    if (i > 0) text += ',';
    text += concat(shape[i]);
  }
  return text + "]";
}

}  // namespace fathom
