// SPDX-License-Identifier: MIT
// The tensors of a random checkpoint in the released layout (architecture.md 9, 10): names, types, shapes,
// and how each is filled. Pure functions; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "config/model_config.h"
#include "weights/dtype.h"

namespace fathom {

enum class SyntheticValues : uint8_t {
  kNormal,       // bf16 or f32: mean + sigma * a normal draw
  kFp8Codes,     // a normal draw of sigma 64, which stays below 448
  kFp8Scales,    // about sigma / 64, moved by up to one power of two
  kFp4Pairs,     // two normal draws of sigma 2
  kFp4Scales,    // about sigma / 2, moved likewise
  kExpertTable,  // distinct experts for every token
};

struct SyntheticTensor {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;
  SyntheticValues values = SyntheticValues::kNormal;
  double sigma = 1.0;
  double mean = 0.0;

  int64_t elements() const noexcept;
  int64_t bytes() const noexcept { return elements() * dtype_bytes(dtype); }
};

// Wide element types first, so that every tensor is aligned to its elements in a file without holes. Requires
// FP8 matrices, FP4 experts and no MTP layer, as the presets have them.
std::vector<SyntheticTensor> synthetic_tensors(const ModelConfig& config);

// Draws of the standard normal by 16 random bits, and what codes they give.
class SyntheticFiller {
 public:
  explicit SyntheticFiller(const ModelConfig& config);

  // Writes part `part` of `parts` of a tensor; its bytes follow from (seed, name) alone.
  void fill(const SyntheticTensor& tensor, uint64_t seed, std::span<std::byte> bytes, int part,
            int parts) const noexcept;

 private:
  void fill_expert_table(uint64_t key, std::span<std::byte> bytes, int64_t begin, int64_t end) const noexcept;

  int64_t experts_;
  int64_t experts_per_token_;
  std::vector<float> normal_;       // [65536]
  std::vector<uint8_t> fp8_codes_;  // [65536]
  std::vector<uint8_t> fp4_pairs_;  // [65536]
};

}  // namespace fathom
