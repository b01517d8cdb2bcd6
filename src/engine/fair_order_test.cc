// SPDX-License-Identifier: MIT
#include "engine/fair_order.h"

#include <gtest/gtest.h>

#include <vector>

namespace fathom {
namespace {

using std::chrono::milliseconds;

// Admits everything one by one as if each request ended before the next; the order by arrival number.
std::vector<uint64_t> order_of(std::vector<WaitingTicket> tickets, milliseconds now) {
  FairOrder order;
  std::vector<uint64_t> numbers;
  while (!tickets.empty()) {
    const size_t next = order.next(tickets, now);
    numbers.push_back(tickets[next].number);
    order.admitted(tickets[next].tenant);
    order.finished(tickets[next].tenant);
    tickets.erase(tickets.begin() + static_cast<ptrdiff_t>(next));
  }
  return numbers;
}

WaitingTicket ticket(std::string_view tenant, uint64_t number, int priority = 0, int arrived = 0) {
  return {tenant, priority, milliseconds(arrived), number};
}

TEST(FairOrder, OneTenantIsServedInOrderOfArrival) {
  EXPECT_EQ(order_of({ticket("a", 3), ticket("a", 1), ticket("a", 2)}, milliseconds(0)),
            (std::vector<uint64_t>{1, 2, 3}));
}

TEST(FairOrder, TenantsTakeTurns) {
  EXPECT_EQ(order_of({ticket("a", 1), ticket("a", 2), ticket("a", 3), ticket("b", 4), ticket("c", 5)},
                     milliseconds(0)),
            (std::vector<uint64_t>{1, 4, 5, 2, 3}));
}

TEST(FairOrder, WhoHasFewerRunningComesFirst) {
  FairOrder order;
  order.admitted("b");
  order.admitted("a");
  order.admitted("a");
  const std::vector<WaitingTicket> tickets = {ticket("a", 1), ticket("b", 2)};
  EXPECT_EQ(order.next(tickets, milliseconds(0)), 1u);
  order.finished("a");
  order.finished("a");
  EXPECT_EQ(order.next(tickets, milliseconds(0)), 0u);
}

TEST(FairOrder, PriorityPassesUntilWaitingHasMadeUpForIt) {
  const std::vector<WaitingTicket> tickets = {ticket("a", 1, 0, 0), ticket("b", 2, 3, 25'000)};
  FairOrder order;
  EXPECT_EQ(order.next(tickets, milliseconds(25'000)), 1u);
  // One waits from 0, the other from 25 s on: priorities 3 and 3, equal, so arrival counts.
  EXPECT_EQ(order.next(tickets, milliseconds(30'000)), 0u);
}

TEST(FairOrder, ManyTenantsDoNotPileUp) {
  FairOrder order;
  for (int i = 0; i < 20'000; ++i) {
    const std::string tenant = "tenant " + std::to_string(i);
    order.admitted(tenant);
    order.finished(tenant);
  }
  // The last ones are still known: they come after one that was never seen.
  const std::vector<WaitingTicket> tickets = {ticket("tenant 19999", 1), ticket("new", 2)};
  EXPECT_EQ(order.next(tickets, milliseconds(0)), 1u);
}

}  // namespace
}  // namespace fathom
