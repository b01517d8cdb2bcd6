// SPDX-License-Identifier: MIT
#include "base/cpu_count.h"

#include <sched.h>

#include <algorithm>
#include <fstream>
#include <set>
#include <string>

#include "base/concat.h"

namespace fathom {
namespace {

// First line of a kernel file; empty when there is none.
std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// Cores by the set of their SMT siblings; a CPU whose topology is unknown counts alone.
int physical_cores() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 1;
  std::set<std::string> cores;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    std::string siblings =
        first_line(concat("/sys/devices/system/cpu/cpu", cpu, "/topology/thread_siblings_list"));
    cores.insert(siblings.empty() ? concat("cpu", cpu) : std::move(siblings));
  }
  return static_cast<int>(cores.size());
}

// Whole CPUs of the cgroup v2 quota ("max 100000" or "150000 100000"), or a large number without one.
int quota_cores() {
  constexpr int kNoQuota = 1 << 20;
  const std::string line = first_line("/sys/fs/cgroup/cpu.max");
  const size_t space = line.find(' ');
  if (space == std::string::npos || line.starts_with("max")) return kNoQuota;
  long long quota = 0;
  long long period = 0;
  std::from_chars(line.data(), line.data() + space, quota);
  std::from_chars(line.data() + space + 1, line.data() + line.size(), period);
  if (quota <= 0 || period <= 0) return kNoQuota;
  return static_cast<int>(std::clamp<long long>(quota / period, 1, kNoQuota));
}

}  // namespace

int default_thread_count() { return std::max(1, std::min(physical_cores(), quota_cores())); }

}  // namespace fathom
