// SPDX-License-Identifier: MIT
#include "apps/reply_interrupt.h"

#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

#include <system_error>

namespace fathom {

// Without descriptors or threads to spare the reply runs all the same, it just cannot be stopped.
ReplyInterrupt::ReplyInterrupt(SignalEvents& signals) : signals_(signals) {
  if (::pipe2(wake_, O_CLOEXEC) != 0) return;
  try {
    watcher_ = std::thread([this] { watch(); });
  } catch (const std::system_error&) {
    finish();
  }
}

void ReplyInterrupt::finish() noexcept {
  if (wake_[1] >= 0) ::close(wake_[1]);
  if (watcher_.joinable()) watcher_.join();
  if (wake_[0] >= 0) ::close(wake_[0]);
  wake_[0] = wake_[1] = -1;
}

void ReplyInterrupt::watch() noexcept {
  for (;;) {
    pollfd ready[2] = {{wake_[0], POLLIN, 0}, {signals_.descriptor(), POLLIN, 0}};
    if (::poll(ready, 2, -1) < 0) continue;  // EINTR
    if (ready[0].revents != 0) return;
    const int signal = signals_.take();
    if (signal == SIGINT) ++interrupts_;
    if (signal == SIGTERM || signal == SIGHUP) terminated_ = true;
    if (interrupts_ > 0 || terminated_) stop_.request_stop();
  }
}

}  // namespace fathom
