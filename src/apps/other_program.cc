// SPDX-License-Identifier: MIT
#include "apps/other_program.h"

#include <algorithm>
#include <charconv>
#include <cstdio>

#include "base/concat.h"

namespace fathom {
namespace {

double median(std::vector<double> values) {
  std::ranges::sort(values);
  const size_t middle = values.size() / 2;
  return values.size() % 2 == 1 ? values[middle] : 0.5 * (values[middle - 1] + values[middle]);
}

// The last line that is not empty, without blanks around it.
std::string_view last_line(std::string_view text) {
  const size_t end = text.find_last_not_of(" \t\r\n");
  if (end == std::string_view::npos) return {};
  text = text.substr(0, end + 1);
  const size_t begin = text.find_last_of('\n');
  text = begin == std::string_view::npos ? text : text.substr(begin + 1);
  return text.substr(std::min(text.find_first_not_of(" \t"), text.size()));
}

}  // namespace

Result<double> run_other_program(const std::string& command) {
  std::FILE* pipe = ::popen(command.c_str(), "r");
  if (pipe == nullptr)
    return Status(StatusCode::kResourceExhausted, concat("--against: cannot start ", command));
  std::string text;
  char buffer[4096];
  for (size_t count = 0; (count = std::fread(buffer, 1, sizeof buffer, pipe)) > 0;)
    text.append(buffer, count);
  const int status = ::pclose(pipe);
  const std::string_view line = last_line(text);
  double value = 0.0;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), value);
  if (status != 0 || line.empty() || error != std::errc() || end != line.data() + line.size() ||
      value <= 0.0) {
    return Status(StatusCode::kInvalidArgument,
                  concat("--against: ", command, ": expected a number above 0 on its last line, found ",
                         status != 0 ? "a failure" : concat("\"", line, "\"")));
  }
  return value;
}

Result<BenchFigure> compare_with(BenchCase& own, const std::string& command, int pairs,
                                 const BenchRecord& record) {
  std::vector<BenchSample> samples;
  std::vector<double> others;
  std::vector<double> ratios;
  const auto measure_own = [&]() -> Status {
    FATHOM_ASSIGN_OR_RETURN(const BenchSample sample, own.measure());
    samples.push_back(sample);
    return Status();
  };
  const auto measure_other = [&]() -> Status {
    FATHOM_ASSIGN_OR_RETURN(const double value, run_other_program(command));
    others.push_back(value);
    return Status();
  };
  for (int pair = 0; pair < pairs; ++pair) {
    const bool own_first = pair % 2 == 0;
    FATHOM_RETURN_IF_ERROR(own_first ? measure_own() : measure_other());
    FATHOM_RETURN_IF_ERROR(own_first ? measure_other() : measure_own());
    ratios.push_back(own.figure({&samples.back(), 1}, record).value / others.back());
  }
  BenchFigure figure = own.figure(samples, record);
  figure.name += " against";
  const bool more_is_better = figure.unit.ends_with("/s");
  figure.limit = more_is_better ? std::ranges::max(others) : std::ranges::min(others);
  figure.ratio = median(ratios);
  figure.low = std::ranges::min(ratios);
  figure.high = std::ranges::max(ratios);
  figure.note = concat("median of fathom / ", command, more_is_better ? "" : "; less is better");
  return figure;
}

}  // namespace fathom
