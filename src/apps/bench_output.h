// SPDX-License-Identifier: MIT
// Figures of `fathom bench` as a table, as JSON, as lines of a history and as a plot (performance.md 5). Pure
// functions; any thread.
#pragma once

#include <span>
#include <string>
#include <string_view>

#include "engine/bench.h"

namespace fathom {

// What every figure of a run has in common.
struct BenchRunFacts {
  std::string tier;
  int threads = 1;
  std::string commit;
  std::string model;         // name or preset; may be empty
  double load_before = 0.0;  // of the system, one minute
  double load_after = 0.0;
  std::string time;  // UTC, ISO 8601
};

std::string bench_table(const BenchReport& report, const BenchRunFacts& facts);
// One object a line, the limits first.
std::string bench_json(const BenchReport& report, const BenchRunFacts& facts);
// With the line of column names when `with_head`.
enum class CsvHead : uint8_t { kNo, kYes };
std::string bench_csv(const BenchReport& report, const BenchRunFacts& facts, CsvHead head);
// FLOP/s over FLOP per byte, both logarithmic, below the limits of the machine.
std::string roofline_svg(const BenchReport& report, const BenchRunFacts& facts);

// Three digits: "0.071", "8.20", "22.1", "262".
std::string three_digits(double value);

}  // namespace fathom
