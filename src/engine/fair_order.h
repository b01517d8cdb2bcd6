// SPDX-License-Identifier: MIT
// FairOrder: which waiting request runs next (design.md 9, 11).
//
// Higher priority first, and waiting raises it, so nothing waits for ever. Among equals the tenant with the
// fewest running requests, then the one whose last turn is longest ago; within a tenant first come, first
// served. The next one is never passed by a smaller one, so a large request cannot starve. Engine thread
// only.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <span>
#include <string>
#include <string_view>

namespace fathom {

// What counts of a waiting request.
struct WaitingTicket {
  std::string_view tenant;
  int priority = 0;
  std::chrono::milliseconds arrived{0};
  uint64_t number = 0;  // order of arrival
};

class FairOrder {
 public:
  // Waiting so long is worth one step of priority.
  static constexpr std::chrono::milliseconds kPriorityStep = std::chrono::seconds(10);

  // Index of the ticket whose turn it is; requires at least one.
  size_t next(std::span<const WaitingTicket> tickets, std::chrono::milliseconds now) const;
  void admitted(std::string_view tenant);
  void finished(std::string_view tenant);

 private:
  struct Tenant {
    int running = 0;
    uint64_t last_turn = 0;
  };

  void forget_idle_tenants();
  Tenant find(std::string_view tenant) const;

  std::map<std::string, Tenant, std::less<>> tenants_;
  uint64_t turns_ = 0;
};

}  // namespace fathom
