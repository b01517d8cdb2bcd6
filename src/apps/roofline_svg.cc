// SPDX-License-Identifier: MIT
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <string>

#include "apps/bench_output.h"
#include "base/concat.h"

namespace fathom {
namespace {

constexpr double kWidth = 760.0, kHeight = 480.0;
constexpr double kLeft = 70.0, kRight = 190.0, kTop = 40.0, kBottom = 50.0;  // margins

// Powers of ten that the axes cover.
struct Range {
  double low, high;

  double share(double value) const noexcept {
    return (std::log10(value) - std::log10(low)) / (std::log10(high) - std::log10(low));
  }
};

std::string fixed(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", value);
  return text;
}

std::string escaped(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '<') {
      out += "&lt;";
    } else if (c == '&') {
      out += "&amp;";
    } else {
      out += c;
    }
  }
  return out;
}

// Places shapes by intensity (FLOP per byte) and speed (GFLOP/s).
class Plot {
 public:
  Plot(Range intensity, Range speed) : x_(intensity), y_(speed) {}

  double x(double intensity) const { return kLeft + x_.share(intensity) * (kWidth - kLeft - kRight); }
  double y(double speed) const { return kHeight - kBottom - y_.share(speed) * (kHeight - kTop - kBottom); }

  void line(double x1, double y1, double x2, double y2, std::string_view colour) {
    body_ += concat("<line x1=\"", fixed(x1), "\" y1=\"", fixed(y1), "\" x2=\"", fixed(x2), "\" y2=\"",
                    fixed(y2), "\" stroke=\"", colour, "\"/>\n");
  }
  void text(double left, double baseline, std::string_view words) {
    body_ +=
        concat("<text x=\"", fixed(left), "\" y=\"", fixed(baseline), "\">", escaped(words), "</text>\n");
  }
  void dot(double intensity, double speed, std::string_view name) {
    body_ += concat("<circle cx=\"", fixed(x(intensity)), "\" cy=\"", fixed(y(speed)), "\" r=\"4\"/>\n");
    text(x(intensity) + 7.0, y(speed) + 4.0, name);
  }

  void grid() {
    for (double v = x_.low; v <= x_.high * 1.001; v *= 10.0) {
      line(x(v), kTop, x(v), kHeight - kBottom, "#ddd");
      text(x(v) - 8.0, kHeight - kBottom + 16.0, concat(v));
    }
    for (double v = y_.low; v <= y_.high * 1.001; v *= 10.0) {
      line(kLeft, y(v), kWidth - kRight, y(v), "#ddd");
      text(8.0, y(v) + 4.0, concat(v));
    }
    text(kLeft, kHeight - 12.0, "FLOP per byte");
    text(8.0, kTop - 10.0, "GFLOP/s");
  }

  // The slope of the bandwidth up to the peak, then the peak.
  void roof(double gigabytes_per_second, double peak, std::string_view name) {
    const double ridge = std::clamp(peak / gigabytes_per_second, x_.low, x_.high);
    const double start = std::max(x_.low, y_.low / gigabytes_per_second);
    line(x(start), y(start * gigabytes_per_second), x(ridge), y(ridge * gigabytes_per_second), "#36c");
    line(x(ridge), y(peak), kWidth - kRight, y(peak), "#36c");
    text(kWidth - kRight + 6.0, y(peak) + 4.0, name);
  }

  std::string document(std::string_view title) const {
    return concat("<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"", kWidth, "\" height=\"", kHeight,
                  "\" font-family=\"sans-serif\" font-size=\"12\">\n<rect width=\"100%\" height=\"100%\" "
                  "fill=\"white\"/>\n",
                  "<text x=\"", kLeft, "\" y=\"20\" font-size=\"14\">", escaped(title), "</text>\n", body_,
                  "</svg>\n");
  }

 private:
  Range x_, y_;
  std::string body_;
};

// The power of ten at or below / at or above.
double floor_power(double value) { return std::pow(10.0, std::floor(std::log10(value))); }
double ceil_power(double value) { return std::pow(10.0, std::ceil(std::log10(value))); }

}  // namespace

std::string roofline_svg(const BenchReport& report, const BenchRunFacts& facts) {
  const MachineLimits& limits = report.record.limits;
  const double bandwidth = limits.read_bytes_per_second / 1e9;
  Range intensity{1.0, 1000.0};
  Range speed{10.0, 1000.0};
  for (const UnitRate& rate : limits.units)
    speed.high = std::max(speed.high, ceil_power(rate.operations_per_second / 1e9));
  const auto drawn = [](const BenchFigure& f) { return f.best.flops > 0.0 && f.best.bytes > 0.0; };
  for (const BenchFigure& f : report.figures) {
    if (!drawn(f)) continue;
    intensity.low = std::min(intensity.low, floor_power(f.best.flops / f.best.bytes));
    intensity.high = std::max(intensity.high, ceil_power(f.best.flops / f.best.bytes));
    speed.low = std::min(speed.low, floor_power(f.best.flops / f.best.seconds / 1e9));
  }
  Plot plot(intensity, speed);
  plot.grid();
  for (const UnitRate& rate : limits.units) {
    const double peak = rate.operations_per_second / 1e9;
    plot.roof(bandwidth, peak, concat(rate.unit, " ", three_digits(peak)));
  }
  for (const BenchFigure& f : report.figures) {
    if (drawn(f)) plot.dot(f.best.flops / f.best.bytes, f.best.flops / f.best.seconds / 1e9, f.name);
  }
  return plot.document(concat(facts.model, " on ", facts.tier, ", ", facts.threads, " threads, read ",
                              three_digits(bandwidth), " GB/s, commit ", facts.commit));
}

}  // namespace fathom
