// SPDX-License-Identifier: MIT
// The phases of a request and the moves between them (design.md 11). Constants; any thread.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>

namespace fathom {

enum class RequestPhase : uint8_t { kWaiting, kPrefill, kDecode, kFinished };
inline constexpr size_t kRequestPhases = 4;

// [from][to]. From anywhere a request may end: cancelled, out of time, failed.
inline constexpr std::array<std::array<bool, kRequestPhases>, kRequestPhases> kPhaseMoves = {{
    //  waiting prefill decode finished
    {{false, true, false, true}},   // waiting
    {{false, false, true, true}},   // prefill
    {{false, false, false, true}},  // decode
    {{false, false, false, false}}  // finished
}};

constexpr bool may_move(RequestPhase from, RequestPhase to) noexcept {
  return kPhaseMoves[static_cast<size_t>(from)][static_cast<size_t>(to)];
}

// Phases only ever go forward, every live one can end, and the end is the end.
static_assert([] {
  for (size_t from = 0; from < kRequestPhases; ++from) {
    for (size_t to = 0; to <= from; ++to) {
      if (kPhaseMoves[from][to]) return false;
    }
    const bool ends = kPhaseMoves[from][static_cast<size_t>(RequestPhase::kFinished)];
    if (ends == (from == static_cast<size_t>(RequestPhase::kFinished))) return false;
  }
  return true;
}());
static_assert(!may_move(RequestPhase::kWaiting, RequestPhase::kDecode), "no answer without its prompt");

}  // namespace fathom
