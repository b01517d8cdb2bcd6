// SPDX-License-Identifier: MIT
#include "io/mapping_guard.h"

#include <sys/mman.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <csignal>
#include <cstdint>
#include <mutex>
#include <utility>

namespace fathom {
namespace {

struct Slot {
  std::atomic<uintptr_t> begin = 0;  // 0: free
  std::atomic<uintptr_t> end = 0;
  std::atomic<bool> damaged = false;
};

static_assert(std::atomic<uintptr_t>::is_always_lock_free, "the signal handler reads the slots");

std::array<Slot, kGuardedMappings> slots;
std::mutex slots_mutex;  // of those who take a slot; the handler only reads
struct sigaction previous_action;
uintptr_t page_bytes = 0;

// Whether the failed address lies in a guarded mapping whose rest could be replaced by zeros.
bool replace_by_zeros(uintptr_t address) noexcept {
  for (Slot& slot : slots) {
    const uintptr_t begin = slot.begin.load(std::memory_order_acquire);
    const uintptr_t end = slot.end.load(std::memory_order_acquire);
    if (begin == 0 || address < begin || address >= end) continue;
    const uintptr_t page = address & ~(page_bytes - 1);
    void* const rest = reinterpret_cast<void*>(page);
    if (mmap(rest, end - page, PROT_READ, MAP_FIXED | MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED) {
      return false;
    }
    slot.damaged.store(true, std::memory_order_release);
    return true;
  }
  return false;
}

// mmap is a plain system call here: safe in a handler, though POSIX does not list it. On return the read that
// failed is tried again.
void on_bus_error(int, siginfo_t* info, void*) noexcept {
  if (!replace_by_zeros(reinterpret_cast<uintptr_t>(info->si_addr))) {
    sigaction(SIGBUS, &previous_action, nullptr);
  }
}

}  // namespace

void install_mapping_guard() noexcept {
  static std::once_flag once;
  std::call_once(once, [] {
    page_bytes = static_cast<uintptr_t>(sysconf(_SC_PAGESIZE));
    struct sigaction action{};
    action.sa_sigaction = on_bus_error;
    action.sa_flags = SA_SIGINFO;
    sigemptyset(&action.sa_mask);
    sigaction(SIGBUS, &action, &previous_action);
  });
}

MappingGuard::MappingGuard(std::span<const std::byte> mapping) noexcept {
  if (mapping.empty()) return;
  const std::lock_guard lock(slots_mutex);
  for (int i = 0; i < kGuardedMappings; ++i) {
    if (slots[i].begin.load(std::memory_order_relaxed) != 0) continue;
    const auto begin = reinterpret_cast<uintptr_t>(mapping.data());
    slots[i].damaged.store(false, std::memory_order_relaxed);
    slots[i].end.store(begin + mapping.size(), std::memory_order_relaxed);
    slots[i].begin.store(begin, std::memory_order_release);
    slot_ = i;
    return;
  }
}

MappingGuard::MappingGuard(MappingGuard&& other) noexcept : slot_(std::exchange(other.slot_, -1)) {}

MappingGuard& MappingGuard::operator=(MappingGuard&& other) noexcept {
  std::swap(slot_, other.slot_);
  return *this;
}

MappingGuard::~MappingGuard() {
  if (slot_ >= 0) slots[slot_].begin.store(0, std::memory_order_release);
}

bool MappingGuard::damaged() const noexcept {
  return slot_ >= 0 && slots[slot_].damaged.load(std::memory_order_acquire);
}

}  // namespace fathom
