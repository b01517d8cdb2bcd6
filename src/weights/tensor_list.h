// SPDX-License-Identifier: MIT
// TensorList: tensors with names and shapes of their own, in order, until they are written as one safetensors
// file; StoredTensor only views both. Borrows the data. Owner: one thread.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "base/buffer.h"
#include "weights/safetensors_writer.h"

namespace fathom {

class TensorList {
 public:
  void add(std::string name, Dtype dtype, std::vector<int64_t> shape, std::span<const std::byte> bytes) {
    items_.push_back({std::move(name), dtype, std::move(shape), bytes});
  }
  template <typename T>
  void add(std::string name, Dtype dtype, std::vector<int64_t> shape, const MatBuf<T>& data) {
    add(std::move(name), dtype, std::move(shape),
        std::as_bytes(std::span(data.data(), data.size_bytes() / sizeof(T))));
  }

  std::string bytes() const {
    std::vector<StoredTensor> views;
    for (const Item& item : items_) views.push_back({item.name, item.dtype, item.shape, item.bytes});
    return safetensors_bytes(views);
  }

 private:
  struct Item {
    std::string name;
    Dtype dtype;
    std::vector<int64_t> shape;
    std::span<const std::byte> bytes;
  };
  std::vector<Item> items_;
};

}  // namespace fathom
