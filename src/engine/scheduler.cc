// SPDX-License-Identifier: MIT
#include "engine/scheduler.h"

#include <algorithm>
#include <new>

#include "base/concat.h"
#include "engine/check_request.h"
#include "engine/logprobs.h"
#include "engine/model_memory.h"
#include "ops/tier.h"

namespace fathom {
namespace {

// States grow by so many tokens at a time inside their reservation.
constexpr int64_t kRoomTokens = 256;

// Raised whenever the bits of a state change.
constexpr int kNumericsRevision = 1;

Result<std::unique_ptr<PrefixCache>> open_cache(const Model& model, const EngineOptions& options) {
  if (options.cache.ram_bytes == 0 && options.cache.disk_dir.empty()) return std::unique_ptr<PrefixCache>();
  // Stored without the draft layer's part: whether that runs is decided by the clock, and drafts do not
  // change answers.
  const CacheIdentity identity{
      .fingerprint = options.model_fingerprint,
      .numerics = concat("revision ", kNumericsRevision, ", tier ", selected_tier(), ", ranks 1, rounding ",
                         options.rounding == Rounding::kAsDeployed ? "as deployed" : "none"),
      .draft_layer = false};
  return PrefixCache::create(options.cache, model.config, identity);
}

}  // namespace

Result<std::unique_ptr<Scheduler>> Scheduler::create(const Model& model, const EngineOptions& options,
                                                     Gate& gate) {
  FATHOM_ASSIGN_OR_RETURN(auto runner,
                          StepRunner::create(model, {.threads = options.threads,
                                                     .rounding = options.rounding,
                                                     .batch_tokens = options.batch_tokens,
                                                     .logit_rows = serving_logit_rows(options.parallel)}));
  FATHOM_ASSIGN_OR_RETURN(auto cache, open_cache(model, options));
  return std::unique_ptr<Scheduler>(
      new Scheduler(model, options, gate, {std::move(runner), std::move(cache)}));
}

Scheduler::Scheduler(const Model& model, const EngineOptions& options, Gate& gate, Parts parts)
    : model_(model),
      options_(options),
      gate_(gate),
      ledger_(options.state_bytes),
      budget_(options.batch_tokens, static_cast<double>(options.step_ms) * 1e-3),
      speculation_(options.drafts),
      runner_(std::move(parts.runner)),
      cache_(std::move(parts.cache)) {
  plan_.items.reserve(static_cast<size_t>(options.parallel));
  plan_.owners.reserve(static_cast<size_t>(options.parallel));
  running_.reserve(static_cast<size_t>(options.parallel));
  ended_.reserve(static_cast<size_t>(options.parallel));
}

void Scheduler::add(std::unique_ptr<LiveRequest> request) { waiting_.push_back(std::move(request)); }

void Scheduler::turn() {
  sweep();
  admit();
  if (!running_.empty()) step();
}

// Why a request cannot go on; success while it can.
Status Scheduler::overdue(const LiveRequest& request, std::chrono::milliseconds now) const {
  if (request.cancelled->load(std::memory_order_relaxed)) {
    return Status(StatusCode::kCancelled, "request: cancelled");
  }
  const auto age = now - request.arrived;
  if (request.request.deadline && age >= *request.request.deadline) {
    return Status(StatusCode::kDeadlineExceeded, concat("request: not done within its deadline of ",
                                                        request.request.deadline->count(), " ms"));
  }
  if (request.phase == RequestPhase::kWaiting && age >= options_.queue_timeout) {
    return Status(StatusCode::kUnavailable,
                  concat("queue: still waiting after ", options_.queue_timeout.count(), " ms"));
  }
  return Status();
}

void Scheduler::sweep() {
  const auto now = options_.clock->now();
  for (auto* requests : {&waiting_, &running_}) {
    for (const auto& request : *requests) {
      if (const Status status = overdue(*request, now); !status.ok()) fail(*request, status);
    }
  }
  drop_finished();
}

void Scheduler::admit() {
  const auto now = options_.clock->now();
  std::vector<WaitingTicket> tickets;
  while (!waiting_.empty()) {
    tickets.clear();
    for (const auto& waiting : waiting_) {
      tickets.push_back({waiting->request.tenant, waiting->request.priority, waiting->arrived,
                         static_cast<uint64_t>(waiting->id)});
    }
    const size_t next = order_.next(tickets, now);
    LiveRequest& request = *waiting_[next];
    if (running_choices_ + request.request.choices > options_.parallel) return;
    auto reservation = ledger_.reserve(request_bytes(model_.config, request.request, options_));
    if (!reservation) return;
    const Status prepared = prepare(request, std::move(*reservation));
    running_.push_back(std::move(waiting_[next]));
    waiting_.erase(waiting_.begin() + static_cast<ptrdiff_t>(next));
    if (!prepared.ok()) fail(request, prepared);
  }
  drop_finished();
}

// Makes a waiting request a running one. An error leaves it running, to be failed.
Status Scheduler::prepare(LiveRequest& request, Ledger::Reservation reservation) {
  request.move_to(RequestPhase::kPrefill);
  request.admitted = StepClock::now();
  request.reservation.emplace(std::move(reservation));
  request.usage.queue_seconds = seconds_between(request.submitted, request.admitted);
  running_choices_ += request.request.choices;
  order_.admitted(request.request.tenant);
  gate_.admitted();
  stats_.queue.add(request.usage.queue_seconds);
  try {
    request.limit = output_limit(request.request, options_.context);
    for (int number = 0; number < request.request.choices; ++number) {
      request.choices.push_back(
          std::make_unique<Choice>(request.request, number, request.limit, model_.config.vocab_size));
      request.drawing.push_back(request.choices.back().get());
    }
    FATHOM_RETURN_IF_ERROR(make_state(request));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kResourceExhausted, "request: the system has no memory for it");
  }
  request.usage.prompt_tokens = request.prompt_tokens();
  stats_.prompt_tokens += static_cast<uint64_t>(request.prompt_tokens());
  stats_.cached_prompt_tokens += static_cast<uint64_t>(request.usage.cached_tokens);
  request.sink->started({request.usage.prompt_tokens, request.usage.cached_tokens});
  return Status();
}

