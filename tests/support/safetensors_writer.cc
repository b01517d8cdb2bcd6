// SPDX-License-Identifier: MIT
#include "support/safetensors_writer.h"

#include <cstring>

#include "base/concat.h"

namespace fathom {

void SafetensorsWriter::add(std::string_view name, std::string_view dtype, std::span<const int64_t> shape,
                            std::span<const std::byte> bytes) {
  std::string dims;
  for (const int64_t d : shape) dims += concat(dims.empty() ? "" : ",", d);
  const size_t begin = data_.size();
  data_.insert(data_.end(), bytes.begin(), bytes.end());
  header_ += concat(header_.empty() ? "" : ",", "\"", name, "\":{\"dtype\":\"", dtype, "\",\"shape\":[", dims,
                    "],\"data_offsets\":[", begin, ",", data_.size(), "]}");
}

std::vector<std::byte> SafetensorsWriter::file() const {
  std::string header = concat("{", header_, "}");
  header.resize((header.size() + 7) / 8 * 8, ' ');
  const uint64_t header_bytes = header.size();
  std::vector<std::byte> out(sizeof header_bytes + header.size() + data_.size());
  std::memcpy(out.data(), &header_bytes, sizeof header_bytes);
  std::memcpy(out.data() + sizeof header_bytes, header.data(), header.size());
  std::memcpy(out.data() + sizeof header_bytes + header.size(), data_.data(), data_.size());
  return out;
}

}  // namespace fathom
