// SPDX-License-Identifier: MIT
// Models made in memory for measuring: the true shapes, formats and scales of a released checkpoint with
// random values (performance.md 4.6). They go through the same parsing, checks and binding as a file.
//
// The same preset and seed give the same bytes on any number of threads. Immutable once made; any thread
// reads.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/thread_pool.h"
#include "engine/loaded_model.h"

namespace fathom {

class SyntheticModel {
 public:
  // The presets' names:
  //   flash-slice  4 layers of V4-Flash (window with hash routing, CSA, HCA, CSA), 64 experts, 6.2 GB
  //   pro-slice    2 layers of V4-Pro (HCA with hash routing, CSA), 16 experts, 6.2 GB
  //   mini         hidden 1024, 8 layers, 32 experts, full vocabulary, 1.1 GB
  //   tiny         hidden 256, 5 layers, 8 experts, vocabulary 512, 8 MB, for tests
  static std::vector<std::string_view> presets();

  // kInvalidArgument for an unknown preset, kResourceExhausted without memory.
  static Result<std::unique_ptr<SyntheticModel>> make(std::string_view preset, uint64_t seed,
                                                      ThreadPool& pool);

  const LoadedModel& loaded() const noexcept { return *loaded_; }
  // The checkpoint as a safetensors file.
  std::span<const std::byte> file() const noexcept { return file_; }

 private:
  SyntheticModel() = default;

  MatBuf<std::byte> memory_;
  std::span<const std::byte> file_;  // in memory_
  std::unique_ptr<LoadedModel> loaded_;
};

// config.json of a preset; kInvalidArgument for an unknown one.
Result<std::string> synthetic_config_text(std::string_view preset);

}  // namespace fathom
