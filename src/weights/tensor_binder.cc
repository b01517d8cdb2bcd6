// SPDX-License-Identifier: MIT
#include "weights/tensor_binder.h"

#include <algorithm>
#include <array>
#include <cstring>
#include <vector>

#include "base/concat.h"
#include "numeric/bf16.h"
#include "numeric/f16.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"
#include "weights/safetensors_header.h"
#include "weights/value_checks.h"

namespace fathom {
namespace {

constexpr int kFp8Block = 128;
constexpr int kFp4Group = 32;

bool is_plain(Dtype dtype) noexcept {
  return dtype == Dtype::kF32 || dtype == Dtype::kBf16 || dtype == Dtype::kF16;
}

bool is_aligned(std::span<const std::byte> bytes, size_t alignment) noexcept {
  return reinterpret_cast<uintptr_t>(bytes.data()) % alignment == 0;
}

template <typename T>
T load(std::span<const std::byte> bytes, size_t index) noexcept {
  T value;
  std::memcpy(&value, bytes.data() + index * sizeof(T), sizeof(T));
  return value;
}

float load_float(const StoredTensor& tensor, size_t index) noexcept {
  if (tensor.dtype == Dtype::kF32) return load<float>(tensor.bytes, index);
  const uint16_t bits = load<uint16_t>(tensor.bytes, index);
  return tensor.dtype == Dtype::kBf16 ? bf16_to_float(bits) : f16_to_float(bits);
}

Status mismatch(const StoredTensor& tensor, std::string_view dtype, std::span<const int64_t> shape) {
  return Status(StatusCode::kCorrupt,
                concat(tensor.name, ": expected ", dtype_and_shape(dtype, shape), ", file has ",
                       dtype_and_shape(dtype_name(tensor.dtype), tensor.shape)));
}

Status bad_value(const StoredTensor& tensor, std::string_view expected, size_t index) {
  return Status(StatusCode::kCorrupt,
                concat(tensor.name, ": element ", index, ": expected ", expected, ", found another value"));
}

int64_t ceil_div(int64_t a, int64_t b) noexcept { return (a + b - 1) / b; }

}  // namespace

// The tensor with exactly this shape; `dtype` is what a message calls the expected type.
Result<const StoredTensor*> TensorBinder::require(const std::string& name, std::string_view dtype,
                                                  std::span<const int64_t> shape) {
  const StoredTensor* tensor = store_.find(name);
  if (tensor == nullptr) {
    return Status(StatusCode::kCorrupt,
                  concat(name, ": expected ", dtype_and_shape(dtype, shape), ", file has no such tensor"));
  }
  if (!std::ranges::equal(tensor->shape, shape)) return mismatch(*tensor, dtype, shape);
  store_.mark_bound(*tensor);
  return tensor;
}

Status TensorBinder::check_small(const StoredTensor& tensor) const {
  if (checks_ == ValueChecks::kOff) return {};
  const auto bad = first_non_finite(tensor.dtype, tensor.bytes);
  if (!bad) return {};
  return bad_value(tensor, "a finite number", *bad);
}

Status TensorBinder::check_large(const StoredTensor& tensor) {
  if (static_cast<int64_t>(tensor.bytes.size()) > budget_) return {};
  budget_ -= static_cast<int64_t>(tensor.bytes.size());
  return check_small(tensor);
}

Result<MatView<const float>> TensorBinder::as_f32(const StoredTensor& tensor, int64_t rows, int64_t cols) {
  if (tensor.dtype == Dtype::kF32 && is_aligned(tensor.bytes, alignof(float))) {
    return MatView<const float>(reinterpret_cast<const float*>(tensor.bytes.data()), rows, cols);
  }
  FATHOM_ASSIGN_OR_RETURN(const MatView<float> copy, store_.allocate<float>(rows, cols));
  const size_t count = static_cast<size_t>(rows * cols);
  for (size_t i = 0; i < count; ++i) copy.data[i] = load_float(tensor, i);
  return MatView<const float>(copy);
}

Result<std::span<const float>> TensorBinder::vector(std::string_view name, int64_t count) {
  const std::array<int64_t, 1> shape = {count};
  const std::string spelled = spelled_name(spelling_, name);
  FATHOM_ASSIGN_OR_RETURN(const StoredTensor* tensor, require(spelled, "F32", shape));
  if (!is_plain(tensor->dtype)) return mismatch(*tensor, "F32", shape);
  FATHOM_RETURN_IF_ERROR(check_small(*tensor));
  FATHOM_ASSIGN_OR_RETURN(const MatView<const float> view, as_f32(*tensor, 1, count));
  return view.row_span(0);
}

Result<MatView<const float>> TensorBinder::f32_matrix(std::string_view name, int64_t rows, int64_t cols) {
  const std::array<int64_t, 2> shape = {rows, cols};
  const std::string spelled = spelled_name(spelling_, name);
  FATHOM_ASSIGN_OR_RETURN(const StoredTensor* tensor, require(spelled, "F32", shape));
  if (!is_plain(tensor->dtype)) return mismatch(*tensor, "F32", shape);
  FATHOM_RETURN_IF_ERROR(check_small(*tensor));
  return as_f32(*tensor, rows, cols);
}

Result<WeightView> TensorBinder::plain_view(const StoredTensor& tensor, int64_t rows, int64_t cols) {
  FATHOM_RETURN_IF_ERROR(check_large(tensor));
  WeightView view;
  view.rows = rows;
  view.cols = cols;
  if (tensor.dtype != Dtype::kBf16) {
    FATHOM_ASSIGN_OR_RETURN(const MatView<const float> values, as_f32(tensor, rows, cols));
    view.format = WeightFormat::kF32;
    view.data = values.data;
    return view;
  }
  view.format = WeightFormat::kBf16;
  view.data = tensor.bytes.data();
  if (!is_aligned(tensor.bytes, alignof(uint16_t))) {
    FATHOM_ASSIGN_OR_RETURN(const MatView<uint16_t> copy, store_.allocate<uint16_t>(rows, cols));
    std::memcpy(copy.data, tensor.bytes.data(), tensor.bytes.size());
    view.data = copy.data;
  }
  return view;
}

// FP8 or FP4 bytes with their scales, used where they lie.
Result<WeightView> TensorBinder::scaled_view(const StoredTensor& tensor, const std::string& stem,
                                             MatrixStorage storage) {
  const bool fp8 = storage == MatrixStorage::kFp8;
  WeightView view;
  view.format = fp8 ? WeightFormat::kFp8E4m3 : WeightFormat::kFp4E2m1;
  view.block = fp8 ? ScaleBlock{kFp8Block, kFp8Block} : ScaleBlock{1, kFp4Group};
  view.rows = tensor.shape[0];
  view.cols = fp8 ? tensor.shape[1] : tensor.shape[1] * 2;
  view.data = tensor.bytes.data();
  const std::array<int64_t, 2> shape = {ceil_div(view.rows, view.block.rows),
                                        ceil_div(view.cols, view.block.cols)};
  FATHOM_ASSIGN_OR_RETURN(const StoredTensor* scales, require(concat(stem, ".scale"), "F8_E8M0", shape));
  if (scales->dtype != Dtype::kF8E8M0 && scales->dtype != Dtype::kU8)
    return mismatch(*scales, "F8_E8M0", shape);
  view.scales = reinterpret_cast<const uint8_t*>(scales->bytes.data());
  const int64_t scale_bytes = static_cast<int64_t>(scales->bytes.size());
  if (checks_ == ValueChecks::kOn && (fp8 || scale_bytes <= budget_)) {
    if (!fp8) budget_ -= scale_bytes;
    const uint8_t largest = fp8 ? kMaxFp8ScaleByte : kMaxFp4ScaleByte;
    if (const auto bad = first_scale_above(largest, scales->bytes)) {
      return Status(StatusCode::kCorrupt,
                    concat(scales->name, ": element ", *bad, ": expected a scale byte of at most ",
                           static_cast<int>(largest), ", found ", std::to_integer<int>(scales->bytes[*bad])));
    }
  }
  if (fp8) FATHOM_RETURN_IF_ERROR(check_large(tensor));
  return view;
}

Result<WeightView> TensorBinder::matrix(std::string_view stem, int64_t rows, int64_t cols,
                                        MatrixStorage storage) {
  const std::string name = spelled_name(spelling_, concat(stem, ".weight"));
  const std::array<int64_t, 2> shape = {rows, cols};
  const StoredTensor* found = store_.find(name);
  const bool plain = found != nullptr && is_plain(found->dtype);
  if (storage == MatrixStorage::kPlain || plain) {
    FATHOM_ASSIGN_OR_RETURN(const StoredTensor* tensor,
                            require(name, plain ? dtype_name(found->dtype) : "BF16", shape));
    if (!plain) return mismatch(*tensor, "BF16", shape);
    return plain_view(*tensor, rows, cols);
  }
  const bool fp8 = storage == MatrixStorage::kFp8;
  const std::array<int64_t, 2> stored_shape = {rows, fp8 ? cols : cols / 2};
  const std::string_view dtype = fp8 ? "F8_E4M3" : "I8";
  FATHOM_ASSIGN_OR_RETURN(const StoredTensor* tensor, require(name, dtype, stored_shape));
  const bool right =
      fp8 ? tensor->dtype == Dtype::kF8E4M3 : tensor->dtype == Dtype::kI8 || tensor->dtype == Dtype::kU8;
  if (!right) return mismatch(*tensor, dtype, stored_shape);
  return scaled_view(*tensor, name.substr(0, name.size() - std::string_view(".weight").size()), storage);
}

Result<WeightView> TensorBinder::stacked(const std::string& stored_name, std::span<const int64_t> shape) {
  FATHOM_ASSIGN_OR_RETURN(const StoredTensor* tensor, require(stored_name, "BF16", shape));
  if (!is_plain(tensor->dtype)) return mismatch(*tensor, "BF16", shape);
  int64_t rows = 1;
  for (const int64_t dim : shape.first(shape.size() - 1)) rows *= dim;
  return plain_view(*tensor, rows, shape.back());
}

Result<MatView<const int32_t>> TensorBinder::expert_table(std::string_view name, int64_t rows, int64_t cols,
                                                          int64_t experts) {
  const std::array<int64_t, 2> shape = {rows, cols};
  FATHOM_ASSIGN_OR_RETURN(const StoredTensor* tensor, require(spelled_name(spelling_, name), "I64", shape));
  if (tensor->dtype != Dtype::kI64 && tensor->dtype != Dtype::kI32) return mismatch(*tensor, "I64", shape);
  FATHOM_ASSIGN_OR_RETURN(const MatView<int32_t> table, store_.allocate<int32_t>(rows, cols));
  std::vector<int64_t> last_row(static_cast<size_t>(experts), -1);  // where each expert was seen last
  for (int64_t row = 0; row < rows; ++row) {
    for (int64_t col = 0; col < cols; ++col) {
      const size_t index = static_cast<size_t>(row * cols + col);
      const int64_t id = tensor->dtype == Dtype::kI64 ? load<int64_t>(tensor->bytes, index)
                                                      : load<int32_t>(tensor->bytes, index);
      if (id < 0 || id >= experts) {
        return Status(StatusCode::kCorrupt, concat(tensor->name, ": row ", row,
                                                   ": expected expert ids below ", experts, ", found ", id));
      }
      if (std::exchange(last_row[static_cast<size_t>(id)], row) == row) {
        return Status(StatusCode::kCorrupt, concat(tensor->name, ": row ", row,
                                                   ": expected distinct experts, found ", id, " twice"));
      }
      table.at(row, col) = static_cast<int32_t>(id);
    }
  }
  return MatView<const int32_t>(table);
}

Result<WeightView> TensorBinder::row_slice(const WeightView& matrix, int64_t first, int64_t count) {
  WeightView view = matrix;
  view.rows = count;
  const auto* bytes = static_cast<const std::byte*>(matrix.data);
  if (matrix.format == WeightFormat::kF32 || matrix.format == WeightFormat::kBf16) {
    const int64_t element = matrix.format == WeightFormat::kF32 ? 4 : 2;
    view.data = bytes + first * matrix.cols * element;
    return view;
  }
  FATHOM_CHECK(matrix.format == WeightFormat::kFp8E4m3);  // FP4 matrices are never cut
  const int64_t scale_cols = ceil_div(matrix.cols, matrix.block.cols);
  const int64_t block = first / matrix.block.rows;
  if (first % matrix.block.rows == 0 || (first + count - 1) / matrix.block.rows == block) {
    view.data = bytes + first * matrix.cols;
    view.scales = matrix.scales + block * scale_cols;
    return view;
  }
  FATHOM_ASSIGN_OR_RETURN(const MatView<float> copy, store_.allocate<float>(count, matrix.cols));
  const auto* codes = static_cast<const uint8_t*>(matrix.data);
  for (int64_t row = 0; row < count; ++row) {
    const int64_t source = first + row;
    const uint8_t* scales = matrix.scales + source / matrix.block.rows * scale_cols;
    for (int64_t col = 0; col < matrix.cols; ++col) {
      copy.at(row, col) = fp8_e4m3_to_float(codes[source * matrix.cols + col]) *
                          ue8m0_to_float(scales[col / matrix.block.cols]);
    }
  }
  view.format = WeightFormat::kF32;
  view.block = {};
  view.data = copy.data;
  view.scales = nullptr;
  return view;
}

}  // namespace fathom
