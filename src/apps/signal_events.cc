// SPDX-License-Identifier: MIT
#include "apps/signal_events.h"

#include <pthread.h>
#include <sys/signalfd.h>
#include <unistd.h>

#include <cerrno>

#include "io/directory.h"

namespace fathom {
namespace {

bool is_ignored(int signal) noexcept {
  struct sigaction action{};
  return ::sigaction(signal, nullptr, &action) == 0 && action.sa_handler == SIG_IGN;
}

}  // namespace

Result<std::unique_ptr<SignalEvents>> SignalEvents::open() {
  sigset_t taken;
  sigemptyset(&taken);
  for (const int signal : {SIGINT, SIGTERM, SIGHUP, SIGWINCH, SIGCONT}) {
    if (!is_ignored(signal)) sigaddset(&taken, signal);
  }
  sigset_t old_mask;
  ::pthread_sigmask(SIG_BLOCK, &taken, &old_mask);
  const int descriptor = ::signalfd(-1, &taken, SFD_NONBLOCK | SFD_CLOEXEC);
  if (descriptor < 0) {
    const int error = errno;
    ::pthread_sigmask(SIG_SETMASK, &old_mask, nullptr);
    return system_error(error, "signals");
  }
  return std::unique_ptr<SignalEvents>(new SignalEvents(descriptor, old_mask));
}

SignalEvents::~SignalEvents() {
  while (take() != 0) {  // what is left would strike as soon as it is unblocked
  }
  ::close(descriptor_);
  ::pthread_sigmask(SIG_SETMASK, &old_mask_, nullptr);
}

int SignalEvents::take() noexcept {
  signalfd_siginfo info{};
  ssize_t size = 0;
  do {
    size = ::read(descriptor_, &info, sizeof info);
  } while (size < 0 && errno == EINTR);
  return size == static_cast<ssize_t>(sizeof info) ? static_cast<int>(info.ssi_signo) : 0;
}

}  // namespace fathom
