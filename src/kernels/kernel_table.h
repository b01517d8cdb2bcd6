// SPDX-License-Identifier: MIT
// The kernel table: one set of single-threaded functions per instruction-set tier (design.md 7).
//
// Every function is noexcept, allocates nothing and gives, for fixed inputs, the same bits at every call; a
// product's result does not depend on the number of rows m or on the range of weight rows asked for
// (design.md 10.1). Pointers need only the alignment of their element type. Inputs are finite unless a
// comment says otherwise.
#pragma once

#include <cstdint>

#include "kernels/training_kernels.h"
#include "numeric/weight_view.h"

namespace fathom {

// y[i, n] = sum over k of x[i, k] * w[n, k] for rows i in [0, m) and weight rows n in [row_begin, row_end).
// x has w.cols columns, y has w.rows columns; other columns of y are left alone.
struct LinearArgs {
  const float* x = nullptr;
  int64_t x_stride = 0;  // elements between rows of x
  int64_t m = 0;
  WeightView w;
  int64_t row_begin = 0;
  int64_t row_end = 0;
  float* y = nullptr;
  int64_t y_stride = 0;
  XPrecision x_precision = XPrecision::kF32;  // lets tiers with bfloat16 products use them; others ignore it
};

// Each function takes one weight format. Products are exact-value products rounded to f32 sums: scales are
// powers of two, so decode(code) * scale is exact. Blocks: FP8 {128, 128}, FP4 {1, 32}, others refused at
// binding. SIMD tiers move the FP8 scales to x, which is the same product while 2^8 * |x| * scale neither
// overflows nor falls below 2^-126.
struct LinearKernels {
  void (*f32)(const LinearArgs&) noexcept;
  void (*bf16)(const LinearArgs&) noexcept;
  void (*fp8)(const LinearArgs&) noexcept;
  void (*fp4)(const LinearArgs&) noexcept;
};

// Keys of one attention step: at most this many rows a call.
inline constexpr int kAttendRows = 32;

// One step of attention with a running softmax, all heads of one token against `count` shared key-value rows
// (architecture.md 3). For every head h: s_j = q_h . row_j * scale; the running maximum, sum of exponentials
// and weighted sum of rows are carried over from the calls before.
struct AttendArgs {
  const float* q = nullptr;  // [heads, dim] contiguous
  int64_t heads = 0;
  int64_t dim = 0;
  const float* const* rows = nullptr;  // [count] pointers to [dim]
  int64_t count = 0;                   // 1 ... kAttendRows
  float scale = 0.0F;
  float* running_max = nullptr;  // [heads]
  float* running_sum = nullptr;  // [heads]
  float* out = nullptr;          // [heads, dim] contiguous, not yet divided by running_sum
};

// A query of the lightning indexer (architecture.md 5), laid out for a scan over many keys. What lies in
// `prepared` is the tier's own and holds scratch of the scan too, so one scan at a time uses it.
struct IndexQueryArgs {
  const float* q = nullptr;        // [heads, dim] contiguous
  const float* weights = nullptr;  // [heads]
  int64_t heads = 0;
  int64_t dim = 0;
  void* prepared = nullptr;  // index_query_bytes(heads, dim)
};

// Room for a prepared query of any tier and form: padded weights; channels in f32, or codes with a scale and
// a sum per group; and some unpacked keys.
constexpr int64_t index_query_bytes(int64_t heads, int64_t dim) noexcept {
  const int64_t padded = (heads + 15) / 16 * 16;
  const int64_t groups = (dim + 31) / 32;
  constexpr int64_t kAlignment = 8 * 64;  // of the parts
  return padded * (4 + 8 * groups + 128 * groups) + 4 * (4 * groups + (dim + 127) / 128 * 128) + kAlignment;
}

// scores[i] = sum over h of weights[h] * max(0, q_h . key_i), with the query of `prepared`.
struct IndexScoreArgs {
  void* prepared = nullptr;
  int64_t heads = 0;
  int64_t dim = 0;
  const uint8_t* keys = nullptr;  // first row
  int64_t key_stride = 0;         // bytes between rows
  int64_t count = 0;
  float* scores = nullptr;  // [count]
};

// One form of keys.
struct IndexForm {
  void (*prepare)(const IndexQueryArgs&) noexcept;
  void (*scores)(const IndexScoreArgs&) noexcept;
};

// Both forms give equal bits for operands that went through the e2m1 round trip (and whose products are
// normal numbers).
struct IndexKernels {
  IndexForm f32;  // rows of dim f32
  // Rows of ceil(dim / 2) bytes of codes, then a scale byte (1 ... 247) per 32 channels. q must have gone
  // through the e2m1 round trip.
  IndexForm fp4;
};

struct AttentionKernels {
  void (*attend)(const AttendArgs&) noexcept;
  // out[d] = sum over rows j of softmax_j(z_rows[j][d]) * c_rows[j][d], d in [0, dim), count >= 1
  // (architecture.md 4).
  void (*pool)(const float* const* c_rows, const float* const* z_rows, int64_t count, int64_t dim,
               float* out) noexcept;
};

// Operations on rows of n elements. In-place use (out == x) is allowed where both appear.
struct RowKernels {
  // sum of x[i]^2 in one fixed order.
  float (*sum_squares)(const float* x, int64_t n) noexcept;
  // out[i] = x[i] * scale
  void (*scale)(const float* x, float scale, int64_t n, float* out) noexcept;
  // out[i] = (x[i] * scale) * gain[i]
  void (*scale_gain)(const float* x, float scale, const float* gain, int64_t n, float* out) noexcept;
  // out[i] += x[i]
  void (*add)(const float* x, int64_t n, float* out) noexcept;
  // Through e4m3 with one power-of-two scale per `block` elements (architecture.md 9). |x| < 2^120.
  void (*fp8_round_trip)(const float* x, int64_t n, int64_t block, float* out) noexcept;
  // Through e2m1 with one power-of-two scale per 32 elements. |x| < 2^120.
  void (*fp4_round_trip)(const float* x, int64_t n, float* out) noexcept;
  // Normalised Walsh-Hadamard transform in place, n a power of two (architecture.md 5).
  void (*hadamard)(float* x, int64_t n) noexcept;
  // out[i] = weight * silu(min(gate[i], limit)) * clamp(up[i], -limit, limit); limit infinity: no clamp
  // (architecture.md 6).
  void (*swiglu)(const float* gate, const float* up, float weight, float limit, int64_t n,
                 float* out) noexcept;
  // out[i] = sum over j of weights[j] * streams[j * n + i], streams in order (architecture.md 2, "A_j X_j").
  void (*hc_collapse)(const float* streams, const float* weights, int64_t stream_count, int64_t n,
                      float* out) noexcept;
  // streams[k][i] = post[k] * y[i] + sum over j of comb[j * stream_count + k] * streams[j][i], in place
  // (architecture.md 2, "X'_k").  stream_count <= kMaxStreams.
  void (*hc_expand)(const float* y, const float* post, const float* comb, int64_t stream_count, int64_t n,
                    float* streams) noexcept;
};

// Largest hc_mult that hc_expand takes.
inline constexpr int64_t kMaxStreams = 16;

// Rows of the sequence state back to f32, exactly (architecture.md 9). No code is NaN.
struct DecodeKernels {
  // out[i] = e4m3(codes[i]) * scale of its block of `block` elements, i in [0, n).
  void (*fp8)(const uint8_t* codes, const uint8_t* scales, int64_t n, int64_t block, float* out) noexcept;
  // out[i] = e2m1 of nibble i (low nibble first) * scale of its 32 elements; zeros come out positive.
  void (*fp4)(const uint8_t* packed, const uint8_t* scales, int64_t n, float* out) noexcept;
};

struct KernelTable {
  const char* name;  // the tier: "generic", "avx2", "avx512", "avx512-bf16", "amx", "neon"
  const LinearKernels* linear;
  const AttentionKernels* attention;
  const IndexKernels* index;
  const RowKernels* row;
  const DecodeKernels* decode;
  const TrainingKernels* training;
};

// One sub-table per tier and family, each defined in kernels/<family>_<tier>.cc.
extern const LinearKernels kLinearGeneric;
extern const AttentionKernels kAttentionGeneric;
extern const IndexKernels kIndexGeneric;
extern const RowKernels kRowGeneric;
extern const DecodeKernels kDecodeGeneric;
#if defined(__x86_64__)
extern const LinearKernels kLinearAvx2;
extern const AttentionKernels kAttentionAvx2;
extern const IndexKernels kIndexAvx2;
extern const RowKernels kRowAvx2;
extern const DecodeKernels kDecodeAvx2;
extern const LinearKernels kLinearAvx512;
extern const AttentionKernels kAttentionAvx512;
extern const IndexKernels kIndexAvx512;
// The same bits from one int8 instruction, where the CPU has it.
extern const IndexKernels kIndexAvx512Vnni;
extern const RowKernels kRowAvx512;
extern const DecodeKernels kDecodeAvx512;
// The other families of these tiers are those of avx512.
extern const LinearKernels kLinearAvx512Bf16;
extern const LinearKernels kLinearAmx;
#elif defined(__aarch64__)
extern const LinearKernels kLinearNeon;
extern const AttentionKernels kAttentionNeon;
extern const IndexKernels kIndexNeon;
extern const RowKernels kRowNeon;
extern const DecodeKernels kDecodeNeon;
#endif

}  // namespace fathom
