// SPDX-License-Identifier: MIT
// Event files that TensorBoard reads: TFRecord frames (length and data, each with a masked CRC-32C) around
// Event messages with scalar summaries. Pure functions.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <utility>

namespace fathom {

// A name and its value; names with a slash are shown in groups.
using Scalar = std::pair<std::string, double>;

// The first record of a file.
std::string event_file_header(double wall_seconds);
// One record: the scalars of a step.
std::string event_record(double wall_seconds, int64_t step, std::span<const Scalar> scalars);

// CRC-32C (Castagnoli).
uint32_t crc32c(std::string_view bytes) noexcept;

}  // namespace fathom
