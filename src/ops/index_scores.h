// SPDX-License-Identifier: MIT
// Lightning indexer scores (architecture.md 5): score_i = sum over heads of w_h * relu(q_h . k_i). Keys are
// read as the state stores them; packed ones are multiplied as whole numbers, which gives the bits of f32.
#pragma once

#include <cstdint>
#include <span>

#include "numeric/row_format.h"

namespace fathom {

// Bytes that a prepared query needs.
int64_t index_query_room(int64_t heads, int64_t dim) noexcept;

// One token's query, prepared in memory of the caller. One thread at a time.
class IndexQuery {
 public:
  // keys: kF32 or kFp4; for kFp4 q went through the e2m1 round trip.
  //   q        [heads * keys.dim]
  //   weights  [heads]
  //   memory   [index_query_room(heads, keys.dim)]
  IndexQuery(const RowFormat& keys, std::span<const float> q, std::span<const float> weights,
             std::span<uint8_t> memory) noexcept;

  // scores [count] of the `count` keys that lie one after the other from `rows` on.
  void scores(const uint8_t* rows, std::span<float> scores) const noexcept;

 private:
  RowFormat keys_;
  int64_t heads_;
  void* prepared_;
};

}  // namespace fathom
