// SPDX-License-Identifier: MIT
// What this machine can do at most, measured: the yardstick of every figure of `fathom bench` (performance.md
// 2, 4). Measured often within a run, because neighbours on the machine move it; the best counts.
//
// One thread uses a probe, its pool works for it.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/buffer.h"
#include "base/status.h"
#include "base/thread_pool.h"

namespace fathom {

struct UnitRate {
  std::string unit;  // "fp32", "bf16", "int8"
  double operations_per_second = 0.0;
};

struct MachineLimits {
  double read_bytes_per_second = 0.0;
  std::vector<UnitRate> units;   // in the order of the tier's units
  double barrier_seconds = 0.0;  // one stage without work; 0: not measured

  // The best multiply-add rate among the units that the kernels of `tier` compute the released numbers with.
  double exact_peak(std::string_view tier) const noexcept;
  // Takes over what is better in `other`, which has the same units or none.
  void keep_best(const MachineLimits& other);
  // The largest relative difference to `other` of bandwidth or a unit: 0.05 for 5 %.
  double moved_to(const MachineLimits& other) const noexcept;
};

class LimitProbe {
 public:
  // A buffer of 16 times the last-level caches, at least 512 MB and at most `max_buffer_bytes`, all of it
  // touched. kResourceExhausted without memory.
  static Result<LimitProbe> create(std::string_view tier, int64_t max_buffer_bytes);

  // One sample with all threads of the pool, about 0.1 s.
  MachineLimits measure(ThreadPool& pool) noexcept;
  // Reading the buffer once in each of two ways, the better one; bytes per second.
  double measure_read(ThreadPool& pool) noexcept;

  int64_t buffer_bytes() const noexcept { return static_cast<int64_t>(buffer_.size_bytes()); }

 private:
  LimitProbe(std::string_view tier, MatBuf<std::byte> buffer) : tier_(tier), buffer_(std::move(buffer)) {}

  std::string tier_;
  MatBuf<std::byte> buffer_;
};

}  // namespace fathom
