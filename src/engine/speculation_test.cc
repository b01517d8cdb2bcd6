// SPDX-License-Identifier: MIT
// Against made-up machines whose steps take given times.
#include "engine/speculation.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

struct Machine {
  double plain_seconds;
  double drafting_seconds;
  double acceptance;
};

// Share of the last steps that drafted.
double drafting_share(Speculation& speculation, const Machine& machine, int64_t decoding) {
  constexpr int kSteps = 4000;
  constexpr int kCounted = 3000;
  double credit = 0.0;
  int drafting = 0;
  bool drafted = false;  // the step before made drafts for this one to check
  for (int i = 0; i < kSteps; ++i) {
    const bool drafts = speculation.next(decoding) == DraftUse::kPropose;
    if (i >= kSteps - kCounted) drafting += drafts ? 1 : 0;
    credit += drafted ? machine.acceptance * static_cast<double>(decoding) : 0.0;
    const auto accepted = static_cast<int64_t>(credit);
    credit -= static_cast<double>(accepted);
    speculation.measured(decoding, decoding + accepted,
                         drafts ? machine.drafting_seconds : machine.plain_seconds);
    drafted = drafts;
  }
  return static_cast<double>(drafting) / kCounted;
}

TEST(Speculation, DraftsWhereTheyAreFasterAndOnlyThere) {
  Speculation speculation(DraftPolicy::kWhenFaster);
  // One sequence: a draft costs 30 % and brings 80 %. Many: it costs 90 %.
  EXPECT_GT(drafting_share(speculation, {0.010, 0.013, 0.8}, 1), 0.97);
  EXPECT_LT(drafting_share(speculation, {0.100, 0.190, 0.8}, 32), 0.12);
  EXPECT_GT(drafting_share(speculation, {0.010, 0.013, 0.8}, 1), 0.97) << "loads do not disturb each other";
}

TEST(Speculation, FollowsAChangeOfWhatIsAccepted) {
  Speculation speculation(DraftPolicy::kWhenFaster);
  EXPECT_GT(drafting_share(speculation, {0.010, 0.013, 0.8}, 2), 0.97);
  EXPECT_LT(drafting_share(speculation, {0.010, 0.013, 0.1}, 2), 0.12);
  EXPECT_GT(drafting_share(speculation, {0.010, 0.013, 0.9}, 2), 0.97);
}

TEST(Speculation, TheOtherPoliciesDoNotMeasure) {
  Speculation always(DraftPolicy::kAlways);
  Speculation never(DraftPolicy::kNever);
  EXPECT_EQ(drafting_share(always, {0.010, 0.100, 0.0}, 1), 1.0);
  EXPECT_EQ(drafting_share(never, {0.010, 0.001, 1.0}, 1), 0.0);
}

TEST(Speculation, PromptsAreFollowedWhileDraftsMayPay) {
  Speculation speculation(DraftPolicy::kWhenFaster);
  drafting_share(speculation, {0.010, 0.100, 0.5}, 1);
  EXPECT_EQ(speculation.next(1), DraftUse::kOff);
  drafting_share(speculation, {0.010, 0.011, 0.9}, 4);
  EXPECT_EQ(speculation.next(1), DraftUse::kFollow);
}

}  // namespace
}  // namespace fathom
