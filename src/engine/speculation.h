// SPDX-License-Identifier: MIT
// Speculation: whether the draft layer is worth its time, by measurement (design.md 11).
//
// For every number of decoding sequences (in powers of two) it knows how many tokens a second come with
// drafts and without, tries the other way from time to time, and takes the faster one. Answers are the same
// either way, so the clock may decide. Engine thread only.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

#include "engine/draft_policy.h"
#include "engine/step_runner.h"

namespace fathom {

class Speculation {
 public:
  explicit Speculation(DraftPolicy policy) noexcept : policy_(policy) {}

  // What the draft layer does in a step in which so many choices decode.
  DraftUse next(int64_t decoding) const noexcept;
  // What that step gave, if it computed no prompt.
  void measured(int64_t decoding, int64_t tokens, double seconds) noexcept;

 private:
  enum Way : uint8_t { kPlain, kDrafting };

  // Tokens and seconds with older steps fading out.
  struct Rate {
    double tokens = 0.0;
    double seconds = 0.0;

    void add(double new_tokens, double new_seconds) noexcept;
    double per_second() const noexcept { return seconds > 0.0 ? tokens / seconds : 0.0; }
  };

  struct Load {
    std::array<Rate, 2> rates;  // by way
    Way way = kDrafting;        // the faster one as far as is known
    bool trial = false;         // the other one is being tried
    int64_t steps = 0;          // since the trial began or ended
    int64_t trials = 0;

    Way now() const noexcept { return trial == (way == kDrafting) ? kPlain : kDrafting; }
  };

  static size_t load_index(int64_t decoding) noexcept;

  DraftPolicy policy_;
  std::array<Load, 8> loads_{};
};

}  // namespace fathom
