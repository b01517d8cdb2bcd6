// SPDX-License-Identifier: MIT
#include "base/human_units.h"

#include <array>
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

}  // namespace fathom
