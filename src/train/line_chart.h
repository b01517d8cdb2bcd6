// SPDX-License-Identifier: MIT
// Line charts as SVG for the report of a run. Colours come from the page's style: classes s0 ... s9. Pure
// functions.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace fathom {

struct ChartPoint {
  double x = 0.0;
  double y = 0.0;
};

struct ChartSeries {
  std::string name;
  std::vector<ChartPoint> points;  // x rising; a value that is not finite is a gap
};

struct LineChart {
  std::string title;
  std::vector<ChartSeries> series;
};

// One <figure>. The y axis is logarithmic when all values are positive and span more than two decades. Long
// series are drawn as the means of equal stretches.
std::string line_chart_html(const LineChart& chart);

// `text` for HTML and its attributes.
std::string escape_html(std::string_view text);

// Round values inside [low, high], at least two where the range is not empty, at most `most` + 1.
std::vector<double> axis_ticks(double low, double high, int most);

}  // namespace fathom
