// SPDX-License-Identifier: MIT
#include "golden/golden_model.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <set>

#include "base/concat.h"
#include "support/fixture_file.h"

namespace fathom {
namespace {

using reference::LayerChoices;
using reference::Matrix;
using reference::Output;
using reference::Rounding;

// The pass bars of fixtures/model/README.md.
constexpr double kExactBar = 1e-4;
constexpr double kRowBar = 5e-4;
constexpr double kAgreeingShare = 0.9;
constexpr double kMeanBar = 1e-2;

double difference(float got, float want) {
  const double d = std::fabs(static_cast<double>(got) - static_cast<double>(want));
  return std::isnan(d) ? std::numeric_limits<double>::infinity() : d;
}

// Adds one row to `figures` (its mean is a sum until finish); true if the row agrees.
bool add_row(Difference& figures, std::span<const float> got, std::span<const float> want) {
  double worst = got.size() == want.size() ? 0.0 : std::numeric_limits<double>::infinity();
  double sum = worst;
  for (size_t i = 0; i < std::min(got.size(), want.size()); ++i) {
    const double d = difference(got[i], want[i]);
    worst = std::max(worst, d);
    sum += d;
  }
  const bool agrees = worst <= kRowBar;
  figures.max = std::max(figures.max, worst);
  figures.mean += sum / static_cast<double>(want.size());
  ++figures.rows;
  figures.agreeing_rows += agrees ? 1 : 0;
  return agrees;
}

void finish(Difference& figures) {
  if (figures.rows > 0) figures.mean /= static_cast<double>(figures.rows);
}

// One fixture, one mode.
class Comparison {
 public:
  Comparison(const FixtureFile& expected, Rounding rounding)
      : expected_(expected),
        suffix_(rounding == Rounding::kNone ? "_exact" : ""),
        positions_(expected.i32(rounding == Rounding::kNone ? "exact_positions" : "logit_positions")) {}

  void add_logits(const Output<float>& got, int64_t sequence) {
    const std::set<int32_t> agreeing =
        add_positions(figures_.logits, got.logits, "logits", positions_, sequence);
    if (sequence == 0) agreeing_ = agreeing;
  }

  void add_mtp_logits(const Output<float>& got, int64_t sequence) {
    const std::set<int32_t> agreeing = add_positions(figures_.mtp_logits, got.mtp_logits, "mtp_logits",
                                                     expected_.i32("mtp_positions"), sequence);
    if (sequence == 0) mtp_agreeing_ = agreeing;
  }

  // Sequence 0 only, after its logits. What is missing counts as different.
  void add_trace(const Output<float>& got) {
    const std::span<const int32_t> probes = expected_.i32("probe_positions");
    for (size_t layer = 0; expected_.has(concat("streams", suffix_, ".", layer)); ++layer) {
      const bool present = layer + 1 < got.streams.size() && layer < got.choices.size();
      const Matrix<float>& streams = present ? got.streams[layer + 1] : Matrix<float>();
      const std::span<const float> want = expected_.f32(concat("streams", suffix_, ".", layer));
      const size_t row_size = want.size() / probes.size();
      for (size_t i = 0; i < probes.size(); ++i) {
        add_row(figures_.streams, row_of(streams, probes[i]), want.subspan(i * row_size, row_size));
      }
      add_choices(present ? got.choices[layer] : LayerChoices(), concat(layer), agreeing_);
    }
  }

  void add_mtp_trace(const Output<float>& got) {
    add_choices(got.mtp_choices.value_or(LayerChoices()), "mtp.0", mtp_agreeing_);
  }

  ModeFigures finished() {
    finish(figures_.logits);
    finish(figures_.mtp_logits);
    finish(figures_.streams);
    return figures_;
  }

 private:
  static std::span<const float> row_of(const Matrix<float>& m, int64_t row) {
    return row < m.rows ? m.row(row) : std::span<const float>();
  }

  // Compares the given positions of one sequence; returns those that agree.
  std::set<int32_t> add_positions(Difference& figures, const Matrix<float>& got, std::string_view tensor,
                                  std::span<const int32_t> positions, int64_t sequence) {
    const std::string name = concat(tensor, suffix_);
    const int64_t vocab = expected_.dim(name, 2);
    std::set<int32_t> agreeing;
    for (size_t i = 0; i < positions.size(); ++i) {
      const int64_t row = sequence * expected_.dim(name, 1) + static_cast<int64_t>(i);
      const std::span<const float> want = expected_.f32(name).subspan(row * vocab, vocab);
      if (add_row(figures, row_of(got, positions[i]), want)) agreeing.insert(positions[i]);
    }
    return agreeing;
  }

  void add_choices(const LayerChoices& got, const std::string& layer, const std::set<int32_t>& agreeing) {
    add_sets(got.experts, concat("experts", suffix_, ".", layer), agreeing);
    const std::string entries = concat("index", suffix_, ".", layer);
    if (expected_.has(entries)) add_sets(got.entries.entries, entries, agreeing);
  }

