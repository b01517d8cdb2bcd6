// SPDX-License-Identifier: MIT
#include "engine/engine_core.h"

#include <new>
#include <system_error>

#include "base/concat.h"
#include "engine/check_request.h"

namespace fathom {

Engine::Core::Core(const Model& model, const EngineOptions& options)
    : model_(model),
      options_(options),
      gate_({.queue = options.queue, .per_tenant = options.per_tenant, .parallel = options.parallel}) {}

Result<std::unique_ptr<Engine::Core>> Engine::Core::open(const Model& model, const EngineOptions& options) {
  std::unique_ptr<Core> core(new Core(model, options));
  FATHOM_ASSIGN_OR_RETURN(core->scheduler_, Scheduler::create(model, core->options_, core->gate_));
  core->stats_ = core->scheduler_->stats();
  try {
    core->thread_ = std::thread([c = core.get()] { c->run(); });
  } catch (const std::system_error& e) {
    return Status(StatusCode::kResourceExhausted, concat("engine: the system refused a thread: ", e.what()));
  }
  return core;
}

Engine::Core::~Core() {
  gate_.close();
  {
    const std::lock_guard lock(mu_);
    stop_ = true;
  }
  changed_.notify_all();
  if (thread_.joinable()) thread_.join();
}

// What can be said without knowing what else runs.
Status Engine::Core::check(const Request& request) const {
  FATHOM_RETURN_IF_ERROR(check_request(model_.config, request, options_.context));
  if (request.choices > options_.parallel) {
    return Status(StatusCode::kInvalidArgument, concat("choices: expected at most ", options_.parallel,
                                                       " (what runs at once), found ", request.choices));
  }
  const int64_t bytes = request_bytes(model_.config, request, options_);
  if (bytes <= options_.state_bytes) return Status();
  return Status(StatusCode::kInvalidArgument,
                concat("request: expected a need of at most ", options_.state_bytes,
                       " bytes of sequence state (the memory budget), found ", bytes));
}

Result<RequestId> Engine::Core::submit(Request request, std::shared_ptr<EventSink> sink) {
  Result<RequestId> id = enqueue(std::move(request), std::move(sink));
  if (!id.ok()) {
    const std::lock_guard lock(mu_);
    ++rejected_;
    return id;
  }
  changed_.notify_one();
  return id;
}

// All that can fail comes before the gate counts the request in.
Result<RequestId> Engine::Core::enqueue(Request request, std::shared_ptr<EventSink> sink) {
  FATHOM_RETURN_IF_ERROR(check(request));
  auto live = std::make_unique<LiveRequest>();
  live->request = std::move(request);
  live->sink = std::move(sink);
  live->cancelled = std::make_shared<std::atomic<bool>>(false);
  live->arrived = options_.clock->now();
  live->submitted = StepClock::now();
  const std::lock_guard lock(mu_);
  arrivals_.reserve(arrivals_.size() + 1);
  live->id = RequestId{last_id_ + 1};
  cancel_flags_.emplace(last_id_ + 1, live->cancelled);
  if (Status entered = gate_.enter(live->request.tenant); !entered.ok()) {
    cancel_flags_.erase(last_id_ + 1);
    return entered;
  }
  arrivals_.push_back(std::move(live));
  idle_ = false;
  return RequestId{++last_id_};
}

void Engine::Core::cancel(RequestId id) {
  const std::lock_guard lock(mu_);
  const auto found = cancel_flags_.find(static_cast<uint64_t>(id));
  if (found != cancel_flags_.end()) found->second->store(true, std::memory_order_relaxed);
}

EngineStats Engine::Core::stats() const {
  const std::lock_guard lock(mu_);
  EngineStats stats = stats_;
  stats.rejected = rejected_;
  stats.waiting = gate_.waiting();
  stats.running = gate_.running();
  return stats;
}

void Engine::Core::drain(std::chrono::milliseconds limit) {
  gate_.close();
  std::unique_lock lock(mu_);
  abort_at_ = std::chrono::steady_clock::now() + limit;
  changed_.notify_all();
  emptied_.wait(lock, [&] { return idle_; });
}

// Hands arrivals to the scheduler, waiting for some when there is nothing else to do. False: stop.
bool Engine::Core::take_orders() {
  std::unique_lock lock(mu_);
  if (arrivals_.empty() && scheduler_->idle()) {
    idle_ = true;
    emptied_.notify_all();
    changed_.wait(lock, [&] { return stop_ || !arrivals_.empty(); });
  }
  for (auto& arrival : arrivals_) scheduler_->add(std::move(arrival));
  arrivals_.clear();
  const bool late = abort_at_ && std::chrono::steady_clock::now() >= *abort_at_;
  const bool stop = stop_;
  lock.unlock();
  if (stop || late) scheduler_->abort_all();
  return !stop;
}

// Counters first: who hears of an end finds it counted.
void Engine::Core::publish() {
  const EngineStats stats = scheduler_->stats();
  {
    const std::lock_guard lock(mu_);
    stats_ = stats;
    for (const auto& request : scheduler_->ended()) cancel_flags_.erase(static_cast<uint64_t>(request->id));
  }
  scheduler_->tell_ends();
}

void Engine::Core::run() {
  while (take_orders()) {
    scheduler_->turn();
    publish();
  }
  publish();
  const std::lock_guard lock(mu_);
  idle_ = true;
  emptied_.notify_all();
}

}  // namespace fathom
