// SPDX-License-Identifier: MIT
#include "base/human_units.h"

#include <array>
#include <charconv>
#include <cmath>
#include <cstdio>

#include "base/concat.h"

namespace fathom {
namespace {

// Value and unit, the largest of `units` that keeps the value at 1 or above; units[0] is for values below
// 1000.
template <size_t N>
std::string scaled(int64_t value, const std::array<const char*, N>& units) {
  if (value > -1000 && value < 1000) return concat(value, units[0]);
  double rest = static_cast<double>(value);
  size_t unit = 0;
  // 999.995 would print as 1000.00
  while (unit + 1 < N && (rest >= 999.995 || rest <= -999.995)) {
    rest /= 1000.0;
    ++unit;
  }
  char text[48];
  std::snprintf(text, sizeof text, "%.2f%s", rest, units[unit]);
  return text;
}

}  // namespace

std::string with_commas(int64_t value) {
  const std::string digits = concat(value);
  std::string text;
  for (size_t i = 0; i < digits.size(); ++i) {
    const bool starts_group = i > 0 && (digits.size() - i) % 3 == 0 && digits[i - 1] != '-';
    if (starts_group) text += ',';
    text += digits[i];
  }
  return text;
}

std::string human_bytes(int64_t bytes) {
  return scaled(bytes, std::array{" B", " kB", " MB", " GB", " TB", " PB"});
}

std::string human_parameters(int64_t count) { return scaled(count, std::array{"", " k", " M", " B", " T"}); }

Result<int64_t> parse_bytes(std::string_view text) {
  const Status wrong(
      StatusCode::kInvalidArgument,
      concat("size: expected bytes as 4096, 24G or 512MiB, found \"", text.substr(0, 40), "\""));
  double value = 0.0;
  const auto number =
      std::from_chars(text.data(), text.data() + text.size(), value, std::chars_format::fixed);
  if (number.ec != std::errc() || !(value >= 0.0)) return wrong;
  std::string_view unit = text.substr(static_cast<size_t>(number.ptr - text.data()));
  while (unit.starts_with(' ')) unit.remove_prefix(1);
  if (unit.ends_with('B')) unit.remove_suffix(1);
  double base = 1000.0;
  if (unit.size() == 2 && unit[1] == 'i') {
    base = 1024.0;
    unit.remove_suffix(1);
  }
  constexpr std::string_view kPrefixes = "kMGTP";
  const char prefix = unit == "K" ? 'k' : unit.size() == 1 ? unit[0] : '?';
  const size_t power = unit.empty() ? 0 : kPrefixes.find(prefix) + 1;
  if (!unit.empty() && power == 0) return wrong;  // npos + 1
  const double bytes = std::floor(value * std::pow(base, static_cast<double>(power)));
  if (bytes < 1.0 || bytes >= 0x1p63) return wrong;
  return static_cast<int64_t>(bytes);
}

}  // namespace fathom
