// SPDX-License-Identifier: MIT
// Attention, the lightning indexer and compressors against fixtures/units on the tier that FATHOM_ISA names
// (architecture.md 3, 4, 5). Tolerances are those of the fixtures' README.
#include <gtest/gtest.h>

#include <algorithm>
#include <cmath>
#include <memory>
#include <set>
#include <string>
#include <vector>

#include "base/concat.h"
#include "golden/unit_fixtures.h"
#include "model/compressor.h"
#include "ops/attend.h"
#include "ops/index_scores.h"
#include "ops/linear.h"
#include "ops/quantize.h"
#include "ops/rms_norm.h"
#include "ops/rope.h"
#include "ops/top_k.h"
#include "reference/matrix.h"

namespace fathom {
namespace {

using reference::Matrix;

template <typename T>
T value_of(Result<T> result) {
  FATHOM_CHECK(result.ok());
  return std::move(result).value();
}

// One token's attention over the first `count` rows of k, `block` of them a call.
Matrix<float> attend(const FixtureFile& file, int64_t count, int64_t block) {
  const Matrix<float> q = matrix_of<float>(file, "q");
  const Matrix<float> k = matrix_of<float>(file, "k");
  Matrix<float> out(q.rows, q.cols, 7.0F);  // attend_begin must clear it
  std::vector<float> running_max(static_cast<size_t>(q.rows));
  std::vector<float> running_sum(running_max.size());
  const AttendState state{.q = q.data,
                          .running_max = running_max,
                          .running_sum = running_sum,
                          .out = out.data,
                          .scale = 1.0F / std::sqrt(static_cast<float>(q.cols))};
  attend_begin(state, file.f32("sink"));
  for (int64_t first = 0; first < count; first += block) {
    std::vector<const float*> rows;
    for (int64_t i = first; i < std::min(count, first + block); ++i) rows.push_back(k.row(i).data());
    attend_rows(state, rows);
  }
  attend_finish(state);
  return out;
}

TEST(AttentionUnits, OneSoftmaxHoweverTheRowsAreHandedOver) {
  const FixtureFile file("units/attention.safetensors");
  const double bound = 2e-6 * largest_magnitude(file.f32("o"));
  const int64_t rows = file.dim("k", 0);
  for (const int64_t block : {int64_t{1}, int64_t{2}, int64_t{5}, rows}) {
    expect_within(attend(file, rows, block).data, file.f32("o"), bound, concat("blocks of ", block));
  }
}

// Sinks of -80 and +40 are among the heads.
TEST(AttentionUnits, ASingleRowSharesTheSoftmaxWithTheSink) {
  const FixtureFile file("units/attention.safetensors");
  const std::span<const float> sinks = file.f32("sink");
  EXPECT_LE(*std::min_element(sinks.begin(), sinks.end()), -80.0F);
  EXPECT_GE(*std::max_element(sinks.begin(), sinks.end()), 40.0F);
  const Matrix<float> o = attend(file, 1, 1);
  expect_within(o.data, file.f32("single.o"), 2e-6 * largest_magnitude(file.f32("single.o")), "single.o");
  // With one row, out = weight * row, which shows the weight itself.
  const Matrix<float> k = matrix_of<float>(file, "k");
  for (int64_t head = 0; head < o.rows; ++head) {
    const auto largest = std::ranges::max_element(k.row(0), {}, [](float v) { return std::fabs(v); });
    const auto channel = largest - k.row(0).begin();
    EXPECT_NEAR(o.at(head, channel) / *largest, file.f32("single.weights")[head], 2e-6) << "head " << head;
  }
}

TEST(AttentionUnits, NoRowsAtAllGiveZero) {
  const FixtureFile file("units/attention.safetensors");
  for (const float v : attend(file, 0, 1).data) EXPECT_EQ(v, 0.0F);
}

TEST(AttentionUnits, TheConjugateRotationAndTheGroupedProjectionMatch) {
  const FixtureFile file("units/attention.safetensors");
  Matrix<float> o = attend(file, file.dim("k", 0), kAttendBlock);
  const std::span<const double> p = file.f64("rope");
  const RotaryEmbedding rotary({.r = static_cast<int>(p[0]),
                                .theta = p[1],
                                .factor = p[2],
                                .original = p[3],
                                .beta_fast = p[4],
                                .beta_slow = p[5]});
  std::vector<float> cos(static_cast<size_t>(rotary.pairs()));
  std::vector<float> sin(cos.size());
  rotary.angles(file.i64("position")[0], cos, sin);
  for (int64_t head = 0; head < o.rows; ++head) rotate_back(o.row(head), {cos, sin});
  expect_within(o.data, file.f32("o_rotated"), 2e-6 * largest_magnitude(file.f32("o")), "o_rotated");

  const int64_t groups = file.dim("wo_a", 0);
  const int64_t rank = file.dim("wo_a", 1);
  const int64_t cols = file.dim("wo_a", 2);
  const MatView<const float> flat(o.data.data(), 1, o.rows * o.cols);
  Matrix<float> latent(1, groups * rank);
  for (int64_t g = 0; g < groups; ++g) {
    const WeightView w{
        .block = {}, .data = file.f32("wo_a").data() + g * rank * cols, .rows = rank, .cols = cols};
    linear_rows({flat.slice_cols(g * cols, cols), &w, latent.view().slice_cols(g * rank, rank)}, 0, rank);
  }
  const WeightView w{
      .block = {}, .data = file.f32("wo_b").data(), .rows = file.dim("wo_b", 0), .cols = latent.cols};
  Matrix<float> y(1, w.rows);
  linear_rows({latent.view(), &w, y.view()}, 0, w.rows);
  expect_within(y.data, file.f32("y"), 1e-5 * largest_magnitude(file.f32("y")), "y");
}

TEST(AttentionUnits, TheIndexerRoundsScoresAndChooses) {
  const FixtureFile file("units/attention.safetensors");
  Matrix<float> queries = matrix_of<float>(file, "index.iq");
  Matrix<float> keys = matrix_of<float>(file, "index.ik");
  std::vector<float> scores(static_cast<size_t>(keys.rows));
  std::vector<uint8_t> memory(static_cast<size_t>(index_query_room(queries.rows, queries.cols)));
  const RowFormat plain{.dim = keys.cols};
  const auto plain_rows = [&] { return reinterpret_cast<const uint8_t*>(keys.data.data()); };
  IndexQuery(plain, queries.data, file.f32("index.iw"), memory).scores(plain_rows(), scores);
  const std::span<const float> exact = file.f32("index.scores_exact");
  expect_within(scores, exact, 2e-6 * largest_magnitude(exact), "exact scores");

  for (int64_t head = 0; head < queries.rows; ++head) quantize_index(queries.row(head));
  for (int64_t key = 0; key < keys.rows; ++key) quantize_index(keys.row(key));
  EXPECT_EQ(queries.data, vector_of<float>(file, "index.iq_fp4"));
  EXPECT_EQ(keys.data, vector_of<float>(file, "index.ik_fp4"));
  IndexQuery(plain, queries.data, file.f32("index.iw"), memory).scores(plain_rows(), scores);
  const std::span<const float> want = file.f32("index.scores");
  expect_within(scores, want, 2e-6 * largest_magnitude(want), "scores");
  EXPECT_EQ(scores[5], scores[11]) << "equal keys";
  const RowFormat format{.encoding = RowEncoding::kFp4, .dim = keys.cols};
  std::vector<uint8_t> packed(static_cast<size_t>(keys.rows * format.row_bytes()));
  for (int64_t key = 0; key < keys.rows; ++key)
    pack_row(format, keys.row(key), packed.data() + key * format.row_bytes());
  std::vector<float> packed_scores(scores.size());
  IndexQuery(format, queries.data, file.f32("index.iw"), memory).scores(packed.data(), packed_scores);
  EXPECT_EQ(packed_scores, scores) << "as the state keeps them";

  const std::span<const int32_t> topk = file.i32("index.topk");
  std::vector<ScoredIndex> room(2 * topk.size());
  StreamingTopK best(room);
  best.push(0, scores);
  std::vector<int32_t> chosen(topk.size());
  ASSERT_EQ(best.sorted_indices(chosen), static_cast<int64_t>(topk.size()));
  const std::set<int32_t> wanted(topk.begin(), topk.end());
  EXPECT_EQ(chosen, std::vector<int32_t>(wanted.begin(), wanted.end()));
}

// One compressor of compressor.safetensors run by the model's own code: a config with that single layer, and
// C and Z rows handed over in chunks.
class CompressorRun {
 public:
  CompressorRun(const FixtureFile& file, const std::string& name)
      : file_(file), name_(name), model_(config_of(file, name), {}), pool_(value_of(ThreadPool::create(2))) {
    const auto tokens = static_cast<int64_t>(rows());
    const ActivationSizes sizes{.batch_tokens = tokens, .logit_rows = 1, .workers = 2};
    acts_ = value_of(Activations::create(model_.config, sizes));
    state_ = value_of(SequenceState::create(model_.config, tokens));
    weights_.ape = {file.f32(concat(name, ".ape")).data(), layer().compress_ratio, width()};
    weights_.norm = file.f32(concat(name, ".g"));
  }