// An empty state, or the longest prefix of the prompt that was kept. The last token is always computed, as
// its logits are wanted.
Status Scheduler::make_state(LiveRequest& request) {
  SequenceState& state = request.choices[0]->state;
  FATHOM_ASSIGN_OR_RETURN(state, SequenceState::create(model_.config, 0, row_precision(options_.rounding)));
  const std::span<const int32_t> prompt = request.request.prompt;
  if (!cache_ || request.request.prompt_top_logprobs) return Status();
  request.cache_tenant =
      cache_tenant(options_.cache_secret, request.request.tenant, request.request.cache_salt);
  FATHOM_ASSIGN_OR_RETURN(const CacheHit hit,
                          cache_->restore(request.cache_tenant, prompt.first(prompt.size() - 1), state));
  request.usage.cached_tokens = hit.tokens;
  request.stops = cache_->borders(request.cache_tenant, prompt, hit.tokens, request.request.borders);
  return Status();
}

// Leaves the state in the prefix cache, for prompts that begin with its tokens.
void Scheduler::keep(LiveRequest& request, Choice& choice) {
  if (!cache_ || request.request.prompt_top_logprobs || choice.state.position() == 0) return;
  const int64_t draft_tokens = choice.state.draft_tokens();
  choice.state.set_draft_tokens(0);
  cache_->store(request.cache_tenant, choice.state);
  choice.state.set_draft_tokens(draft_tokens);
}

// Takes memory for the tokens of an item, in stretches, up to what the request has reserved.
Status Scheduler::reserve_room(const StepItem& item, const LiveRequest& request) {
  const int64_t end = item.owner->state.position() + static_cast<int64_t>(item.tokens.size());
  const int64_t stretch = (end + kRoomTokens - 1) / kRoomTokens * kRoomTokens;
  try {
    return item.owner->state.reserve(std::min(stretch, request.prompt_tokens() + request.limit));
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kResourceExhausted, "request: the system has no memory for its state");
  }
}

Status Scheduler::check_weights() const {
  return options_.weights == nullptr ? Status() : options_.weights->check_intact();
}

// What was computed is void for all; nothing of it is delivered or kept (reliability.md F-7).
void Scheduler::fail_running(const Status& status) {
  stats_.weights_intact = false;
  for (const auto& request : running_) {
    if (request->phase != RequestPhase::kFinished) fail(*request, status);
  }
  drop_finished();
}

