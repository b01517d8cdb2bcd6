// SPDX-License-Identifier: MIT
#include "ops/index_scores.h"

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {
namespace {

const IndexForm& form_of(const RowFormat& keys) noexcept {
  return keys.encoding == RowEncoding::kFp4 ? kernels().index->fp4 : kernels().index->f32;
}

}  // namespace

int64_t index_query_room(int64_t heads, int64_t dim) noexcept { return index_query_bytes(heads, dim); }

IndexQuery::IndexQuery(const RowFormat& keys, std::span<const float> q, std::span<const float> weights,
                       std::span<uint8_t> memory) noexcept
    : keys_(keys), heads_(static_cast<int64_t>(weights.size())), prepared_(memory.data()) {
  FATHOM_DCHECK(keys.encoding != RowEncoding::kFp8);
  FATHOM_DCHECK(static_cast<int64_t>(q.size()) == heads_ * keys.dim);
  FATHOM_DCHECK(static_cast<int64_t>(memory.size()) >= index_query_room(heads_, keys.dim));
  form_of(keys_).prepare({q.data(), weights.data(), heads_, keys_.dim, prepared_});
}

void IndexQuery::scores(const uint8_t* rows, std::span<float> scores) const noexcept {
  form_of(keys_).scores({.prepared = prepared_,
                         .heads = heads_,
                         .dim = keys_.dim,
                         .keys = rows,
                         .key_stride = keys_.row_bytes(),
                         .count = static_cast<int64_t>(scores.size()),
                         .scores = scores.data()});
}

}  // namespace fathom