  int64_t rows() const { return file_.dim(concat(name_, ".C"), 0); }
  int64_t width() const { return file_.dim(concat(name_, ".C"), 1); }
  int64_t dim() const { return model_.config.head_dim; }
  int64_t nope_dim() const { return model_.config.nope_dim(); }
  const LayerConfig& layer() const { return model_.config.layers[0]; }
  CompressorState& state() { return *state_.layer(0).compressor; }

  // Rows [first, first + count) of C and Z.
  void feed(int64_t first, int64_t count, Rounding rounding) {
    CompressorActivations& acts = acts_.attention.compressor;
    for (int64_t i = 0; i < count; ++i) {
      std::ranges::copy(row_of(file_, concat(name_, ".C"), first + i), acts.c.view().row(i));
      std::ranges::copy(row_of(file_, concat(name_, ".Z"), first + i), acts.z.view().row(i));
      add_position_bias(weights_, first + i, acts.z.view().row_span(i));
    }
    acts_.spans.assign(1, {&state_.layer(0), 0, count, first});
    StepContext step{model_, *pool_, rounding, acts_, count};
    compressor_forward(step, layer(), weights_, EntryKind::kKeyValue, acts);
  }

  std::vector<float> entries() {
    std::vector<float> out;
    const RowStore& store = state().entries;
    for (int64_t i = 0; i < store.size(); ++i) out.insert(out.end(), store.row(i), store.row(i) + dim());
    return out;
  }