void Scheduler::step() {
  const auto start = StepClock::now();
  plan_step(running_, budget_, runner_->sizes().logit_rows, plan_);
  for (size_t i = 0; i < plan_.items.size(); ++i) {
    const Status reserved = reserve_room(plan_.items[i], *plan_.owners[i]);
    if (!reserved.ok() && plan_.owners[i]->phase != RequestPhase::kFinished) fail(*plan_.owners[i], reserved);
  }
  plan_.drop_finished();
  if (plan_.items.empty()) return drop_finished();
  const auto generated = stats_.generated_tokens;
  runner_->run(plan_.items, speculation_.next(plan_.decode_choices));
  if (const Status intact = check_weights(); !intact.ok()) return fail_running(intact);
  for (size_t i = 0; i < plan_.items.size(); ++i) {
    const StepItem& item = plan_.items[i];
    LiveRequest& request = *plan_.owners[i];
    if (request.phase == RequestPhase::kFinished) continue;
    if (item.kind == StepKind::kPrefill) {
      deliver_prompt(request, item);
    } else {
      deliver(request, *item.choices[0]);
    }
  }
  // Only now: a choice may have ended whose last token was not delivered above yet.
  for (const auto& request : running_) finish_if_done(*request);
  const double seconds = seconds_between(start, StepClock::now());
  budget_.measured(plan_.decode_rows, plan_.prefill_rows, seconds);
  if (plan_.prefill_rows == 0) {
    speculation_.measured(plan_.decode_choices, static_cast<int64_t>(stats_.generated_tokens - generated),
                          seconds);
  }
  stats_.step.add(seconds);
  drop_finished();
}

// What a part of a prompt gave: logprobs of its tokens, and at its end the first token of every choice.
void Scheduler::deliver_prompt(LiveRequest& request, const StepItem& item) {
  if (request.request.prompt_top_logprobs) deliver_prompt_logprobs(request, item);
  const int64_t position = item.owner->state.position();
  if (std::binary_search(request.stops.begin(), request.stops.end(), position)) keep(request, *item.owner);
  if (position < request.prompt_tokens()) return;
  request.move_to(RequestPhase::kDecode);
  request.first_token = StepClock::now();
  request.last_token = request.first_token;
  request.usage.prefill_seconds = seconds_between(request.admitted, request.first_token);
  stats_.prefill.add(request.usage.prefill_seconds);
  stats_.time_to_first_token.add(seconds_between(request.submitted, request.first_token));
  if (request.limit == 0) {
    for (Choice* choice : request.drawing) {
      choice->finish(ChoiceEnd::kLength);
      request.sink->choice_finished(choice->number(), ChoiceEnd::kLength);
    }
    return;
  }
  if (const Status forked = fork_choices(request); !forked.ok()) return fail(request, forked);
  for (Choice* choice : request.drawing) deliver(request, *choice);
}

void Scheduler::deliver_prompt_logprobs(LiveRequest& request, const StepItem& item) {
  const auto& prompt = request.request.prompt;
  const auto first = static_cast<size_t>(item.owner->state.position()) - item.tokens.size();
  for (size_t row = 0; row < item.tokens.size() && first + row + 1 < prompt.size(); ++row) {
    const auto logits = item.logits.row_span(static_cast<int64_t>(row));
    const double log_sum = log_sum_exp(logits);
    const int32_t id = prompt[first + row + 1];
    top_logprobs(logits, *request.request.prompt_top_logprobs, log_sum, top_);
    request.sink->prompt_token({id, log_softmax_at(logits, id, log_sum), top_});
  }
}

// The states of all choices but the first.
Status Scheduler::fork_choices(LiveRequest& request) {
  try {
    for (size_t i = 1; i < request.choices.size(); ++i) {
      if (request.choices[i]->end()) continue;
      const Choice& first = *request.choices[0];
      FATHOM_ASSIGN_OR_RETURN(request.choices[i]->state, first.state.fork(0));
      request.choices[i]->draft_begin = first.draft_begin;
      request.choices[i]->draft_lag = first.draft_lag;
    }
  } catch (const std::bad_alloc&) {
    return Status(StatusCode::kResourceExhausted, "request: the system has no memory for its choices");
  }
  return Status();
}

