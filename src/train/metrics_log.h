// SPDX-License-Identifier: MIT
// MetricsLog: the figures of a run, a row a step, as metrics.jsonl and as TensorBoard event files.
//
// Rows of metrics.jsonl rise by step without repeats: a run that resumes drops what was written after its
// checkpoint, and a line that a crash cut. Names with a slash ("load/3") belong to one plot. Trainer thread.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "io/append_file.h"
#include "io/io_env.h"
#include "train/event_file.h"

namespace fathom {

struct MetricsRow {
  int64_t step = 0;
  std::vector<Scalar> values;
};

class MetricsLog {
 public:
  // Keeps the rows of `directory`/metrics.jsonl below `first_step`, which is 0 for a new run. `wall_seconds`
  // since 1970 names the new event file.
  static Result<MetricsLog> open(IoEnv& env, const std::string& directory, int64_t first_step,
                                 int64_t wall_seconds);

  Status append(const MetricsRow& row, double wall_seconds);
  // Of the whole run, kept ones included.
  const std::vector<MetricsRow>& rows() const noexcept { return rows_; }

 private:
  MetricsLog(AppendFile lines, AppendFile events, std::vector<MetricsRow> rows)
      : lines_(std::move(lines)), events_(std::move(events)), rows_(std::move(rows)) {}

  AppendFile lines_;
  AppendFile events_;
  std::vector<MetricsRow> rows_;
};

// One line: {"step": 3, "loss": 2.5, ...}; a value that is not finite is null.
std::string metrics_line(const MetricsRow& row);
// kCorrupt for what is no such line.
Result<MetricsRow> read_metrics_line(std::string_view line);

}  // namespace fathom
