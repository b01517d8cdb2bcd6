// SPDX-License-Identifier: MIT
// report.html of a training run: what was run, how it stands, and a chart for each group of figures. One file
// without scripts or requests. Pure function.
#pragma once

#include <span>
#include <string>
#include <utility>
#include <vector>

#include "train/metrics_log.h"

namespace fathom {

struct RunReport {
  std::string title;
  std::vector<std::pair<std::string, std::string>> facts;    // shown as a table, in order
  std::vector<std::pair<std::string, std::string>> samples;  // prompt and reply, as the model writes now
};

// Names of values before the slash make a chart, what follows names its lines.
std::string report_html(const RunReport& report, std::span<const MetricsRow> rows);

}  // namespace fathom
