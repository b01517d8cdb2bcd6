// SPDX-License-Identifier: MIT
#include "weights/safetensors_writer.h"

#include "base/concat.h"
#include "io/json.h"

namespace fathom {

std::string safetensors_prefix(std::span<const StoredTensor> tensors) {
  std::string header = "{";
  uint64_t at = 0;
  for (const StoredTensor& tensor : tensors) {
    if (header.size() > 1) header += ',';
    append_json_string(header, tensor.name);
    header +=
        concat(":{\"dtype\":\"", dtype_name(tensor.dtype), "\",\"shape\":", dtype_and_shape("", tensor.shape),
               ",\"data_offsets\":[", at, ",", at + tensor.bytes.size(), "]}");
    at += tensor.bytes.size();
  }
  header += '}';
  header.resize((8 + header.size() + 63) / 64 * 64 - 8, ' ');
  std::string prefix(8, '\0');
  for (size_t i = 0; i < 8; ++i)
    prefix[i] = static_cast<char>(static_cast<uint64_t>(header.size()) >> (8 * i));
  return prefix + header;
}

std::string safetensors_bytes(std::span<const StoredTensor> tensors) {
  std::string file = safetensors_prefix(tensors);
  for (const StoredTensor& tensor : tensors) {
    file.append(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size());
  }
  return file;
}

}  // namespace fathom
