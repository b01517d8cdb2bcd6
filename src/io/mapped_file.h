// SPDX-License-Identifier: MIT
// MappedFile: a whole file as read-only memory (design.md 6).
//
// Invariant: bytes() is the file's size when it was mapped and stays valid, at the same address, until
// destruction; moving does not move the bytes. Read by all threads. An empty file is an empty span without a
// mapping.
#pragma once

#include <cstddef>
#include <span>

#include "base/status.h"
#include "io/directory.h"
#include "io/mapping_guard.h"

namespace fathom {

class MappedFile {
 public:
  // `name` is for messages. The mapping outlives `file`.
  static Result<MappedFile> map(const File& file, std::string_view name);

  MappedFile(MappedFile&& other) noexcept;
  MappedFile& operator=(MappedFile&& other) noexcept;
  ~MappedFile();

  std::span<const std::byte> bytes() const noexcept { return bytes_; }
  // A read of bytes() failed and gave zeros: what was computed from it is void (needs install_mapping_guard).
  bool damaged() const noexcept { return guard_.damaged(); }

 private:
  MappedFile(IoEnv& env, std::span<const std::byte> bytes) noexcept
      : env_(&env), bytes_(bytes), guard_(bytes) {}
  IoEnv* env_;
  std::span<const std::byte> bytes_;
  MappingGuard guard_;
};

}  // namespace fathom
