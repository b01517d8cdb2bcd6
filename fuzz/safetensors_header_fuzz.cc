// SPDX-License-Identifier: MIT
// Any bytes as a safetensors file: refused, or the tensors tile the data exactly and the file survives being
// written again.
#include <algorithm>
#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "base/check.h"
#include "weights/safetensors.h"
#include "weights/safetensors_writer.h"

namespace {

// In file order; the header may list them in another.
std::vector<fathom::StoredTensor> by_place(const fathom::SafetensorsFile& file) {
  std::vector<fathom::StoredTensor> tensors(file.tensors().begin(), file.tensors().end());
  std::ranges::stable_sort(tensors, [](const auto& a, const auto& b) {
    return std::pair(a.bytes.data(), a.bytes.size()) < std::pair(b.bytes.data(), b.bytes.size());
  });
  return tensors;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto bytes = std::as_bytes(std::span(data, size));
  const auto file = fathom::SafetensorsFile::parse(bytes);
  if (!file.ok()) {
    FATHOM_CHECK(file.status().code() == fathom::StatusCode::kCorrupt && !file.status().message().empty());
    return 0;
  }
  const std::vector<fathom::StoredTensor> tensors = by_place(*file);
  size_t at = static_cast<size_t>(file->header_bytes());
  for (const fathom::StoredTensor& tensor : tensors) {
    FATHOM_CHECK(tensor.bytes.data() == bytes.data() + at);
    size_t expected = static_cast<size_t>(fathom::dtype_bytes(tensor.dtype));
    for (const int64_t dim : tensor.shape) expected *= static_cast<size_t>(dim);
    FATHOM_CHECK(tensor.bytes.size() == expected);
    at += expected;
  }
  FATHOM_CHECK(at == size);
  const std::string again = fathom::safetensors_bytes(tensors);
  const auto reread = fathom::SafetensorsFile::parse(std::as_bytes(std::span(again)));
  FATHOM_CHECK(reread.ok() && reread->tensors().size() == tensors.size());
  for (size_t i = 0; i < tensors.size(); ++i) {
    const fathom::StoredTensor& tensor = reread->tensors()[i];
    FATHOM_CHECK(tensor.name == tensors[i].name && tensor.dtype == tensors[i].dtype);
    FATHOM_CHECK(std::ranges::equal(tensor.shape, tensors[i].shape));
    FATHOM_CHECK(std::ranges::equal(tensor.bytes, tensors[i].bytes));
  }
  return 0;
}
