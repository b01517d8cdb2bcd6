// SPDX-License-Identifier: MIT
#include "model/stage_clock.h"

namespace fathom {

void StageClock::settle() noexcept {
  const auto now = std::chrono::steady_clock::now();
  const PoolWaits waits = pool_.waits();
  if (running_) {
    const double waited = static_cast<double>(waits.nanoseconds - waits_before_.nanoseconds) * 1e-9;
    times_.seconds[static_cast<size_t>(stage_)] +=
        std::chrono::duration<double>(now - since_).count() - waited;
    times_.waits += waited;
    times_.barriers += static_cast<double>(waits.stages - waits_before_.stages);
  }
  since_ = now;
  waits_before_ = waits;
}

void StageClock::enter(Stage stage) noexcept {
  settle();
  stage_ = stage;
  running_ = true;
}

void StageClock::stop() noexcept {
  settle();
  running_ = false;
}

}  // namespace fathom
