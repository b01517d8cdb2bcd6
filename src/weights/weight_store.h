// SPDX-License-Identifier: MIT
// WeightStore: a checkpoint's tensors by name, mapped read-only, and the resident copies made of some
// (design.md 6).
//
// Invariant: tensors come from files that keep the rules of reliability.md F-1 and F-2; names are unique.
// Owned by the engine for its whole run; views stay valid when the store is moved. Changed while binding
// only, then read by all threads.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <tuple>
#include <utility>
#include <vector>

#include "base/buffer.h"
#include "base/status.h"
#include "io/io_env.h"
#include "io/mapped_file.h"
#include "weights/name_table.h"
#include "weights/safetensors.h"

namespace fathom {

// A config.json is a few kilobytes; a name list of 1,024 layers fits many times.
inline constexpr int64_t kMaxConfigBytes = 1 << 20;

// The text of config.json in a model directory, for commands that need no weights.
Result<std::string> read_config_text(IoEnv& env, const std::string& directory);

class WeightStore {
 public:
  // A model directory: model.safetensors, or the shards that model.safetensors.index.json lists. Reads
  // headers only. kNotFound when there are no weights, kCorrupt or kInvalidArgument naming file and tensor.
  static Result<WeightStore> open(IoEnv& env, const std::string& directory);
  // The bytes of one safetensors file, which must outlive the store (the built-in model).
  static Result<WeightStore> from_memory(std::span<const std::byte> safetensors);

  WeightStore(WeightStore&&) noexcept = default;
  WeightStore& operator=(WeightStore&&) noexcept = default;

  std::span<const StoredTensor> tensors() const noexcept { return tensors_; }
  // Null when the checkpoint has no such tensor.
  const StoredTensor* find(std::string_view name) const noexcept;
  size_t file_count() const noexcept { return files_.size(); }
  // Bytes of all tensors, and of all files with their headers.
  int64_t tensor_bytes() const noexcept { return tensor_bytes_; }
  int64_t file_bytes() const noexcept { return file_bytes_; }

  // [rows, cols] zeros that live as long as the store.
  template <typename T>
  Result<MatView<T>> allocate(int64_t rows, int64_t cols) {
    FATHOM_ASSIGN_OR_RETURN(MatBuf<T> buffer, MatBuf<T>::allocate(rows, cols));
    const MatView<T> view = buffer.view();
    resident_bytes_ += static_cast<int64_t>(buffer.size_bytes());
    std::get<std::vector<MatBuf<T>>>(resident_).push_back(std::move(buffer));
    return view;
  }
  int64_t resident_bytes() const noexcept { return resident_bytes_; }

  // Binding notes which of its tensors the model uses; the others are ignored, but counted.
  void mark_bound(const StoredTensor& tensor) noexcept {
    bound_[static_cast<size_t>(&tensor - tensors_.data())] = true;
  }
  int64_t unbound_tensors() const noexcept;

  // kIo naming the first file whose mapped bytes could not be read and were taken as zeros (reliability.md
  // F-7): what was computed meanwhile is void. Cheap enough for every step.
  Status check_intact() const;

 private:
  WeightStore() = default;
  Status add_file(std::span<const std::byte> bytes, std::string_view name);

  struct Shard {
    std::string name;
    MappedFile file;
  };

  std::vector<Shard> mappings_;
  std::vector<SafetensorsFile> files_;
  std::vector<StoredTensor> tensors_;
  std::vector<bool> bound_;  // for each of tensors_
  NameTable places_;         // of names in tensors_
  std::tuple<std::vector<MatBuf<float>>, std::vector<MatBuf<uint16_t>>, std::vector<MatBuf<int32_t>>>
      resident_;
  int64_t tensor_bytes_ = 0;
  int64_t file_bytes_ = 0;
  int64_t resident_bytes_ = 0;
};

}  // namespace fathom
