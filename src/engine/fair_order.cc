// SPDX-License-Identifier: MIT
#include "engine/fair_order.h"

#include <algorithm>
#include <tuple>
#include <vector>

#include "base/check.h"

namespace fathom {
namespace {

// Tenants that have nothing running are remembered up to here: their last turns keep the order fair.
constexpr size_t kRememberedTenants = 4096;

}  // namespace

FairOrder::Tenant FairOrder::find(std::string_view tenant) const {
  const auto found = tenants_.find(tenant);
  return found == tenants_.end() ? Tenant{} : found->second;
}

size_t FairOrder::next(std::span<const WaitingTicket> tickets, std::chrono::milliseconds now) const {
  FATHOM_CHECK(!tickets.empty());
  // Smallest first.
  const auto rank = [&](const WaitingTicket& ticket) {
    const Tenant tenant = find(ticket.tenant);
    const int64_t priority = ticket.priority + (now - ticket.arrived) / kPriorityStep;
    return std::tuple(-priority, tenant.running, tenant.last_turn, ticket.number);
  };
  size_t best = 0;
  auto best_rank = rank(tickets[0]);
  for (size_t i = 1; i < tickets.size(); ++i) {
    const auto candidate = rank(tickets[i]);
    if (candidate >= best_rank) continue;
    best = i;
    best_rank = candidate;
  }
  return best;
}

void FairOrder::admitted(std::string_view tenant) {
  if (tenants_.size() >= kRememberedTenants) forget_idle_tenants();
  auto found = tenants_.find(tenant);
  if (found == tenants_.end()) found = tenants_.emplace(tenant, Tenant{}).first;
  ++found->second.running;
  found->second.last_turn = ++turns_;
}

void FairOrder::finished(std::string_view tenant) {
  const auto found = tenants_.find(tenant);
  FATHOM_CHECK(found != tenants_.end() && found->second.running > 0);
  --found->second.running;
}

// The older half of those without running requests.
void FairOrder::forget_idle_tenants() {
  std::vector<uint64_t> turns;
  for (const auto& [name, tenant] : tenants_) {
    if (tenant.running == 0) turns.push_back(tenant.last_turn);
  }
  if (turns.empty()) return;
  const auto middle = turns.begin() + static_cast<ptrdiff_t>(turns.size() / 2);
  std::nth_element(turns.begin(), middle, turns.end());
  std::erase_if(tenants_, [&](const auto& entry) {
    return entry.second.running == 0 && entry.second.last_turn <= *middle;
  });
}

}  // namespace fathom
