// SPDX-License-Identifier: MIT
// One check of a whole forward against fixtures/model, for the reference and for the product alike: whoever
// can fill a reference::Output<float> from token ids is compared tensor by tensor, judged by the pass bars of
// the fixtures' README and printed in one table.
//
// Test code; single thread.
#pragma once

#include <cstdint>
#include <functional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "reference/transformer.h"

namespace fathom {

// What a forward is asked for.
struct ForwardRequest {
  reference::Rounding rounding = reference::Rounding::kAsDeployed;
  int chunk = 0;  // tokens at a time through the decode state; 0: the whole sequence
  bool mtp = false;
  bool trace = false;
};

// The forward of one sequence under test. Margins of the choices are not read.
using Producer = std::function<reference::Output<float>(std::span<const int32_t>, const ForwardRequest&)>;

// Every folder of fixtures/model; "mixed-hf" is compared with the expected values of "bf16", MTP left out.
std::vector<std::string> model_fixture_names();

// Differences of one tensor. A row is one position: V logits, or n D stream values.
struct Difference {
  double max = 0.0;
  double mean = 0.0;
  int64_t rows = 0;
  int64_t agreeing_rows = 0;  // max |difference| <= 5e-4
};

struct ModeFigures {
  Difference logits;
  Difference mtp_logits;  // rows 0: the fixture has none
  Difference streams;
  int64_t choices = 0;            // rows of experts and entries compared, MTP included
  int64_t differing_choices = 0;  // of those, another set was chosen
  int64_t wrong_choices = 0;  // of those, where the choice must be equal: all if exact, else rows that agree
};

struct FixtureFigures {
  std::string fixture;
  ModeFigures deployed;               // every round trip on
  ModeFigures exact;                  // none
  std::vector<std::string> failures;  // bars that do not hold; empty: passed
};

// Runs every sequence of a fixture in both modes, `chunk` tokens at a time (0: whole).
FixtureFigures compare_with_fixture(std::string_view name, const Producer& producer, int chunk);

// A Markdown table, one line per fixture and mode.
std::string parity_table(std::span<const FixtureFigures> figures);

}  // namespace fathom
