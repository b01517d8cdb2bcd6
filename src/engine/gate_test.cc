// SPDX-License-Identifier: MIT
#include "engine/gate.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

TEST(Gate, RefusesBeyondQueueAndTenantAndWhenClosed) {
  Gate gate({.queue = 3, .per_tenant = 2, .parallel = 4});
  EXPECT_TRUE(gate.enter("a").ok());
  EXPECT_TRUE(gate.enter("a").ok());
  EXPECT_EQ(gate.room("a").verdict, RoomVerdict::kTooManyOfTenant);
  EXPECT_EQ(gate.enter("a").code(), StatusCode::kResourceExhausted);
  EXPECT_EQ(gate.room("b").verdict, RoomVerdict::kRoom);
  EXPECT_EQ(gate.room("b").retry_after_seconds, 0);
  EXPECT_TRUE(gate.enter("b").ok());
  EXPECT_EQ(gate.room("b").verdict, RoomVerdict::kQueueFull);
  EXPECT_EQ(gate.enter("c").message(), "queue: expected fewer than 3 waiting requests, found 3");
  gate.admitted();
  EXPECT_EQ(gate.room("c").verdict, RoomVerdict::kRoom);
  gate.close();
  EXPECT_EQ(gate.enter("c").code(), StatusCode::kUnavailable);
}

TEST(Gate, CountsGoBackToNothing) {
  Gate gate({.queue = 3, .per_tenant = 2, .parallel = 4});
  EXPECT_TRUE(gate.enter("a").ok());
  EXPECT_TRUE(gate.enter("a").ok());
  gate.admitted();
  EXPECT_EQ(gate.waiting(), 1);
  EXPECT_EQ(gate.running(), 1);
  gate.left_queue("a");
  gate.finished("a", 1.0);
  EXPECT_EQ(gate.waiting(), 0);
  EXPECT_EQ(gate.running(), 0);
  EXPECT_TRUE(gate.enter("a").ok());
  EXPECT_TRUE(gate.enter("a").ok());
}

TEST(Gate, TheEstimateFollowsTheQueueAndStaysWithinAMinute) {
  Gate gate({.queue = 2, .per_tenant = 9, .parallel = 1});
  EXPECT_TRUE(gate.enter("a").ok());
  gate.admitted();
  gate.finished("a", 4.0);
  EXPECT_TRUE(gate.enter("a").ok());
  gate.admitted();
  EXPECT_TRUE(gate.enter("a").ok());
  EXPECT_TRUE(gate.enter("a").ok());
  EXPECT_EQ(gate.room("a").retry_after_seconds, 12) << "three before it, one at a time, 4 s each";
  for (int i = 0; i < 100; ++i) {
    gate.finished("a", 1000.0);
    gate.admitted();
    EXPECT_TRUE(gate.enter("a").ok());
  }
  EXPECT_EQ(gate.room("a").retry_after_seconds, 60);
}

}  // namespace
}  // namespace fathom