  // Rows as sets: the order of experts with nearly equal scores is noise. Padding (-1) does not count.
  void add_sets(const Matrix<int32_t>& got, const std::string& name, const std::set<int32_t>& agreeing) {
    const int64_t width = expected_.dim(name, 1);
    for (int32_t t = 0; t < expected_.dim(name, 0); ++t) {
      const std::span<const int32_t> row = expected_.i32(name).subspan(t * width, width);
      std::set<int32_t> want(row.begin(), row.end());
      std::set<int32_t> chosen;
      if (t < got.rows) chosen.insert(got.row(t).begin(), got.row(t).end());
      want.erase(-1);
      chosen.erase(-1);
      ++figures_.choices;
      if (chosen == want) continue;
      ++figures_.differing_choices;
      if (!suffix_.empty() || agreeing.contains(t)) ++figures_.wrong_choices;
    }
  }

  const FixtureFile& expected_;
  std::string suffix_;
  std::span<const int32_t> positions_;
  std::set<int32_t> agreeing_;
  std::set<int32_t> mtp_agreeing_;
  ModeFigures figures_;
};

void judge_exact(const ModeFigures& f, std::vector<std::string>& failures) {
  const auto require_close = [&](std::string_view tensor, const Difference& d) {
    if (!(d.max <= kExactBar)) failures.push_back(concat(tensor, "_exact: max |difference| ", d.max));
  };
  require_close("logits", f.logits);
  require_close("mtp_logits", f.mtp_logits);
  require_close("streams", f.streams);
  if (f.wrong_choices > 0) failures.push_back(concat("exact: ", f.wrong_choices, " choices differ"));
}

void judge_deployed(const ModeFigures& f, std::vector<std::string>& failures) {
  const int64_t rows = f.logits.rows + f.mtp_logits.rows;
  const int64_t agreeing = f.logits.agreeing_rows + f.mtp_logits.agreeing_rows;
  if (static_cast<double>(agreeing) < kAgreeingShare * static_cast<double>(rows)) {
    failures.push_back(concat("logits: ", agreeing, " of ", rows, " rows agree"));
  }
  if (!(f.logits.mean <= kMeanBar)) failures.push_back(concat("logits: mean |difference| ", f.logits.mean));
  if (f.mtp_logits.rows > 0 && !(f.mtp_logits.mean <= kMeanBar)) {
    failures.push_back(concat("mtp_logits: mean |difference| ", f.mtp_logits.mean));
  }
  if (f.wrong_choices > 0) failures.push_back(concat("deployed: ", f.wrong_choices, " choices differ"));
}

std::string scientific(double value) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

std::string cell(const Difference& d) {
  if (d.rows == 0) return " - |";
  return concat(" ", scientific(d.max), " (", d.agreeing_rows, "/", d.rows, ") |");
}

}  // namespace

std::vector<std::string> model_fixture_names() {
  return {"dense", "csa", "hca", "mixed", "bf16", "mixed-hf", "odd-types", "odd-ratios"};
}

FixtureFigures compare_with_fixture(std::string_view name, const Producer& producer, int chunk) {
  const FixtureFile expected(concat("model/", name == "mixed-hf" ? "bf16" : name, "/expected.safetensors"));
  const bool has_mtp = expected.has("mtp_logits") && name != "mixed-hf";
  const int64_t length = expected.dim("tokens", 1);
  FixtureFigures out{std::string(name), {}, {}, {}};
  for (const Rounding rounding : {Rounding::kAsDeployed, Rounding::kNone}) {
    Comparison comparison(expected, rounding);
    for (int64_t sequence = 0; sequence < expected.dim("tokens", 0); ++sequence) {
      const std::span<const int32_t> tokens = expected.i32("tokens").subspan(sequence * length, length);
      const Output<float> got =
          producer(tokens, {.rounding = rounding, .chunk = chunk, .mtp = has_mtp, .trace = sequence == 0});
      comparison.add_logits(got, sequence);
      if (has_mtp) comparison.add_mtp_logits(got, sequence);
      if (sequence == 0) comparison.add_trace(got);
      if (sequence == 0 && has_mtp) comparison.add_mtp_trace(got);
    }
    (rounding == Rounding::kNone ? out.exact : out.deployed) = comparison.finished();
  }
  judge_exact(out.exact, out.failures);
  judge_deployed(out.deployed, out.failures);
  return out;
}

std::string parity_table(std::span<const FixtureFigures> figures) {
  std::string table =
      "| fixture | mode | logits: max (rows within 5e-4) | mtp_logits | streams | mean in logits | differing "
      "choices |\n"
      "|---|---|---|---|---|---|---|\n";
  for (const FixtureFigures& f : figures) {
    for (const auto& [mode, m] : {std::pair("deployed", &f.deployed), {"exact", &f.exact}}) {
      table +=
          concat("| ", f.fixture, " | ", mode, " |", cell(m->logits), cell(m->mtp_logits), cell(m->streams),
                 " ", scientific(m->logits.mean), " | ", m->differing_choices, " of ", m->choices, " |\n");
    }
  }
  return table;
}

}  // namespace fathom
