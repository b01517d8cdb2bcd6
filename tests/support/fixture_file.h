// SPDX-License-Identifier: MIT
// FixtureFile: one .safetensors file of tests/fixtures, read whole and trusted.
//
// For tests only: a malformed file or a tensor asked for by a wrong name or type ends the process with a
// message. The product's reader is weights/; this one is independent of it. Immutable after construction; any
// thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace fathom {

struct FixtureTensor {
  std::string dtype;  // as in the file: "F32", "U8", ...
  std::vector<int64_t> shape;
  std::span<const std::byte> bytes;  // inside the FixtureFile

  int64_t elements() const noexcept;
};

// tests/fixtures/<relative>, wherever the test runs.
std::string fixture_path(std::string_view relative);

class FixtureFile {
 public:
  // `relative` to tests/fixtures, as "units/codecs.safetensors".
  explicit FixtureFile(std::string_view relative);
  FixtureFile(const FixtureFile&) = delete;
  FixtureFile& operator=(const FixtureFile&) = delete;

  bool has(std::string_view name) const;
  const FixtureTensor& tensor(std::string_view name) const;
  const std::map<std::string, FixtureTensor, std::less<>>& tensors() const noexcept { return tensors_; }
  // Dimension `axis` of a tensor.
  int64_t dim(std::string_view name, int axis) const;

  // The elements of a tensor of exactly that dtype (u8 also reads F8_E4M3, F8_E8M0 and I8 as raw bytes, u16
  // also BF16 and F16).
  std::span<const float> f32(std::string_view name) const;
  std::span<const double> f64(std::string_view name) const;
  std::span<const uint8_t> u8(std::string_view name) const;
  std::span<const uint16_t> u16(std::string_view name) const;
  std::span<const uint32_t> u32(std::string_view name) const;
  std::span<const int32_t> i32(std::string_view name) const;
  std::span<const int64_t> i64(std::string_view name) const;

 private:
  std::vector<uint64_t>
      storage_;  // the data part, 8-byte aligned; tensors are re-aligned when the file is not
  std::map<std::string, FixtureTensor, std::less<>> tensors_;
  std::string name_;
};

}  // namespace fathom
