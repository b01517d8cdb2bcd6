// SPDX-License-Identifier: MIT
// Against a made-up machine whose step takes a fixed time plus a time per row.
#include "engine/chunk_budget.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace fathom {
namespace {

struct Machine {
  double fixed_seconds;
  double row_seconds;
  double step(int64_t rows) const { return fixed_seconds + row_seconds * static_cast<double>(rows); }
};

TEST(ChunkBudget, WithoutDecodingAPromptTakesTheWholeBatch) {
  const ChunkBudget budget(2048, 0.25);
  EXPECT_EQ(budget.prefill_rows(0), 2048);
}

TEST(ChunkBudget, MixedStepsStayUnderTheLimitAndComeNearIt) {
  for (const Machine machine : {Machine{0.02, 0.001}, Machine{0.1, 0.0005}, Machine{0.001, 0.01}}) {
    ChunkBudget budget(2048, 0.25);
    budget.measured(4, 0, machine.step(4));
    double longest = 0.0;
    double last = 0.0;
    for (int i = 0; i < 40; ++i) {
      const int64_t rows = budget.prefill_rows(4);
      last = machine.step(4 + rows);
      longest = std::max(longest, last);
      budget.measured(4, rows, last);
    }
    EXPECT_LE(longest, 0.25);
    EXPECT_GE(last, 0.15);
  }
}

TEST(ChunkBudget, ASlowMachineStillMovesOn) {
  ChunkBudget budget(2048, 0.25);
  budget.measured(4, 0, 3.0);
  budget.measured(4, 16, 9.0);
  EXPECT_EQ(budget.prefill_rows(4), 1);
  EXPECT_EQ(budget.prefill_rows(2048), 0);
}

}  // namespace
}  // namespace fathom
