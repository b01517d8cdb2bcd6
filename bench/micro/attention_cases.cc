// SPDX-License-Identifier: MIT
// One token of V4-Flash against its cache: attention over packed rows, index scores of packed keys, pooling.
#include <algorithm>
#include <cmath>
#include <memory>

#include "base/concat.h"
#include "base/counter_rng.h"
#include "bench/micro/micro.h"
#include "numeric/block_quant.h"
#include "numeric/row_format.h"
#include "ops/unpack_row.h"

namespace fathom::micro {
namespace {

constexpr int64_t kHeads = 64;
constexpr int64_t kDim = 512;
constexpr int64_t kNope = 448;
constexpr int64_t kIndexDim = 128;

// Rows in one form, as many as the settings want, copies of a few.
std::vector<uint8_t> packed_rows(const RowFormat& format, int64_t bytes) {
  constexpr int64_t kDistinct = 64;
  const int64_t stride = format.row_bytes();
  std::vector<uint8_t> rows(static_cast<size_t>(std::max(kDistinct, bytes / stride) * stride));
  std::vector<float> values = random_values(kDistinct * format.dim, 1);
  for (int64_t i = 0; i < std::ssize(rows) / stride; ++i) {
    if (i >= kDistinct) {
      std::copy_n(rows.data() + i % kDistinct * stride, stride, rows.data() + i * stride);
      continue;
    }
    const auto row = std::span(values).subspan(i * format.dim, format.dim);
    if (format.encoding == RowEncoding::kFp8) fp8_round_trip(row.first(format.nope), RowFormat::kFp8Block);
    if (format.encoding == RowEncoding::kFp4) fp4_round_trip(row, RowFormat::kFp4Block);
    pack_row(format, row, rows.data() + i * stride);
  }
  return rows;
}

// All heads against `count` rows scattered over memory.
class AttendRun {
 public:
  AttendRun(const KernelTable& table, int64_t heads, int64_t count,
            std::shared_ptr<const std::vector<uint8_t>> rows)
      : table_(table),
        heads_(heads),
        count_(count),
        rows_(std::move(rows)),
        q_(random_values(heads * kDim, 2)),
        block_(static_cast<size_t>(kAttendRows * kDim)),
        top_(static_cast<size_t>(heads)),
        sum_(static_cast<size_t>(heads)),
        out_(static_cast<size_t>(heads * kDim)) {}

  static RowFormat format() { return {.encoding = RowEncoding::kFp8, .dim = kDim, .nope = kNope}; }

  void operator()() {
    std::ranges::fill(top_, 0.0F);
    std::ranges::fill(sum_, 1.0F);
    std::ranges::fill(out_, 0.0F);
    for (int64_t first = 0; first < count_; first += kAttendRows)
      step(std::min<int64_t>(kAttendRows, count_ - first));
  }

 private:
  void step(int64_t count) {
    const RowFormat form = format();
    const float* rows[kAttendRows];
    for (int64_t j = 0; j < count; ++j, ++drawn_) {
      // As the model does: the next block is on its way while this one is unpacked.
      prefetch_row(form, stored_row(drawn_ + kAttendRows));
      const uint8_t* bytes = stored_row(drawn_);
      float* out = block_.data() + j * kDim;
      table_.decode->fp8(bytes, bytes + form.scale_offset(), kNope, RowFormat::kFp8Block, out);
      std::copy_n(reinterpret_cast<const float*>(bytes + form.rope_offset()), kDim - kNope, out + kNope);
      rows[j] = out;
    }
    table_.attention->attend({.q = q_.data(),
                              .heads = heads_,
                              .dim = kDim,
                              .rows = rows,
                              .count = count,
                              .scale = 1.0F / std::sqrt(static_cast<float>(kDim)),
                              .running_max = top_.data(),
                              .running_sum = sum_.data(),
                              .out = out_.data()});
  }

