// SPDX-License-Identifier: MIT
#include "base/cpu_cache.h"

#include <sched.h>

#include <fstream>
#include <optional>
#include <set>
#include <string>

#include "base/concat.h"
#include "base/human_units.h"

namespace fathom {
namespace {

std::string first_line(const std::string& path) {
  std::ifstream in(path);
  std::string line;
  std::getline(in, line);
  return line;
}

// The kernel's "32768K" as bytes.
std::optional<int64_t> cache_size(std::string text) {
  if (text.ends_with('K')) text += "iB";
  const Result<int64_t> bytes = parse_bytes(text);
  return bytes.ok() ? std::optional(*bytes) : std::nullopt;
}

}  // namespace

int64_t last_cache_bytes() {
  cpu_set_t mask;
  CPU_ZERO(&mask);
  if (sched_getaffinity(0, sizeof mask, &mask) != 0) return 0;
  std::set<std::string> seen;  // caches, by the CPUs that share them
  int64_t total = 0;
  for (int cpu = 0; cpu < CPU_SETSIZE; ++cpu) {
    if (!CPU_ISSET(cpu, &mask)) continue;
    std::string path;  // of the highest level
    for (int index = 0; index < 8; ++index) {
      const std::string next = concat("/sys/devices/system/cpu/cpu", cpu, "/cache/index", index, "/");
      if (first_line(next + "size").empty()) break;
      path = next;
    }
    const auto bytes = cache_size(first_line(path + "size"));
    if (bytes && seen.insert(first_line(path + "shared_cpu_list")).second) total += *bytes;
  }
  return total;
}

}  // namespace fathom
