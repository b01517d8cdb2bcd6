// SPDX-License-Identifier: MIT
#include "train/line_chart.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "base/concat.h"

namespace fathom {
namespace {

constexpr double kWidth = 560.0, kHeight = 250.0;
constexpr double kLeft = 58.0, kRight = 12.0, kTop = 10.0, kBottom = 28.0;
constexpr size_t kMaxPoints = 400;
constexpr size_t kColours = 10;

struct Axis {
  double low = std::numeric_limits<double>::infinity();
  double high = -std::numeric_limits<double>::infinity();
  bool logarithmic = false;

  void cover(double value) noexcept {
    low = std::min(low, value);
    high = std::max(high, value);
  }
  bool empty() const noexcept { return !(low <= high); }
  double share(double value) const noexcept {
    if (logarithmic) return (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
    return (value - low) / (high - low);
  }
};

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string tick_label(double value) {
  char text[32];
  const double size = std::abs(value);
  if (size >= 1e4 || (size != 0.0 && size < 1e-3)) {
    std::snprintf(text, sizeof text, "%.3g", value);
  } else {
    std::snprintf(text, sizeof text, "%.4g", value);
  }
  return text;
}

std::vector<ChartPoint> thinned(const std::vector<ChartPoint>& points) {
  if (points.size() <= kMaxPoints) return points;
  std::vector<ChartPoint> out;
  for (size_t i = 0; i < kMaxPoints; ++i) {
    const size_t begin = points.size() * i / kMaxPoints;
    const size_t end = points.size() * (i + 1) / kMaxPoints;
    ChartPoint mean;
    for (size_t k = begin; k < end; ++k) {
      mean.x += points[k].x;
      mean.y += points[k].y;
    }
    const auto count = static_cast<double>(end - begin);
    out.push_back({mean.x / count, mean.y / count});
  }
  return out;
}

class Drawing {
 public:
  explicit Drawing(const LineChart& chart) {
    double least_positive = std::numeric_limits<double>::infinity();
    bool positive = true;
    for (const ChartSeries& series : chart.series) {
      series_.push_back(thinned(series.points));
      for (const ChartPoint& point : series_.back()) {
        if (!std::isfinite(point.y)) continue;
        x_.cover(point.x);
        y_.cover(point.y);
        positive = positive && point.y > 0.0;
        if (point.y > 0.0) least_positive = std::min(least_positive, point.y);
      }
    }
    if (x_.empty()) return;
    y_.logarithmic = positive && y_.high > 100.0 * least_positive;
    if (x_.low == x_.high) x_.high = x_.low + 1.0;
    widen(y_);
  }

  bool empty() const noexcept { return x_.empty(); }

  std::string svg(const std::string& label) const {
    std::string body = grid();
    for (size_t i = 0; i < series_.size(); ++i) body += line(series_[i], i);
    return concat("<svg viewBox=\"0 0 ", kWidth, " ", kHeight, "\" role=\"img\" aria-label=\"", label,
                  "\">\n", body, "</svg>\n");
  }

 private:
  static void widen(Axis& axis) {
    if (axis.logarithmic) {
      axis.low /= 1.2;
      axis.high *= 1.2;
      return;
    }
    const double room =
        axis.high > axis.low ? 0.06 * (axis.high - axis.low) : std::max(0.5, std::abs(axis.high) * 0.1);
    axis.low -= room;
    axis.high += room;
  }

  double place_x(double value) const { return kLeft + x_.share(value) * (kWidth - kLeft - kRight); }
  double place_y(double value) const {
    return kHeight - kBottom - y_.share(value) * (kHeight - kTop - kBottom);
  }

  std::vector<double> y_ticks() const {
    if (!y_.logarithmic) return axis_ticks(y_.low, y_.high, 5);
    std::vector<double> ticks;
    for (double v = std::pow(10.0, std::ceil(std::log10(y_.low))); v <= y_.high; v *= 10.0)
      ticks.push_back(v);
    return ticks;
  }

  std::string grid() const {
    std::string out;
    for (const double tick : y_ticks()) {
      const std::string y = fixed(place_y(tick));
      out += concat("<line class=\"grid\" x1=\"", fixed(kLeft), "\" x2=\"", fixed(kWidth - kRight),
                    "\" y1=\"", y, "\" y2=\"", y, "\"/><text x=\"", fixed(kLeft - 6.0), "\" y=\"",
                    fixed(place_y(tick) + 3.5), "\" text-anchor=\"end\">", tick_label(tick), "</text>\n");
    }
    for (const double tick : axis_ticks(x_.low, x_.high, 6)) {
      out += concat("<text x=\"", fixed(place_x(tick)), "\" y=\"", fixed(kHeight - 9.0),
                    "\" text-anchor=\"middle\">", tick_label(tick), "</text>\n");
    }
    return out;
  }

  std::string line(const std::vector<ChartPoint>& points, size_t index) const {
    std::string path;
    bool open = false;
    for (const ChartPoint& point : points) {
      if (!std::isfinite(point.y)) {
        open = false;
        continue;
      }
      path += concat(open ? "L" : "M", fixed(place_x(point.x)), " ", fixed(place_y(point.y)));
      // A lone point between gaps is drawn by the round ends of a line without length.
      if (!open) path += "h0";
      open = true;
    }
    return concat("<path class=\"s", index % kColours, "\" d=\"", path, "\"/>\n");
  }

  Axis x_;
  Axis y_;
  std::vector<std::vector<ChartPoint>> series_;
};

std::string legend(const LineChart& chart) {
  if (chart.series.size() < 2) return "";
  std::string out = "<p class=\"legend\">";
  for (size_t i = 0; i < chart.series.size(); ++i) {
    out += concat("<span class=\"k", i % kColours, "\">", escape_html(chart.series[i].name), "</span> ");
  }
  return out + "</p>\n";
}

}  // namespace

std::string escape_html(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '<': out += "&lt;"; break;
      case '>': out += "&gt;"; break;
      case '&': out += "&amp;"; break;
      case '"': out += "&quot;"; break;
      default: out += c;
    }
  }
  return out;
}

std::vector<double> axis_ticks(double low, double high, int most) {
  if (!(high > low)) return {low};
  const double raw = (high - low) / most;
  const double decade = std::pow(10.0, std::floor(std::log10(raw)));
  double step = 10.0 * decade;
  for (const double factor : {5.0, 2.0, 1.0}) {
    if (factor * decade >= raw * (1.0 - 1e-9)) step = factor * decade;
  }
  std::vector<double> ticks;
  for (double k = std::ceil(low / step - 1e-9); k * step <= high + 1e-9 * step; k += 1.0)
    ticks.push_back(k * step + 0.0);  // -0 becomes 0
  return ticks;
}

std::string line_chart_html(const LineChart& chart) {
  const std::string title = escape_html(chart.title);
  const Drawing drawing(chart);
  const std::string picture = drawing.empty() ? "<p>no values yet</p>\n" : drawing.svg(title);
  return concat("<figure><figcaption>", title, "</figcaption>\n", legend(chart), picture, "</figure>\n");
}

}  // namespace fathom
