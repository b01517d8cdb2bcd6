// SPDX-License-Identifier: MIT
#include "train/event_file.h"

#include <array>
#include <bit>

namespace fathom {
namespace {

constexpr std::array<uint32_t, 256> make_crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t byte = 0; byte < 256; ++byte) {
    uint32_t crc = byte;
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ ((crc & 1u) != 0 ? 0x82F63B78u : 0u);
    table[byte] = crc;
  }
  return table;
}
constexpr auto kCrcTable = make_crc_table();

template <typename T>
void append_little_endian(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out.push_back(static_cast<char>(static_cast<uint8_t>(value >> (8 * i))));
}

// Protocol buffers: keys are field << 3 | wire type; 0 varint, 1 eight bytes, 2 bytes with a length, 5 four.
void append_varint(std::string& out, uint64_t value) {
  for (; value >= 0x80; value >>= 7) out.push_back(static_cast<char>(static_cast<uint8_t>(value | 0x80)));
  out.push_back(static_cast<char>(static_cast<uint8_t>(value)));
}
void append_bytes(std::string& out, uint32_t field, std::string_view bytes) {
  append_varint(out, field << 3 | 2);
  append_varint(out, bytes.size());
  out += bytes;
}
void append_double(std::string& out, uint32_t field, double value) {
  append_varint(out, field << 3 | 1);
  append_little_endian(out, std::bit_cast<uint64_t>(value));
}
void append_float(std::string& out, uint32_t field, float value) {
  append_varint(out, field << 3 | 5);
  append_little_endian(out, std::bit_cast<uint32_t>(value));
}

uint32_t masked_crc(std::string_view bytes) noexcept {
  const uint32_t crc = crc32c(bytes);
  return ((crc >> 15) | (crc << 17)) + 0xA282EAD8u;
}

std::string record(std::string_view data) {
  std::string length;
  append_little_endian(length, static_cast<uint64_t>(data.size()));
  std::string out = length;
  append_little_endian(out, masked_crc(length));
  out += data;
  append_little_endian(out, masked_crc(data));
  return out;
}

// Event { double wall_time = 1; int64 step = 2; string file_version = 3; Summary summary = 5; }
// Summary { repeated Value value = 1; }  Value { string tag = 1; float simple_value = 2; }
std::string summary(std::span<const Scalar> scalars) {
  std::string out;
  for (const auto& [name, value] : scalars) {
    std::string entry;
    append_bytes(entry, 1, name);
    append_float(entry, 2, static_cast<float>(value));
    append_bytes(out, 1, entry);
  }
  return out;
}

}  // namespace

uint32_t crc32c(std::string_view bytes) noexcept {
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : bytes) crc = (crc >> 8) ^ kCrcTable[(crc ^ static_cast<uint8_t>(c)) & 255u];
  return ~crc;
}

std::string event_file_header(double wall_seconds) {
  std::string event;
  append_double(event, 1, wall_seconds);
  append_bytes(event, 3, "brain.Event:2");
  return record(event);
}

std::string event_record(double wall_seconds, int64_t step, std::span<const Scalar> scalars) {
  std::string event;
  append_double(event, 1, wall_seconds);
  append_varint(event, 2 << 3);
  append_varint(event, static_cast<uint64_t>(step));
  append_bytes(event, 5, summary(scalars));
  return record(event);
}

}  // namespace fathom