void Scheduler::deliver(LiveRequest& request, Choice& choice) {
  const auto now = StepClock::now();
  size_t delivered = 0;
  for (const SampledToken& token : choice.fresh()) {
    if (request.cancelled->load(std::memory_order_relaxed)) return;  // the next sweep ends it
    ++delivered;
    ++request.usage.completion_tokens;
    ++stats_.generated_tokens;
    if (token.reasoning) ++request.usage.reasoning_tokens;
    if (request.sink->token(choice.number(), token.view()) == TokenVerdict::kContinue) continue;
    choice.finish(ChoiceEnd::kStopped);
    break;
  }
  choice.count_gaps(now, delivered, stats_.inter_token);
  request.last_token = now;
  if (!choice.end()) return;
  if (*choice.end() != ChoiceEnd::kAborted) keep(request, choice);
  request.sink->choice_finished(choice.number(), *choice.end());
}

void Scheduler::finish_if_done(LiveRequest& request) {
  const bool cancelled = request.cancelled->load(std::memory_order_relaxed);
  if (request.phase != RequestPhase::kDecode || cancelled) return;
  const auto done = [](const Choice* choice) { return choice->end().has_value(); };
  if (std::all_of(request.drawing.begin(), request.drawing.end(), done)) finish(request);
}

void Scheduler::finish(LiveRequest& request) {
  const auto ended = [&](ChoiceEnd end) {
    return std::any_of(request.drawing.begin(), request.drawing.end(),
                       [&](const Choice* choice) { return choice->end() == end; });
  };
  ++(ended(ChoiceEnd::kAborted)   ? stats_.finished_aborted
     : ended(ChoiceEnd::kStopped) ? stats_.finished_stop
                                  : stats_.finished_length);
  if (request.phase == RequestPhase::kDecode) {
    request.usage.decode_seconds = seconds_between(request.first_token, request.last_token);
  }
  leave(request);
}

void Scheduler::fail(LiveRequest& request, const Status& status) {
  ++(status.code() == StatusCode::kCancelled ? stats_.cancelled : stats_.failed);
  request.failure = status;
  leave(request);
}

// The end of a request for everyone but its sink; drop_finished moves it to ended_.
void Scheduler::leave(LiveRequest& request) {
  const bool waited = request.phase == RequestPhase::kWaiting;
  for (const Choice* choice : request.drawing) {
    request.usage.drafted_tokens += choice->drafted();
    request.usage.accepted_tokens += choice->accepted();
  }
  stats_.draft_tokens += static_cast<uint64_t>(request.usage.drafted_tokens);
  stats_.draft_accepted += static_cast<uint64_t>(request.usage.accepted_tokens);
  request.move_to(RequestPhase::kFinished);
  const auto now = StepClock::now();
  stats_.request.add(seconds_between(request.submitted, now));
  if (waited) return gate_.left_queue(request.request.tenant);
  gate_.finished(request.request.tenant, seconds_between(request.admitted, now));
  order_.finished(request.request.tenant);
  running_choices_ -= request.request.choices;
  request.choices.clear();
  request.drawing.clear();
  request.reservation.reset();
}

void Scheduler::drop_finished() {
  for (auto* requests : {&waiting_, &running_}) {
    for (auto& request : *requests) {
      if (request->phase == RequestPhase::kFinished) ended_.push_back(std::move(request));
    }
    std::erase(*requests, nullptr);
  }
}

void Scheduler::tell_ends() {
  for (const auto& request : ended_) {
    if (request->failure.ok()) {
      request->sink->finished(request->usage);
    } else {
      request->sink->failed(request->failure);
    }
  }
  ended_.clear();
}

void Scheduler::abort_all() {
  for (const auto& request : waiting_) {
    fail(*request, Status(StatusCode::kUnavailable, "engine: draining, the request did not start"));
  }
  for (const auto& request : running_) {
    for (Choice* choice : request->drawing) {
      if (choice->end()) continue;
      choice->finish(ChoiceEnd::kAborted);
      request->sink->choice_finished(choice->number(), ChoiceEnd::kAborted);
    }
    finish(*request);
  }
  drop_finished();
}

EngineStats Scheduler::stats() const {
  EngineStats stats = stats_;
  stats.state_bytes = ledger_.used();
  stats.state_budget_bytes = ledger_.capacity();
  if (cache_) stats.cache = cache_->stats();
  return stats;
}

}  // namespace fathom
