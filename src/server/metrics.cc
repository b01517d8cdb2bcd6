// SPDX-License-Identifier: MIT
#include "server/metrics.h"

#include "base/concat.h"

namespace fathom {
namespace {

constexpr std::string_view kFinishedNames[kFinishedKinds] = {"stop",      "length", "tool_calls",
                                                             "cancelled", "error",  "rejected"};

// Builds the page; every sample carries the model's name.
class Page {
 public:
  explicit Page(std::string_view model) : model_(label_text(model)) {}

  void family(std::string_view name, std::string_view kind, std::string_view help) {
    name_ = name;
    out_ += concat("# HELP ", name, ' ', help, "\n# TYPE ", name, ' ', kind, '\n');
  }

  template <typename Number>
  void sample(Number value, std::string_view labels = {}, std::string_view suffix = {}) {
    out_ +=
        concat(name_, suffix, "{model=\"", model_, '"', labels.empty() ? "" : ",", labels, "} ", value, '\n');
  }

  void histogram(std::string_view name, std::string_view help, const DurationHistogram& histogram) {
    family(name, "histogram", help);
    uint64_t below = 0;
    for (size_t i = 0; i < DurationHistogram::kBounds.size(); ++i) {
      below += histogram.counts[i];
      sample(below, label("le", concat(DurationHistogram::kBounds[i])), "_bucket");
    }
    sample(histogram.count, "le=\"+Inf\"", "_bucket");
    sample(histogram.sum_seconds, {}, "_sum");
    sample(histogram.count, {}, "_count");
  }

  static std::string label(std::string_view name, std::string_view value) {
    return concat(name, "=\"", label_text(value), '"');
  }

  std::string take() { return std::move(out_); }

 private:
  static std::string label_text(std::string_view text) {
    std::string out;
    for (const char c : text) {
      if (c == '\\' || c == '"') out += '\\';
      out += c == '\n' ? ' ' : c;
    }
    return out;
  }

  const std::string model_;
  std::string name_;
  std::string out_;
};

void add_engine(Page& page, const EngineStats& engine) {
  const auto counter = [&page](std::string_view name, std::string_view help, uint64_t value) {
    page.family(name, "counter", help);
    page.sample(value);
  };
  counter("fathom_prompt_tokens_total", "Prompt tokens of admitted requests", engine.prompt_tokens);
  counter("fathom_generated_tokens_total", "Sampled tokens", engine.generated_tokens);
  counter("fathom_cached_prompt_tokens_total", "Prompt tokens taken from the prefix cache",
          engine.cached_prompt_tokens);
  counter("fathom_draft_tokens_total", "Drafted tokens", engine.draft_tokens);
  counter("fathom_draft_accepted_total", "Drafted tokens that were accepted", engine.draft_accepted);
  page.histogram("fathom_queue_seconds", "Wait before a request runs", engine.queue);
  page.histogram("fathom_prefill_seconds", "Computing of prompts", engine.prefill);
  page.histogram("fathom_time_to_first_token_seconds", "From request to first token",
                 engine.time_to_first_token);
  page.histogram("fathom_inter_token_seconds", "Between tokens of one answer", engine.inter_token);
  page.histogram("fathom_request_seconds", "Whole requests", engine.request);
  page.histogram("fathom_step_seconds", "Engine steps", engine.step);
}

// In the order of CacheError.
constexpr std::string_view kCacheErrorNames[] = {"corrupt",   "unusable",     "gone",   "read",
                                                 "write",     "sync",         "remove", "queue_full",
                                                 "too_large", "out_of_memory"};
static_assert(std::size(kCacheErrorNames) == kCacheErrorCount);

void add_cache(Page& page, const CacheStats& cache) {
  const std::string ram = Page::label("tier", "ram");
  const std::string disk = Page::label("tier", "disk");
  page.family("fathom_cache_bytes", "gauge", "Bytes in the prefix cache");
  page.sample(cache.ram_bytes, ram);
  page.sample(cache.disk_bytes, disk);
  page.family("fathom_cache_hits_total", "counter", "Prompts that began with something cached");
  page.sample(cache.hits);
  page.family("fathom_cache_misses_total", "counter", "Prompts that did not");
  page.sample(cache.misses);
  page.family("fathom_cache_evictions_total", "counter", "Segments that made room for others");
  page.sample(cache.ram_evictions, ram);
  page.sample(cache.disk_evictions, disk);
  page.family("fathom_cache_errors_total", "counter",
              "Segments not served, kept or written; answers stay right");
  for (size_t i = 0; i < cache.errors.size(); ++i) {
    page.sample(cache.errors[i], Page::label("kind", kCacheErrorNames[i]));
  }
}

void add_gauges(Page& page, const MetricsFacts& facts) {
  const auto gauge = [&page](std::string_view name, std::string_view help, int64_t value) {
    page.family(name, "gauge", help);
    page.sample(value);
  };
  gauge("fathom_requests_running", "Requests that are computed", facts.engine.running);
  gauge("fathom_requests_waiting", "Requests in the queue", facts.engine.waiting);
  gauge("fathom_connections", "Open connections", facts.connections);
  gauge("fathom_kv_bytes", "Bytes reserved for sequence states", facts.engine.state_bytes);
  gauge("fathom_kv_budget_bytes", "Bytes that may be", facts.engine.state_budget_bytes);
  gauge("fathom_resident_bytes", "Resident memory of the process", facts.resident_bytes);
  page.family("fathom_build_info", "gauge", "The program");
  page.sample(1, concat(Page::label("version", facts.version), ',', Page::label("commit", facts.commit), ',',
                        Page::label("isa", facts.tier)));
  page.family("fathom_model_info", "gauge", "The model");
  page.sample(
      1, concat(Page::label("fingerprint", facts.fingerprint), ',', Page::label("dialect", facts.dialect)));
}

}  // namespace

FinishedAs finished_as(std::optional<ChoiceReason> reason, const Status& status) noexcept {
  if (!reason) return status.code() == StatusCode::kCancelled ? FinishedAs::kCancelled : FinishedAs::kError;
  switch (*reason) {
    case ChoiceReason::kStop: return FinishedAs::kStop;
    case ChoiceReason::kLength: return FinishedAs::kLength;
    case ChoiceReason::kToolCalls: return FinishedAs::kToolCalls;
    case ChoiceReason::kAborted: return FinishedAs::kError;
  }
  return FinishedAs::kError;
}

void Metrics::count_reply(std::string_view route, int status) {
  const std::lock_guard lock(mu_);
  ++replies_[{std::string(route), status}];
}

void Metrics::count_finished(FinishedAs how) {
  const std::lock_guard lock(mu_);
  ++finished_[static_cast<size_t>(how)];
}

std::string Metrics::text(const MetricsFacts& facts) const {
  Page page(facts.model);
  {
    const std::lock_guard lock(mu_);
    page.family("fathom_requests_total", "counter", "Replies by route and status; 0: the client went first");
    for (const auto& [key, count] : replies_) {
      page.sample(count,
                  concat(Page::label("route", key.first), ',', Page::label("code", concat(key.second))));
    }
    page.family("fathom_requests_finished_total", "counter", "Requests for an answer by how they ended");
    for (size_t i = 0; i < kFinishedKinds; ++i)
      page.sample(finished_[i], Page::label("reason", kFinishedNames[i]));
  }
  add_engine(page, facts.engine);
  add_cache(page, facts.engine.cache);
  add_gauges(page, facts);
  return page.take();
}

}  // namespace fathom
