// SPDX-License-Identifier: MIT
// Scheduler: waiting and running requests, from admission to the last event (design.md 9, 11).
//
// Invariants: a running request holds its memory in the ledger until its end; a request leaves through
// exactly one of finish and fail, which tell its sink, the gate and the counters. Engine thread only.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "cache/prefix_cache.h"
#include "engine/chunk_budget.h"
#include "engine/engine.h"
#include "engine/fair_order.h"
#include "engine/gate.h"
#include "engine/ledger.h"
#include "engine/live_request.h"
#include "engine/speculation.h"
#include "engine/step_plan.h"
#include "engine/step_runner.h"

namespace fathom {

class Scheduler {
 public:
  // `model` and `gate` must outlive the scheduler; `options` as settled by Engine::open.
  static Result<std::unique_ptr<Scheduler>> create(const Model& model, const EngineOptions& options,
                                                   Gate& gate);

  void add(std::unique_ptr<LiveRequest> request);
  bool idle() const noexcept { return waiting_.empty() && running_.empty(); }

  // Ends what was cancelled or is out of time, lets in what fits, and computes one step.
  void turn();

  // Requests whose end their sinks have not heard of yet, and telling them.
  std::span<const std::unique_ptr<LiveRequest>> ended() const noexcept { return ended_; }
  void tell_ends();

  // Ends everything: running choices as kAborted, waiting requests with kUnavailable.
  void abort_all();

  EngineStats stats() const;

 private:
  struct Parts {
    std::unique_ptr<StepRunner> runner;
    std::unique_ptr<PrefixCache> cache;  // null: none
  };

  Scheduler(const Model& model, const EngineOptions& options, Gate& gate, Parts parts);

  Status overdue(const LiveRequest& request, std::chrono::milliseconds now) const;
  void sweep();
  void admit();
  Status prepare(LiveRequest& request, Ledger::Reservation reservation);
  Status make_state(LiveRequest& request);
  void keep(LiveRequest& request, Choice& choice);
  Status check_weights() const;
  void fail_running(const Status& status);
  void step();
  Status reserve_room(const StepItem& item, const LiveRequest& request);
  void deliver_prompt(LiveRequest& request, const StepItem& item);
  void deliver_prompt_logprobs(LiveRequest& request, const StepItem& item);
  Status fork_choices(LiveRequest& request);
  void deliver(LiveRequest& request, Choice& choice);
  void finish_if_done(LiveRequest& request);
  void finish(LiveRequest& request);
  void fail(LiveRequest& request, const Status& status);
  void leave(LiveRequest& request);
  void drop_finished();

  const Model& model_;
  const EngineOptions& options_;
  Gate& gate_;
  Ledger ledger_;
  FairOrder order_;
  ChunkBudget budget_;
  Speculation speculation_;
  std::unique_ptr<StepRunner> runner_;
  std::unique_ptr<PrefixCache> cache_;
  std::vector<std::unique_ptr<LiveRequest>> waiting_;  // in order of arrival
  std::vector<std::unique_ptr<LiveRequest>> running_;  // in order of admission
  std::vector<std::unique_ptr<LiveRequest>> ended_;
  int running_choices_ = 0;
  StepPlan plan_;
  std::vector<TokenLogprob> top_;
  EngineStats stats_;
};

}  // namespace fathom