 private:
  static ModelConfig config_of(const FixtureFile& file, const std::string& name) {
    const std::span<const double> rope = file.f64(concat(name, ".rope"));
    ModelConfig config;
    config.head_dim = static_cast<int>(file.dim(concat(name, ".g"), 0));
    config.qk_rope_head_dim = static_cast<int>(rope[0]);
    config.index_head_dim = 16;
    config.sliding_window = 1;
    config.rms_norm_eps = 1e-6;
    config.layers.push_back({.kind = name == "csa" ? LayerKind::kCsa : LayerKind::kHca,
                             .compress_ratio = file.i32(concat(name, ".m"))[0],
                             .rope = rope_config(rope)});
    return config;
  }

  const FixtureFile& file_;
  std::string name_;
  Model model_;
  std::unique_ptr<ThreadPool> pool_;
  Activations acts_;
  SequenceState state_;
  CompressorWeights weights_;
};

TEST(AttentionUnits, PooledRowsMatch) {
  const FixtureFile file("units/compressor.safetensors");
  for (const std::string name : {"csa", "hca", "hca128"}) {
    const int64_t m = file.i32(concat(name, ".m"))[0];
    const int64_t dim = file.dim(concat(name, ".g"), 0);
    Matrix<float> c = matrix_of<float>(file, concat(name, ".C"));
    Matrix<float> z = matrix_of<float>(file, concat(name, ".Z"));
    const Matrix<float> ape = matrix_of<float>(file, concat(name, ".ape"));
    for (int64_t t = 0; t < z.rows; ++t) {
      for (int64_t i = 0; i < z.cols; ++i) z.at(t, i) += ape.at(t % m, i);
    }
    const std::span<const float> want = file.f32(concat(name, ".pooled"));
    std::vector<float> got(want.size());
    for (int64_t entry = 0; entry < file.dim(concat(name, ".pooled"), 0); ++entry) {
      std::vector<const float*> c_rows, z_rows;
      const auto add = [&](int64_t t, int64_t half) {
        c_rows.push_back(c.row(t).data() + half);
        z_rows.push_back(z.row(t).data() + half);
      };
      const bool overlap = name == "csa";
      // C^a of the block before, then C^b of its own; the first entry has no block before.
      for (int64_t t = (entry - 1) * m; overlap && entry > 0 && t < entry * m; ++t) add(t, 0);
      for (int64_t t = entry * m; t < (entry + 1) * m; ++t) add(t, overlap ? dim : 0);
      pool_rows(c_rows, z_rows, std::span(got).subspan(entry * dim, dim));
    }
    expect_within(got, want, 2e-6 * largest_magnitude(want), concat(name, ".pooled"));
  }
}

TEST(AttentionUnits, EntriesMatchAndRoundExactly) {
  const FixtureFile file("units/compressor.safetensors");
  for (const std::string name : {"csa", "hca", "hca128"}) {
    CompressorRun exact(file, name);
    exact.feed(0, exact.rows(), Rounding::kNone);
    const std::span<const float> want = file.f32(concat(name, ".entries"));
    expect_within(exact.entries(), want, 2e-6 * largest_magnitude(want), concat(name, ".entries"));
    if (!file.has(concat(name, ".entries_quant"))) continue;
    CompressorRun deployed(file, name);
    deployed.feed(0, deployed.rows(), Rounding::kAsDeployed);
    const std::span<const float> rounded = file.f32(concat(name, ".entries_quant"));
    const std::vector<float> got = deployed.entries();
    ASSERT_EQ(got.size(), rounded.size());
    for (size_t i = 0; i < got.size(); ++i) {
      const auto channel = static_cast<int64_t>(i) % deployed.dim();
      if (channel < deployed.nope_dim()) {
        EXPECT_EQ(got[i], rounded[i]) << name << " element " << i;
      } else {
        EXPECT_EQ(got[i], exact.entries()[i]) << name << ": rope channels are not rounded, element " << i;
      }
    }
  }
}

// What the files call cur_*: the rows of the unfinished block; prev_*: C^a and Z^a of the block before.
void expect_state(const FixtureFile& file, const std::string& name, int64_t t, CompressorRun& run) {
  const int64_t m = run.layer().compress_ratio;
  const int64_t fill = file.i32(concat(name, ".fill"))[t];
  const int64_t block = (t + 1) / m;
  EXPECT_EQ(run.state().entries.size(), block) << name << " token " << t;
  const auto expect_rows = [&](const RowRing& ring, std::string_view tensor, int64_t first, int64_t count) {
    const std::span<const float> rows = row_of(file, concat(name, ".", tensor), t);
    const int64_t cols = static_cast<int64_t>(rows.size()) / m;
    for (int64_t j = 0; j < count; ++j) {
      EXPECT_TRUE(std::equal(ring.row(first + j), ring.row(first + j) + cols, rows.data() + j * cols))
          << name << "." << tensor << " after token " << t << ", row " << j;
    }
  };
  expect_rows(run.state().c, "cur_C", block * m, fill);
  expect_rows(run.state().z, "cur_Z", block * m, fill);
  if (!run.layer().overlap() || block == 0) return;
  expect_rows(run.state().c, "prev_C", (block - 1) * m, m);
  expect_rows(run.state().z, "prev_Z", (block - 1) * m, m);
}

TEST(AttentionUnits, TheRunningStateMatchesAfterEveryToken) {
  const FixtureFile file("units/compressor.safetensors");
  for (const std::string name : {"csa", "hca"}) {
    CompressorRun run(file, name);
    for (int64_t t = 0; t < run.rows(); ++t) {
      run.feed(t, 1, Rounding::kNone);
      expect_state(file, name, t, run);
    }
  }
}

TEST(AttentionUnits, TokensChunksAndAllAtOnceMakeTheSameEntries) {
  const FixtureFile file("units/compressor.safetensors");
  for (const std::string name : {"csa", "hca", "hca128"}) {
    for (const Rounding rounding : {Rounding::kNone, Rounding::kAsDeployed}) {
      CompressorRun whole(file, name);
      whole.feed(0, whole.rows(), rounding);
      const int64_t m = whole.layer().compress_ratio;
      for (const int64_t chunk : {int64_t{1}, int64_t{3}, m - 1, m, m + 1, 2 * m + 1}) {
        CompressorRun run(file, name);
        for (int64_t first = 0; first < run.rows(); first += chunk) {
          run.feed(first, std::min(chunk, run.rows() - first), rounding);
        }
        EXPECT_EQ(run.entries(), whole.entries()) << name << " in chunks of " << chunk;
        if (file.has(concat(name, ".fill"))) expect_state(file, name, run.rows() - 1, run);
      }
    }
  }
}

}  // namespace
}  // namespace fathom
