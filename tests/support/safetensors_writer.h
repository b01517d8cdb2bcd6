// SPDX-License-Identifier: MIT
// Builds one safetensors file in memory from tensors added in order, without padding between them. For tests.
// One thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

class SafetensorsWriter {
 public:
  // `dtype` as in a header: "BF16". Requires bytes of the shape's size and a name that needs no escape.
  void add(std::string_view name, std::string_view dtype, std::span<const int64_t> shape,
           std::span<const std::byte> bytes);
  // The whole file; its data part starts at a multiple of 8.
  std::vector<std::byte> file() const;

 private:
  std::string header_;
  std::vector<std::byte> data_;
};

}  // namespace fathom
