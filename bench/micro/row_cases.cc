// SPDX-License-Identifier: MIT
// Row operations on rows of V4-Flash's widths, streamed from a buffer larger than the caches.
#include <algorithm>
#include <cmath>
#include <memory>

#include "base/concat.h"
#include "bench/micro/micro.h"

namespace fathom::micro {
namespace {

constexpr int64_t kWidth = 4096;
constexpr int64_t kStreams = 4;

// Calls work(first element) for every row of a buffer.
template <typename Work>
std::function<void()> over_rows(const std::shared_ptr<std::vector<float>>& buffer, int64_t row, Work work) {
  return [=] {
    for (int64_t first = 0; first + row <= std::ssize(*buffer); first += row) work(buffer->data() + first);
  };
}

}  // namespace

void add_row_cases(const KernelTable& table, const Settings& settings, const AddCase& add) {
  const RowKernels& row = *table.row;
  const AttentionKernels& attention = *table.attention;
  const int64_t rows = settings.buffer_bytes / (4 * kStreams * kWidth);
  const auto buffer = std::make_shared<std::vector<float>>(random_values(rows * kStreams * kWidth, 9));
  const auto out = std::make_shared<std::vector<float>>(kStreams * kWidth);
  const auto case_of = [&](const char* name, int64_t width, double flops, std::function<void()> run) {
    add({.kernel = name,
         .shape = concat(buffer->size() / static_cast<size_t>(width), " rows of ", width),
         .bytes = 4.0 * static_cast<double>(buffer->size()),
         .flops = flops * static_cast<double>(buffer->size()),
         .run = std::move(run)});
  };
  const auto sum = std::make_shared<float>();
  case_of("sum_squares", kWidth, 2,
          over_rows(buffer, kWidth, [=](const float* x) { *sum += row.sum_squares(x, kWidth); }));
  case_of("scale_gain", kWidth, 2, over_rows(buffer, kWidth, [=](const float* x) {
            row.scale_gain(x, 0.5F, buffer->data(), kWidth, out->data());
          }));
  case_of("fp8_round_trip", kWidth, 0, over_rows(buffer, kWidth, [=](const float* x) {
            row.fp8_round_trip(x, kWidth, 128, out->data());
          }));
  case_of("hadamard", 128, 7, over_rows(buffer, 128, [=](float* x) { row.hadamard(x, 128); }));
  case_of("swiglu", 2 * kWidth, 8, over_rows(buffer, 2 * kWidth, [=](const float* x) {
            row.swiglu(x, x + kWidth, 1.0F, 10.0F, kWidth, out->data());
          }));
  case_of("hc_collapse", kStreams * kWidth, 2, over_rows(buffer, kStreams * kWidth, [=](const float* x) {
            row.hc_collapse(x, buffer->data(), kStreams, kWidth, out->data());
          }));
  case_of("pool", 8 * 512, 6, over_rows(buffer, 8 * 512, [=](const float* x) {
            const float* pooled[8];
            for (int64_t j = 0; j < 8; ++j) pooled[j] = x + j * 512;
            attention.pool(pooled, pooled, 8, 512, out->data());
          }));
}

}  // namespace fathom::micro
