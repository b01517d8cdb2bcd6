// SPDX-License-Identifier: MIT
// Mapping guard: reading a mapped page that is no longer there must not end the process (reliability.md F-7).
//
// A file that is cut short under its mapping, or a disk that fails, raises SIGBUS on the thread that reads.
// The guard's handler puts zero pages over the rest of that mapping and marks it damaged; the reader goes on
// with zeros, and its owner finds the mark before it gives out a result. Process-wide, because a signal's
// handler is; any thread.
#pragma once

#include <cstddef>
#include <span>

namespace fathom {

// Takes over SIGBUS for guarded mappings, once; for other addresses the handler before it is put back.
void install_mapping_guard() noexcept;

// Guards one mapping while it lives; inactive for an empty span and once kGuardedMappings are guarded.
class MappingGuard {
 public:
  MappingGuard() = default;
  explicit MappingGuard(std::span<const std::byte> mapping) noexcept;
  MappingGuard(MappingGuard&& other) noexcept;
  MappingGuard& operator=(MappingGuard&& other) noexcept;
  ~MappingGuard();

  // A read of the mapping failed: part of it is zeros now.
  bool damaged() const noexcept;

 private:
  int slot_ = -1;
};

// More files than the largest checkpoint has shards.
inline constexpr int kGuardedMappings = 4096;

}  // namespace fathom
