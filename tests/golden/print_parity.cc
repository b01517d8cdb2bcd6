// SPDX-License-Identifier: MIT
// Prints how closely each forward agrees with fixtures/model: the table of docs/numerics.md.
#include <cstdio>
#include <vector>

#include "golden/checkpoint.h"
#include "golden/golden_model.h"
#include "golden/reference_producer.h"

namespace {

using fathom::Checkpoint;
using fathom::FixtureFigures;
using fathom::Producer;

void print_figures(const char* title, Producer (*producer_of)(const Checkpoint&)) {
  std::vector<FixtureFigures> figures;
  for (const std::string& name : fathom::model_fixture_names()) {
    const Checkpoint checkpoint = fathom::open_fixture_checkpoint(name);
    figures.push_back(fathom::compare_with_fixture(name, producer_of(checkpoint), 0));
  }
  std::printf("%s\n\n%s\n", title, fathom::parity_table(figures).c_str());
}

}  // namespace

int main() {
  print_figures("reference in double", fathom::reference_producer<double>);
  print_figures("reference in float", fathom::reference_producer<float>);
  return 0;
}
