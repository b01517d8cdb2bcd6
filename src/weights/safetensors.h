// SPDX-License-Identifier: MIT
// Safetensors files: 8 bytes header length, a JSON header, the tensors' bytes (reliability.md F-1).
//
// Invariant of a SafetensorsFile: the tensors tile the data part exactly, without hole, overlap or trailing
// byte; every shape times element size equals its byte range. Views into bytes owned by the caller;
// immutable, any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <forward_list>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "weights/dtype.h"

namespace fathom {

// Caps of reliability.md 3; a name is a key of a table, not a text.
inline constexpr uint64_t kMaxSafetensorsHeaderBytes = 100'000'000;
inline constexpr uint64_t kMaxSafetensorsTensors = 1'000'000;
inline constexpr size_t kMaxTensorNameBytes = 4096;

// One tensor of a file. Views live as long as the file's bytes and its SafetensorsFile.
struct StoredTensor {
  std::string_view name;
  Dtype dtype = Dtype::kU8;
  std::span<const int64_t> shape;
  std::span<const std::byte> bytes;
};

class SafetensorsFile {
 public:
  // `file`: the whole file. kCorrupt "header byte N: ..." or "tensor NAME: ..."; reads nothing but the
  // header, and holds at most 8 bytes per tensor until it is accepted.
  static Result<SafetensorsFile> parse(std::span<const std::byte> file);

  SafetensorsFile(SafetensorsFile&&) noexcept = default;
  SafetensorsFile& operator=(SafetensorsFile&&) noexcept = default;

  // In the order of the header.
  std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  uint64_t header_bytes() const noexcept { return header_bytes_; }
  // Linear search, for files of few tensors; null when there is none.
  const StoredTensor* find(std::string_view name) const noexcept;

 private:
  SafetensorsFile() = default;
  uint64_t header_bytes_ = 0;
  std::vector<StoredTensor> tensors_;
  std::vector<int64_t> dims_;                     // all shapes, one after the other
  std::forward_list<std::string> escaped_names_;  // names whose JSON spelling differs from their text
};

}  // namespace fathom
