// SPDX-License-Identifier: MIT
#include "train/metrics_log.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <utility>

#include "base/concat.h"
#include "io/directory.h"
#include "io/json.h"
#include "io/read_file.h"

namespace fathom {
namespace {

constexpr int64_t kMaxMetricsBytes = int64_t{4} << 30;

// The rows before `first_step` of what an earlier part of the run wrote; the rest, and a cut line, are let
// go.
Result<std::vector<MetricsRow>> kept_rows(IoEnv& env, const std::string& path, int64_t first_step) {
  std::vector<MetricsRow> rows;
  const Result<File> file = open_path(env, path);
  if (!file.ok() && file.status().code() == StatusCode::kNotFound) return rows;
  if (!file.ok()) return file.status();
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_file(*file, path, kMaxMetricsBytes));
  for (std::string_view rest = text; !rest.empty();) {
    const size_t end = rest.find('\n');
    if (end == std::string_view::npos) break;
    FATHOM_ASSIGN_OR_RETURN(MetricsRow row, read_metrics_line(rest.substr(0, end)));
    rest.remove_prefix(end + 1);
    if (row.step >= first_step) break;
    rows.push_back(std::move(row));
  }
  return rows;
}

}  // namespace

std::string metrics_line(const MetricsRow& row) {
  JsonValue line = JsonValue::object();
  line.set("step", JsonValue::integer(row.step));
  for (const auto& [name, value] : row.values) {
    line.set(name, std::isfinite(value) ? JsonValue::number(value) : JsonValue());
  }
  return write_json(line) + "\n";
}

Result<MetricsRow> read_metrics_line(std::string_view line) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue object, read_json(line));
  const JsonValue* step = object.find("step");
  const auto number = step != nullptr && step->is_number() ? step->as_int64() : std::nullopt;
  if (!number) return Status(StatusCode::kCorrupt, "metrics: expected an object with an integer step");
  MetricsRow row{.step = *number, .values = {}};
  for (const auto& [name, value] : object.members()) {
    if (name == "step") continue;
    const auto read = value.is_number() ? value.as_double() : std::nullopt;
    row.values.emplace_back(name, read.value_or(std::numeric_limits<double>::quiet_NaN()));
  }
  return row;
}

Result<MetricsLog> MetricsLog::open(IoEnv& env, const std::string& directory, int64_t first_step,
                                    int64_t wall_seconds) {
  const std::string path = concat(directory, "/metrics.jsonl");
  FATHOM_ASSIGN_OR_RETURN(std::vector<MetricsRow> rows, kept_rows(env, path, first_step));
  std::string text;
  for (const MetricsRow& row : rows) text += metrics_line(row);
  FATHOM_ASSIGN_OR_RETURN(AppendFile lines, AppendFile::create(env, path, text));
  FATHOM_ASSIGN_OR_RETURN(
      AppendFile events,
      AppendFile::create(env, concat(directory, "/events.out.tfevents.", wall_seconds, ".fathom"),
                         event_file_header(static_cast<double>(wall_seconds))));
  return MetricsLog(std::move(lines), std::move(events), std::move(rows));
}

Status MetricsLog::append(const MetricsRow& row, double wall_seconds) {
  FATHOM_RETURN_IF_ERROR(lines_.append(metrics_line(row)));
  FATHOM_RETURN_IF_ERROR(events_.append(event_record(wall_seconds, row.step, row.values)));
  rows_.push_back(row);
  return {};
}

}  // namespace fathom
