// SPDX-License-Identifier: MIT
// LiveRequest: a request inside the engine, from submit to its end (design.md 11).
//
// Owned by the scheduler; engine thread only, but for `cancelled`.
#pragma once

#include <atomic>
#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

#include "base/check.h"
#include "engine/choice.h"
#include "engine/engine.h"
#include "engine/event_sink.h"
#include "engine/ledger.h"
#include "engine/request.h"
#include "engine/request_phase.h"

namespace fathom {

using StepClock = std::chrono::steady_clock;

inline double seconds_between(StepClock::time_point from, StepClock::time_point to) noexcept {
  return std::chrono::duration<double>(to - from).count();
}

struct LiveRequest {
  RequestId id{};
  Request request;
  std::shared_ptr<EventSink> sink;
  std::shared_ptr<std::atomic<bool>> cancelled;
  std::chrono::milliseconds arrived{0};  // by the engine's clock: deadline, queue timeout, priority
  StepClock::time_point submitted;       // what is measured

  RequestPhase phase = RequestPhase::kWaiting;
  CacheTenant cache_tenant;
  int64_t limit = 0;           // tokens of each choice
  std::vector<int64_t> stops;  // positions within the prompt where its prefill pauses, ascending
  std::optional<Ledger::Reservation> reservation;
  // All choices exist from admission on; while the prompt is computed its state is the first one's.
  std::vector<std::unique_ptr<Choice>> choices;
  std::vector<Choice*> drawing;  // the same, for StepItem
  StepClock::time_point admitted;
  StepClock::time_point first_token;
  StepClock::time_point last_token;
  Usage usage;
  Status failure;  // why it failed, once it has

  void move_to(RequestPhase next) noexcept {
    FATHOM_CHECK(may_move(phase, next));
    phase = next;
  }
  int64_t prompt_tokens() const noexcept { return static_cast<int64_t>(request.prompt.size()); }
};

}  // namespace fathom
