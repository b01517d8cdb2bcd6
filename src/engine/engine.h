// SPDX-License-Identifier: MIT
// Engine: many requests at once on one model (design.md 8, 9, 11).
//
// One engine thread owns scheduler, states and sampling and is worker 0 of the pool; the public functions are
// called from any thread and never wait for a step. A request is refused by submit, or it has the memory that
// it needs until it ends, and its sink hears exactly one of finished and failed. The answer to a request
// depends on the request alone: not on what else runs, chunking, threads, cache or drafts (design.md 10).
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <string_view>

#include "base/clock.h"
#include "base/status.h"
#include "cache/prefix_cache.h"
#include "engine/draft_policy.h"
#include "engine/engine_stats.h"
#include "engine/event_sink.h"
#include "engine/request.h"
#include "model/model.h"
#include "ops/quantize.h"
#include "weights/weight_store.h"

namespace fathom {

enum class RequestId : uint64_t {};

struct EngineOptions {
  int threads = 1;
  Rounding rounding = Rounding::kAsDeployed;
  int64_t context = 0;          // tokens a sequence may have; 0: the model's
  int parallel = 32;            // sequences (choices) that run at once
  int64_t batch_tokens = 2048;  // rows of a step when nobody decodes
  int64_t step_ms = 250;        // what a step with prefill may take while somebody decodes
  int64_t state_bytes = 0;      // memory for sequence states (the ledger); 0: `parallel` full contexts
  int queue = 256;              // requests waiting at most
  int per_tenant = 32;          // requests of one tenant, waiting and running, at most
  std::chrono::milliseconds queue_timeout = std::chrono::minutes(10);
  DraftPolicy drafts = DraftPolicy::kWhenFaster;
  PrefixCacheOptions cache = {};         // neither memory nor directory: no prefix cache
  std::string cache_secret = {};         // of the server: keeps tenants apart (cache_tenant)
  Digest model_fingerprint = {};         // whose states are in the cache
  const WeightStore* weights = nullptr;  // whose files each step has read; null: none that could fail
  const Clock* clock = &steady_clock();  // of deadlines and the queue timeout
};

// Whether a request would be taken now.
enum class RoomVerdict : uint8_t { kRoom, kQueueFull, kTooManyOfTenant, kDraining };
struct Room {
  RoomVerdict verdict = RoomVerdict::kRoom;
  int retry_after_seconds = 0;  // 1 ... 60, estimated from the queue, unless there is room
};

class Engine {
 public:
  // `model` must outlive the engine. kInvalidArgument for options out of range, kResourceExhausted without
  // memory for activations or threads.
  static Result<std::unique_ptr<Engine>> open(const Model& model, const EngineOptions& options);
  // Fails what still runs, then joins the engine thread.
  ~Engine();
  Engine(const Engine&) = delete;
  Engine& operator=(const Engine&) = delete;

  // For a caller that wants to refuse before it has done any work.
  Room room(std::string_view tenant) const;

  // Queues a request. Without an error the sink, which the engine keeps until then, hears of the end. At
  // once: kOutOfRange for a prompt that fills the context, kInvalidArgument for a bad request and for one
  // that the state memory can never hold, kResourceExhausted when the queue is full or the tenant has too
  // many, kUnavailable while draining.
  Result<RequestId> submit(Request request, std::shared_ptr<EventSink> sink);

  // Takes effect within one step, in the queue, in prefill or in decode; unknown and finished ids are
  // ignored.
  void cancel(RequestId id);

  EngineStats stats() const;

  // From now on submit refuses. Returns when nothing is left: what runs may finish within `limit`, then it is
  // aborted.
  void drain(std::chrono::milliseconds limit);

  int64_t context() const noexcept;

 private:
  class Core;
  explicit Engine(std::unique_ptr<Core> core);

  std::unique_ptr<Core> core_;
};

}  // namespace fathom
