// SPDX-License-Identifier: MIT
// Replies of a model that knows nothing: every token is drawn from the allowed ones (reliability.md P-6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/status.h"
#include "text/constraint.h"
#include "text/reply_event.h"
#include "text/tokenizer.h"

namespace fathom::test {

struct RandomReply {
  ReplyMessage message;      // as the reply parser reads it
  std::vector<int32_t> ids;  // every token
  std::string text;          // their bytes, special tokens as their text
  bool ended = false;        // not cut by the limit
  std::vector<double> mask_ms;
};

struct WalkOptions {
  uint64_t seed = 0;
  int soft_limit = 60;  // from here on, tokens that close something are preferred
  int limit = 4000;
};

// Walks a compiled spec; an error of the constraint is returned.
Result<RandomReply> random_walk(const Tokenizer& tokenizer, const ConstraintPlan& plan,
                                const ConstraintSpec& spec, const WalkOptions& options);

}  // namespace fathom::test