  const uint8_t* stored_row(uint64_t draw) const {
    const int64_t row_bytes = format().row_bytes();
    const auto stored = static_cast<uint64_t>(std::ssize(*rows_) / row_bytes);
    return rows_->data() + static_cast<int64_t>(random_bits(3, draw) % stored) * row_bytes;
  }

  const KernelTable& table_;
  int64_t heads_, count_;
  std::shared_ptr<const std::vector<uint8_t>> rows_;
  std::vector<float> q_, block_, top_, sum_, out_;
  uint64_t drawn_ = 0;
};

// The next keys of a ring larger than the caches, a page of 32 at a time.
class IndexRun {
 public:
  static constexpr int64_t kKeys = 8192;

  IndexRun(const IndexForm& form, RowFormat format, std::shared_ptr<const std::vector<uint8_t>> keys)
      : form_(form),
        format_(format),
        keys_(std::move(keys)),
        q_(random_values(kHeads * kIndexDim, 4)),
        weights_(random_values(kHeads, 5)),
        prepared_(static_cast<size_t>(index_query_bytes(kHeads, kIndexDim))),
        scores_(32) {
    fp4_round_trip(q_, RowFormat::kFp4Block);
  }

  void operator()() {
    form_.prepare({q_.data(), weights_.data(), kHeads, kIndexDim, prepared_.data()});
    const int64_t page_bytes = 32 * format_.row_bytes();
    for (int64_t page = 0; page < kKeys / 32; ++page) {
      form_.scores({.prepared = prepared_.data(),
                    .heads = kHeads,
                    .dim = kIndexDim,
                    .keys = keys_->data() + at_,
                    .key_stride = format_.row_bytes(),
                    .count = 32,
                    .scores = scores_.data()});
      at_ = at_ + 2 * page_bytes <= std::ssize(*keys_) ? at_ + page_bytes : 0;
    }
  }

 private:
  IndexForm form_;
  RowFormat format_;
  std::shared_ptr<const std::vector<uint8_t>> keys_;
  std::vector<float> q_, weights_;
  std::vector<uint8_t> prepared_;
  std::vector<float> scores_;
  int64_t at_ = 0;
};

// A copy of the run with its buffers lives in the case.
template <typename Run>
std::function<void()> owned(Run run) {
  return [kept = std::make_shared<Run>(std::move(run))] { (*kept)(); };
}

}  // namespace

void add_attention_cases(const KernelTable& table, const Settings& settings, const AddCase& add) {
  const auto rows =
      std::make_shared<const std::vector<uint8_t>>(packed_rows(AttendRun::format(), settings.buffer_bytes));
  for (const int64_t heads : {kHeads, kHeads / 2}) {
    for (const int64_t count : {128, 640}) {
      add({.kernel = "attend",
           .shape = concat(heads, " heads, ", count, " rows"),
           .bytes = static_cast<double>(count * AttendRun::format().row_bytes()),
           .flops = 4.0 * static_cast<double>(heads * count * kDim),
           .run = owned(AttendRun(table, heads, count, rows))});
    }
  }
  const auto add_index = [&](const char* name, const IndexForm& form, const RowFormat& format, Unit unit) {
    auto keys = std::make_shared<const std::vector<uint8_t>>(packed_rows(format, settings.buffer_bytes));
    add({.kernel = "index_scores",
         .shape = concat(name, " ", kHeads, " heads, ", IndexRun::kKeys, " keys"),
         .bytes = static_cast<double>(IndexRun::kKeys * format.row_bytes()),
         .flops = 2.0 * static_cast<double>(kHeads * IndexRun::kKeys * kIndexDim),
         .unit = unit,
         .run = owned(IndexRun(form, format, std::move(keys)))});
  };
  add_index("fp4", table.index->fp4, {.encoding = RowEncoding::kFp4, .dim = kIndexDim}, Unit::kInt8);
  add_index("f32", table.index->f32, {.dim = kIndexDim}, Unit::kFp32);
}

}  // namespace fathom::micro
