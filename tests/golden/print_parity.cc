// SPDX-License-Identifier: MIT
// Prints how closely each forward agrees with fixtures/model: the table of docs/numerics.md.
#include <cstdio>
#include <vector>

#include "golden/checkpoint.h"
#include "golden/golden_model.h"
#include "golden/product_producer.h"
#include "golden/reference_producer.h"
#include "kernels/dispatch.h"

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

// On every tier that this machine can run.
void print_product() {
  for (const fathom::TierInfo& tier : fathom::kernel_tiers()) {
    const std::string name = tier.table->name;
    if (!fathom::select_kernels(name).ok()) {
      std::printf("product, tier %s: not run, the CPU lacks %s\n\n", name.c_str(), tier.missing.c_str());
      continue;
    }
    print_figures(("product, tier " + name).c_str(),
                  [](const Checkpoint& checkpoint) { return fathom::product_producer(checkpoint, 1); });
  }
}

}  // namespace

int main() {
  print_figures("reference in double", fathom::reference_producer<double>);
  print_figures("reference in float", fathom::reference_producer<float>);
  print_product();
  return 0;
}
