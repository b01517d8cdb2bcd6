// SPDX-License-Identifier: MIT
// ReplyConstraints: what holds replies to their format and calls to their schemas (api.md 4.6), compiled once
// for requests that ask for the same.
//
// Invariant: at most kKept compiled plans are kept, least recently used first out. Any thread.
#pragma once

#include <list>
#include <memory>
#include <mutex>
#include <optional>
#include <string>

#include "base/status.h"
#include "text/constraint.h"

namespace fathom {

class ReplyConstraints {
 public:
  static constexpr size_t kKept = 32;

  // Reads the vocabulary. Without the grammar engine only free requests and allowed calls can be served, the
  // latter unconstrained.
  explicit ReplyConstraints(const Tokenizer& tokenizer);

  // The plan of a request; null where nothing is to be held. The error of the spec, fit for a 400 reply.
  Result<std::shared_ptr<const ConstraintPlan>> plan(const ConstraintSpec& spec);

 private:
  using Entry = std::pair<std::string, std::shared_ptr<const ConstraintPlan>>;

  std::shared_ptr<const ConstraintPlan> find(const std::string& key);

  Status unavailable_;  // why there is no compiler, if so
  std::optional<ConstraintCompiler> compiler_;

  std::mutex mu_;
  std::list<Entry> kept_;  // guarded by mu_; most recently used first
};

}  // namespace fathom
