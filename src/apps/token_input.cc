// SPDX-License-Identifier: MIT
#include "apps/token_input.h"

#include <cstring>

#include "apps/standard_streams.h"
#include "base/concat.h"
#include "weights/safetensors.h"

namespace fathom {
namespace {

Status wrong_tensor(const std::string& path, const StoredTensor& tensor, std::string_view expected) {
  return Status(StatusCode::kInvalidArgument,
                concat(path, ": ", tensor.name, ": expected ", expected, ", found ",
                       dtype_and_shape(dtype_name(tensor.dtype), tensor.shape)));
}

Status check_ids(const std::string& path, MatView<const int32_t> tokens, int vocab_size) {
  if (vocab_size == 0) return {};
  for (int64_t r = 0; r < tokens.rows; ++r) {
    for (const int32_t id : tokens.row_span(r)) {
      if (id < 0 || id >= vocab_size) {
        return Status(StatusCode::kInvalidArgument,
                      concat(path, ": tokens: expected ids from 0 to ", vocab_size - 1, ", found ", id));
      }
    }
  }
  return {};
}

Result<std::vector<int32_t>> read_lengths(const std::string& path, const StoredTensor& tensor,
                                          int64_t tokens) {
  if (tensor.dtype != Dtype::kI32 || tensor.shape.size() != 1) return wrong_tensor(path, tensor, "I32[n]");
  std::vector<int32_t> lengths(static_cast<size_t>(tensor.shape[0]));
  std::memcpy(lengths.data(), tensor.bytes.data(), tensor.bytes.size());
  int64_t total = 0;
  for (const int32_t length : lengths) {
    if (length < 1) {
      return Status(StatusCode::kInvalidArgument,
                    concat(path, ": doc_lengths: expected positive lengths, found ", length));
    }
    total += length;
  }
  if (total != tokens) {
    return Status(StatusCode::kInvalidArgument,
                  concat(path, ": doc_lengths: expected ", tokens, " tokens in all, found ", total));
  }
  return lengths;
}

}  // namespace

Result<TokenInput> read_token_input(const std::string& path, int vocab_size) {
  FATHOM_ASSIGN_OR_RETURN(const std::string bytes, read_input(path));
  const auto parsed = SafetensorsFile::parse(std::as_bytes(std::span(bytes)));
  if (!parsed.ok()) return parsed.status().in(path);
  const StoredTensor* tokens = parsed->find("tokens");
  if (tokens == nullptr)
    return Status(StatusCode::kNotFound, concat(path, ": expected a tensor tokens, found none"));
  if (tokens->dtype != Dtype::kI32 || tokens->shape.size() != 2)
    return wrong_tensor(path, *tokens, "I32[B,T]");
  TokenInput file;
  FATHOM_ASSIGN_OR_RETURN(file.tokens, MatBuf<int32_t>::allocate(tokens->shape[0], tokens->shape[1]));
  std::memcpy(file.tokens.data(), tokens->bytes.data(), tokens->bytes.size());
  FATHOM_RETURN_IF_ERROR(check_ids(path, file.tokens.view(), vocab_size));
  const StoredTensor* lengths = parsed->find("doc_lengths");
  if (lengths != nullptr && file.tokens.rows() > 0) {
    FATHOM_ASSIGN_OR_RETURN(file.doc_lengths, read_lengths(path, *lengths, file.tokens.cols()));
  }
  return file;
}

}  // namespace fathom
