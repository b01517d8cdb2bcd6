// SPDX-License-Identifier: MIT
#include "support/fixture_file.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <fstream>
#include <initializer_list>
#include <iterator>

#include "base/concat.h"
#include "io/json.h"

namespace fathom {
namespace {

[[noreturn]] void fail(std::string_view file, std::string_view what) {
  std::fprintf(stderr, "fixture %.*s: %.*s\n", static_cast<int>(file.size()), file.data(),
               static_cast<int>(what.size()), what.data());
  std::abort();
}

std::string read_whole(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  if (!in) fail(path, "cannot be opened");
  return {std::istreambuf_iterator<char>(in), {}};
}

const JsonValue& member(std::string_view file, const JsonValue& object, std::string_view key) {
  const JsonValue* value = object.find(key);
  if (value == nullptr) fail(file, concat("no ", key, " in a tensor's entry"));
  return *value;
}

size_t size_at(const JsonValue& array, size_t i) {
  return static_cast<size_t>(*array.items().at(i).as_int64());
}

template <typename T>
std::span<const T> elements_as(std::string_view file, std::string_view name, const FixtureTensor& tensor,
                               std::initializer_list<std::string_view> dtypes) {
  if (std::find(dtypes.begin(), dtypes.end(), tensor.dtype) == dtypes.end()) {
    fail(file, concat(name, " is ", tensor.dtype));
  }
  // The file's own offsets are kept; each tensor was moved to an 8-byte boundary when it was read.
  return {reinterpret_cast<const T*>(static_cast<const void*>(tensor.bytes.data())),
          tensor.bytes.size() / sizeof(T)};
}

}  // namespace

int64_t FixtureTensor::elements() const noexcept {
  int64_t count = 1;
  for (const int64_t d : shape) count *= d;
  return count;
}

std::string fixture_path(std::string_view relative) {
  return concat(FATHOM_SOURCE_DIR, "/tests/fixtures/", relative);
}

FixtureFile::FixtureFile(std::string_view relative) : name_(relative) {
  const std::string file = read_whole(fixture_path(relative));
  uint64_t header_bytes = 0;
  if (file.size() < sizeof header_bytes) fail(name_, "too short");
  std::memcpy(&header_bytes, file.data(), sizeof header_bytes);
  if (header_bytes > file.size() - sizeof header_bytes) fail(name_, "header longer than the file");
  const Result<JsonValue> header =
      read_json(std::string_view(file).substr(sizeof header_bytes, header_bytes));
  if (!header.ok()) fail(name_, header.status().message());
  const std::string_view payload = std::string_view(file).substr(sizeof header_bytes + header_bytes);

  // One 8-byte slack per tensor is enough to align each.
  storage_.resize(payload.size() / 8 + 1 + header->members().size());
  size_t word = 0;
  for (const auto& [name, entry] : header->members()) {
    if (name == "__metadata__") continue;
    const JsonValue& offsets = member(name_, entry, "data_offsets");
    const size_t begin = size_at(offsets, 0);
    const size_t size = size_at(offsets, 1) - begin;
    FixtureTensor tensor;
    tensor.dtype = member(name_, entry, "dtype").as_string();
    for (const JsonValue& d : member(name_, entry, "shape").items()) tensor.shape.push_back(*d.as_int64());
    std::memcpy(&storage_.at(word), payload.substr(begin, size).data(), size);
    tensor.bytes = std::as_bytes(std::span(storage_).subspan(word)).first(size);
    word += (size + 7) / 8;
    tensors_.emplace(name, std::move(tensor));
  }
}

bool FixtureFile::has(std::string_view name) const { return tensors_.find(name) != tensors_.end(); }

const FixtureTensor& FixtureFile::tensor(std::string_view name) const {
  const auto found = tensors_.find(name);
  if (found == tensors_.end()) fail(name_, concat("no tensor ", name));
  return found->second;
}

int64_t FixtureFile::dim(std::string_view name, int axis) const {
  return tensor(name).shape.at(static_cast<size_t>(axis));
}

std::span<const float> FixtureFile::f32(std::string_view name) const {
  return elements_as<float>(name_, name, tensor(name), {"F32"});
}
std::span<const double> FixtureFile::f64(std::string_view name) const {
  return elements_as<double>(name_, name, tensor(name), {"F64"});
}
std::span<const uint8_t> FixtureFile::u8(std::string_view name) const {
  return elements_as<uint8_t>(name_, name, tensor(name), {"U8", "I8", "F8_E4M3", "F8_E8M0"});
}
std::span<const uint16_t> FixtureFile::u16(std::string_view name) const {
  return elements_as<uint16_t>(name_, name, tensor(name), {"U16", "BF16", "F16"});
}
std::span<const uint32_t> FixtureFile::u32(std::string_view name) const {
  return elements_as<uint32_t>(name_, name, tensor(name), {"U32"});
}
std::span<const int32_t> FixtureFile::i32(std::string_view name) const {
  return elements_as<int32_t>(name_, name, tensor(name), {"I32"});
}
std::span<const int64_t> FixtureFile::i64(std::string_view name) const {
  return elements_as<int64_t>(name_, name, tensor(name), {"I64"});
}

}  // namespace fathom
