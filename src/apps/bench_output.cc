// SPDX-License-Identifier: MIT
#include "apps/bench_output.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "base/concat.h"
#include "engine/bench_limits.h"
#include "io/json.h"

namespace fathom {
namespace {

constexpr const char* kCsvColumns =
    "time,model,name,value,unit,limit,ratio,low,high,n,load,tier,threads,commit\n";

std::string tier_title(std::string_view tier) {
  constexpr std::array<std::pair<std::string_view, std::string_view>, 4> kTitles = {
      {{"avx2", "AVX2"}, {"avx512", "AVX-512"}, {"avx512-bf16", "AVX-512 BF16"}, {"amx", "AMX"}}};
  for (const auto& [name, title] : kTitles) {
    if (tier == name) return std::string(title);
  }
  return std::string(tier);
}

std::string machine_line(const BenchReport& report, const BenchRunFacts& facts) {
  const MachineLimits& limits = report.record.limits;
  std::string line = concat("machine  ", tier_title(facts.tier), ", ", facts.threads,
                            facts.threads == 1 ? " thread" : " threads", ", read ",
                            three_digits(limits.read_bytes_per_second / 1e9), " GB/s");
  // The widest exact unit with its unit of measure, the others by name.
  std::string measure = " GFLOP/s";
  const double peak = limits.exact_peak(facts.tier);
  for (const bool first : {true, false}) {
    for (const UnitRate& rate : limits.units) {
      if ((rate.operations_per_second == peak) != first) continue;
      line += concat(", ", rate.unit, " ", three_digits(rate.operations_per_second / 1e9), measure);
      measure.clear();
    }
  }
  return line + concat(", barrier ", three_digits(limits.barrier_seconds * 1e6), " us\n");
}

std::string run_line(const BenchReport& report, const BenchRunFacts& facts) {
  const double moved = report.record.before.moved_to(report.record.after);
  std::string line =
      concat("run      ", facts.model.empty() ? "no model" : facts.model, ", commit ", facts.commit,
             ", load average ", three_digits(facts.load_before), " before and ",
             three_digits(facts.load_after), " after, limits moved by ", three_digits(100.0 * moved), " %");
  if (moved > kMaxLimitMove) line += ": this run does not count";
  return line + "\n";
}

std::string with_unit(double value, const std::string& unit) {
  return value == 0.0 ? "" : concat(three_digits(value), " ", unit);
}

std::string figure_line(const BenchFigure& figure) {
  std::string range;
  if (figure.repetitions > 1) {
    range.resize(48);
    range.resize(static_cast<size_t>(
        std::snprintf(range.data(), range.size(), "%.2f..%.2f", figure.low, figure.high)));
  }
  char line[320];
  std::snprintf(line, sizeof line, "%-22s %12s  %12s  %5.2f   %-12s %2d   %s", figure.name.c_str(),
                with_unit(figure.value, figure.unit).c_str(), with_unit(figure.limit, figure.unit).c_str(),
                figure.ratio, range.c_str(), figure.repetitions, figure.note.c_str());
  std::string out = line;
  while (out.ends_with(' ')) out.pop_back();
  return out + "\n";
}

// "  experts     7.10 ms  0.321 GB  45.2 GB/s  0.92": milliseconds of a step, and of the bandwidth what it
// used.
std::string part_lines(const BenchFigure& figure, double bandwidth) {
  std::string out;
  for (const BenchPart& part : figure.parts) {
    char line[160];
    int size = std::snprintf(line, sizeof line, "  %-20s %9s ms", part.name.c_str(),
                             three_digits(1e3 * part.seconds).c_str());
    const auto add = [&](const char* format, auto... values) {
      size += std::snprintf(line + size, sizeof line - static_cast<size_t>(size), format, values...);
    };
    if (part.bytes > 0.0 && part.seconds > 0.0) {
      const double rate = part.bytes / part.seconds;
      add("  %7.4f GB  %6s GB/s  %.2f of read", part.bytes / 1e9, three_digits(rate / 1e9).c_str(),
          rate / bandwidth);
    }
    if (part.barriers > 0.0) add("  %.0f barriers", part.barriers);
    out += concat(line, "\n");
  }
  return out;
}

// The parts of a figure as figures.
std::vector<BenchFigure> part_figures(const BenchFigure& figure, double bandwidth) {
  std::vector<BenchFigure> all;
  for (const BenchPart& part : figure.parts) {
    BenchFigure one;
    one.name = concat(figure.name, ": ", part.name);
    one.value = 1e3 * part.seconds;
    one.unit = "ms";
    one.limit = 1e3 * part.bytes / bandwidth;
    one.ratio = one.low = one.high = one.value > 0.0 ? one.limit / one.value : 0.0;
    one.repetitions = figure.repetitions;
    all.push_back(std::move(one));
  }
  return all;
}

// What JSON lines and history lines say, the limits first.
std::vector<BenchFigure> all_figures(const BenchReport& report) {
  std::vector<BenchFigure> all = limit_figures(report.record);
  for (const BenchFigure& figure : report.figures) {
    all.push_back(figure);
    const auto parts = part_figures(figure, report.record.limits.read_bytes_per_second);
    all.insert(all.end(), parts.begin(), parts.end());
  }
  return all;
}

JsonValue number_or_null(double value) { return value == 0.0 ? JsonValue() : JsonValue::number(value); }

}  // namespace

std::string three_digits(double value) {
  const double size = std::abs(value);
  const int decimals = size >= 99.95 ? 0 : size >= 9.995 ? 1 : size >= 0.9995 ? 2 : 3;
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string bench_table(const BenchReport& report, const BenchRunFacts& facts) {
  std::string out = machine_line(report, facts) + run_line(report, facts);
  if (report.figures.empty()) return out;
  out += "figure                        value         limit  ratio   range         n\n";
  for (const BenchFigure& figure : report.figures)
    out += figure_line(figure) + part_lines(figure, report.record.limits.read_bytes_per_second);
  return out;
}

std::string bench_json(const BenchReport& report, const BenchRunFacts& facts) {
  std::string out;
  for (const BenchFigure& figure : all_figures(report)) {
    JsonValue line = JsonValue::object();
    line.set("name", JsonValue::string(figure.name));
    line.set("value", JsonValue::number(figure.value));
    line.set("unit", JsonValue::string(figure.unit));
    line.set("limit", number_or_null(figure.limit));
    line.set("ratio", number_or_null(figure.ratio));
    line.set("low", number_or_null(figure.low));
    line.set("high", number_or_null(figure.high));
    line.set("n", JsonValue::integer(figure.repetitions));
    line.set("load", JsonValue::number(facts.load_before));
    line.set("tier", JsonValue::string(facts.tier));
    line.set("threads", JsonValue::integer(facts.threads));
    line.set("commit", JsonValue::string(facts.commit));
    out += write_json(line) + "\n";
  }
  return out;
}

std::string bench_csv(const BenchReport& report, const BenchRunFacts& facts, CsvHead head) {
  std::string out = head == CsvHead::kYes ? kCsvColumns : "";
  for (const BenchFigure& f : all_figures(report)) {
    out += concat(facts.time, ",", facts.model, ",", f.name, ",", f.value, ",", f.unit, ",", f.limit, ",",
                  f.ratio, ",", f.low, ",", f.high, ",", f.repetitions, ",", facts.load_before, ",",
                  facts.tier, ",", facts.threads, ",", facts.commit, "\n");
  }
  return out;
}

}  // namespace fathom
