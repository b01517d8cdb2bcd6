// SPDX-License-Identifier: MIT
// Lightning indexer scores of the generic tier: dot products and sums over heads in binary64.
#include "kernels/kernel_table.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/ue8m0.h"

namespace fathom {
namespace {

constexpr int64_t kGroup = 32;

// Prepared: the weights, then q as it is.
void prepare(const IndexQueryArgs& args) noexcept {
  auto* out = static_cast<float*>(args.prepared);
  for (int64_t h = 0; h < args.heads; ++h) out[h] = args.weights[h];
  for (int64_t i = 0; i < args.heads * args.dim; ++i) out[args.heads + i] = args.q[i];
}

// value(row, c): channel c of a key.
template <typename Value>
void scores(const IndexScoreArgs& args, Value value) noexcept {
  const auto* weights = static_cast<const float*>(args.prepared);
  for (int64_t i = 0; i < args.count; ++i) {
    const uint8_t* row = args.keys + i * args.key_stride;
    double score = 0.0;
    for (int64_t h = 0; h < args.heads; ++h) {
      const float* q = weights + args.heads + h * args.dim;
      double product = 0.0;
      for (int64_t c = 0; c < args.dim; ++c) product += double{q[c]} * value(row, c);
      const auto rounded = static_cast<float>(product);
      score += double{weights[h]} * (rounded > 0.0F ? rounded : 0.0F);
    }
    args.scores[i] = static_cast<float>(score);
  }
}

void scores_f32(const IndexScoreArgs& args) noexcept {
  scores(args, [](const uint8_t* row, int64_t c) { return reinterpret_cast<const float*>(row)[c]; });
}

void scores_fp4(const IndexScoreArgs& args) noexcept {
  const int64_t code_bytes = (args.dim + 1) / 2;
  scores(args, [=](const uint8_t* row, int64_t c) {
    const auto nibble = static_cast<uint8_t>(c % 2 == 0 ? row[c / 2] & 15 : row[c / 2] >> 4);
    return fp4_e2m1_to_float(nibble) * ue8m0_to_float(row[code_bytes + c / kGroup]);
  });
}

}  // namespace

extern constinit const IndexKernels kIndexGeneric = {{prepare, scores_f32}, {prepare, scores_fp4}};

}  // namespace fathom
