// SPDX-License-Identifier: MIT
#include "engine/speculation.h"

#include <algorithm>
#include <bit>

namespace fathom {
namespace {

// How much a step's figures have faded when the next one is added: about the last 50 count.
constexpr double kFading = 0.98;
// Drafts must win by more than what a measurement is uncertain by.
constexpr double kWorthwhile = 1.02;
// The first trial comes soon, so that little is lost where drafts do not pay; later ones cost about 1 %.
constexpr int64_t kFirstTrialAfter = 24;
constexpr int64_t kTrialAfter = 512;
// A step shows the cost of checking drafts only once the step before it has made some.
constexpr int64_t kUnsettledSteps = 2;
constexpr int64_t kPlainTrialSteps = 8;
// Drafts that begin in the middle of an answer are poor until the draft layer's window has filled.
constexpr int64_t kDraftingTrialSteps = 48;
constexpr int64_t kPoorDrafts = 24;

}  // namespace

void Speculation::Rate::add(double new_tokens, double new_seconds) noexcept {
  tokens = kFading * tokens + new_tokens;
  seconds = kFading * seconds + new_seconds;
}

size_t Speculation::load_index(int64_t decoding) noexcept {
  const auto width =
      static_cast<size_t>(std::bit_width(static_cast<uint64_t>(std::max<int64_t>(1, decoding))));
  return std::min<size_t>(width - 1, std::tuple_size_v<decltype(loads_)> - 1);
}

DraftUse Speculation::next(int64_t decoding) const noexcept {
  if (policy_ == DraftPolicy::kNever) return DraftUse::kOff;
  if (policy_ == DraftPolicy::kAlways) return DraftUse::kPropose;
  if (loads_[load_index(decoding)].now() == kDrafting) return DraftUse::kPropose;
  // Worth following the prompts, if drafts may pay once fewer or more decode.
  const bool anywhere = std::any_of(loads_.begin(), loads_.end(), [](const Load& load) {
    return load.way == kDrafting && load.trials > 0;
  });
  return anywhere ? DraftUse::kFollow : DraftUse::kOff;
}

void Speculation::measured(int64_t decoding, int64_t tokens, double seconds) noexcept {
  Load& load = loads_[load_index(decoding)];
  const Way way = load.now();
  const bool poor = load.trial && way == kDrafting && load.steps < kPoorDrafts;
  if (load.steps++ >= kUnsettledSteps && !poor) load.rates[way].add(static_cast<double>(tokens), seconds);
  if (load.trial) {
    if (load.steps < (way == kPlain ? kPlainTrialSteps : kDraftingTrialSteps)) return;
    const bool pays = load.rates[kDrafting].per_second() > kWorthwhile * load.rates[kPlain].per_second();
    load.way = pays ? kDrafting : kPlain;
    load.trial = false;
    load.steps = 0;
    ++load.trials;
  } else if (load.steps >= (load.trials == 0 ? kFirstTrialAfter : kTrialAfter)) {
    load.rates[1 - way] = {};
    load.trial = true;
    load.steps = 0;
  }
}

}  // namespace fathom
