// SPDX-License-Identifier: MIT
#include "engine/gate.h"

#include <algorithm>
#include <cmath>

#include "base/check.h"
#include "base/concat.h"

namespace fathom {

Room Gate::room(std::string_view tenant) const {
  const std::lock_guard lock(mu_);
  return room_locked(tenant);
}

Room Gate::room_locked(std::string_view tenant) const {
  // The queue moves on by one whenever one of the running ends.
  const double one_ends = mean_seconds_ / std::max(1, running_);
  Room room{RoomVerdict::kRoom,
            static_cast<int>(std::clamp(std::ceil((waiting_ + 1) * one_ends), 1.0, 60.0))};
  const auto count = of_tenant_.find(tenant);
  if (closed_) {
    room.verdict = RoomVerdict::kDraining;
  } else if (waiting_ >= limits_.queue) {
    room.verdict = RoomVerdict::kQueueFull;
  } else if (count != of_tenant_.end() && count->second >= limits_.per_tenant) {
    room.verdict = RoomVerdict::kTooManyOfTenant;
  } else {
    room.retry_after_seconds = 0;
  }
  return room;
}

Status Gate::enter(std::string_view tenant) {
  const std::lock_guard lock(mu_);
  switch (room_locked(tenant).verdict) {
    case RoomVerdict::kRoom: break;
    case RoomVerdict::kQueueFull:
      return Status(StatusCode::kResourceExhausted, concat("queue: expected fewer than ", limits_.queue,
                                                           " waiting requests, found ", waiting_));
    case RoomVerdict::kTooManyOfTenant:
      return Status(StatusCode::kResourceExhausted,
                    concat("requests of this key: expected fewer than ", limits_.per_tenant,
                           " at once, found ", of_tenant_.find(tenant)->second));
    case RoomVerdict::kDraining:
      return Status(StatusCode::kUnavailable, "engine: draining, no new requests are taken");
  }
  ++waiting_;
  const auto count = of_tenant_.find(tenant);
  if (count == of_tenant_.end()) {
    of_tenant_.emplace(tenant, 1);
  } else {
    ++count->second;
  }
  return Status();
}

void Gate::admitted() {
  const std::lock_guard lock(mu_);
  --waiting_;
  ++running_;
}

void Gate::left_queue(std::string_view tenant) {
  const std::lock_guard lock(mu_);
  --waiting_;
  forget(tenant);
}

void Gate::finished(std::string_view tenant, double seconds) {
  const std::lock_guard lock(mu_);
  --running_;
  // The last 20 or so requests count.
  mean_seconds_ = mean_seconds_ == 0.0 ? seconds : mean_seconds_ + 0.05 * (seconds - mean_seconds_);
  forget(tenant);
}

void Gate::forget(std::string_view tenant) {
  const auto count = of_tenant_.find(tenant);
  FATHOM_CHECK(count != of_tenant_.end());
  if (--count->second == 0) of_tenant_.erase(count);
}

void Gate::close() {
  const std::lock_guard lock(mu_);
  closed_ = true;
}

int64_t Gate::waiting() const {
  const std::lock_guard lock(mu_);
  return waiting_;
}

int64_t Gate::running() const {
  const std::lock_guard lock(mu_);
  return running_;
}

}  // namespace fathom
