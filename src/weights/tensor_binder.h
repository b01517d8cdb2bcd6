// SPDX-License-Identifier: MIT
// TensorBinder: one tensor of the checkpoint as one view, with its dtype, shape and values checked
// (architecture.md 9).
//
// Asks for tensors by released name; a Transformers checkpoint is read through the name table. Lives during
// bind_model.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>

#include "base/status.h"
#include "base/view.h"
#include "numeric/weight_view.h"
#include "weights/bind_model.h"
#include "weights/tensor_names.h"
#include "weights/weight_store.h"

namespace fathom {

// How the matrices of a checkpoint are stored, as its config says; the error message names it when they are
// not.
enum class MatrixStorage : uint8_t {
  kPlain,  // BF16, F32 or F16
  kFp8,    // F8_E4M3 with scales, or plain
  kFp4,    // I8 pairs with scales, or plain
};

class TensorBinder {
 public:
  // `budget_bytes`: how much of the large tensors' values to check.
  TensorBinder(WeightStore& store, ValueChecks checks, int64_t budget_bytes) noexcept
      : store_(store), spelling_(detect_spelling(store)), checks_(checks), budget_(budget_bytes) {}

  TensorSpelling spelling() const noexcept { return spelling_; }

  // [count] or [rows, cols] as f32: in place when stored so and aligned, else a resident copy.
  Result<std::span<const float>> vector(std::string_view name, int64_t count);
  Result<MatView<const float>> f32_matrix(std::string_view name, int64_t rows, int64_t cols);
  // A matrix as stored; F16 and misaligned data become resident copies. `stem` is the name without ".weight".
  Result<WeightView> matrix(std::string_view stem, int64_t rows, int64_t cols, MatrixStorage storage);
  // A plain tensor of any rank as [product of the leading dimensions, last dimension], by its name in the
  // file.
  Result<WeightView> stacked(const std::string& stored_name, std::span<const int64_t> shape);
  // [rows, cols] expert ids, distinct within a row and below `experts`, resident.
  Result<MatView<const int32_t>> expert_table(std::string_view name, int64_t rows, int64_t cols,
                                              int64_t experts);
  // Rows [first, first + count) of a bound matrix. FP8 rows that begin inside a scale block and leave it
  // again have no view; they become a resident f32 copy, which is exact.
  Result<WeightView> row_slice(const WeightView& matrix, int64_t first, int64_t count);

 private:
  Result<const StoredTensor*> require(const std::string& name, std::string_view dtype,
                                      std::span<const int64_t> shape);
  Result<WeightView> plain_view(const StoredTensor& tensor, int64_t rows, int64_t cols);
  Result<WeightView> scaled_view(const StoredTensor& tensor, const std::string& stem, MatrixStorage storage);
  Result<MatView<const float>> as_f32(const StoredTensor& tensor, int64_t rows, int64_t cols);
  Status check_small(const StoredTensor& tensor) const;
  Status check_large(const StoredTensor& tensor);

  WeightStore& store_;
  TensorSpelling spelling_;
  ValueChecks checks_;
  int64_t budget_;
};

}  // namespace fathom
