// SPDX-License-Identifier: MIT
#include "train/report.h"

#include <algorithm>
#include <cmath>

#include "base/concat.h"
#include "train/line_chart.h"

namespace fathom {
namespace {

constexpr std::string_view kStyle = R"(
:root { color-scheme: light dark; --ink: #1c1e21; --soft: #667; --paper: #fff; --line: #e3e5ea; }
@media (prefers-color-scheme: dark) { :root { --ink: #e6e8ec; --soft: #99a; --paper: #16181c; --line: #2c3038; } }
body { font: 15px/1.45 system-ui, sans-serif; color: var(--ink); background: var(--paper); margin: 2rem auto;
  max-width: 1200px; padding: 0 1rem; }
h1 { font-size: 1.4rem; margin: 0 0 1rem; } h2 { font-size: 1.1rem; margin: 2rem 0 .5rem; }
table { border-collapse: collapse; } th { text-align: left; font-weight: 500; color: var(--soft); padding: 2px 1.2rem 2px 0; }
td { padding: 2px 0; font-variant-numeric: tabular-nums; }
main { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(100%, 440px), 1fr)); gap: 1.5rem; margin-top: 1.5rem; }
figure { margin: 0; } figcaption { font-weight: 600; margin-bottom: .2rem; }
svg { width: 100%; height: auto; display: block; } svg text { font: 11px system-ui, sans-serif; fill: var(--soft); }
.grid { stroke: var(--line); } path { fill: none; stroke-width: 1.6; stroke-linecap: round; stroke-linejoin: round; }
.legend { margin: 0; font-size: 12px; } .legend span { margin-right: .8em; white-space: nowrap; }
.legend span::before { content: "\25A0"; margin-right: .35em; }
pre { white-space: pre-wrap; border-left: 3px solid var(--line); padding-left: .8rem; margin: .3rem 0 1rem; }
)";

constexpr std::string_view kColours[] = {"#3b78d8", "#d9772b", "#3a9a5b", "#c4433f", "#8a63c4",
                                         "#8c6a4f", "#d069a8", "#7f8790", "#a8a230", "#2aa3b0"};

std::string colours() {
  std::string out;
  for (size_t i = 0; i < std::size(kColours); ++i) {
    out +=
        concat(".s", i, " { stroke: ", kColours[i], "; } .k", i, "::before { color: ", kColours[i], "; }\n");
  }
  return out;
}

// "grad_norm" reads "Grad norm".
std::string title_of(std::string_view group) {
  std::string title(group);
  std::replace(title.begin(), title.end(), '_', ' ');
  if (!title.empty() && title[0] >= 'a' && title[0] <= 'z')
    title[0] = static_cast<char>(title[0] - 'a' + 'A');
  return title;
}

ChartSeries& series_of(LineChart& chart, std::string_view name) {
  for (ChartSeries& series : chart.series) {
    if (series.name == name) return series;
  }
  chart.series.push_back({std::string(name), {}});
  return chart.series.back();
}

std::vector<LineChart> charts_of(std::span<const MetricsRow> rows) {
  std::vector<LineChart> charts;
  for (const MetricsRow& row : rows) {
    for (const auto& [name, value] : row.values) {
      const size_t slash = std::min(name.find('/'), name.size());
      const std::string title = title_of(std::string_view(name).substr(0, slash));
      auto chart =
          std::find_if(charts.begin(), charts.end(), [&](const LineChart& c) { return c.title == title; });
      if (chart == charts.end()) chart = charts.insert(chart, {title, {}});
      const std::string_view line = slash < name.size() ? std::string_view(name).substr(slash + 1) : name;
      series_of(*chart, line).points.push_back({static_cast<double>(row.step), value});
    }
  }
  return charts;
}

}  // namespace

std::string report_html(const RunReport& report, std::span<const MetricsRow> rows) {
  const std::string title = escape_html(report.title);
  std::string page = concat(
      "<!doctype html>\n<html lang=\"en\">\n<meta charset=\"utf-8\">\n<meta name=\"viewport\" "
      "content=\"width=device-width\">\n"
      "<title>",
      title, "</title>\n<style>", kStyle, colours(), "</style>\n<h1>", title, "</h1>\n<table>\n");
  for (const auto& [name, value] : report.facts) {
    page += concat("<tr><th>", escape_html(name), "<td>", escape_html(value), "\n");
  }
  page += "</table>\n<main>\n";
  for (const LineChart& chart : charts_of(rows)) page += line_chart_html(chart);
  page += "</main>\n";
  if (!report.samples.empty()) page += "<h2>What it writes</h2>\n";
  for (const auto& [prompt, reply] : report.samples) {
    page += concat("<p>", escape_html(prompt), "</p>\n<pre>", escape_html(reply), "</pre>\n");
  }
  return page + "</html>\n";
}

}  // namespace fathom
