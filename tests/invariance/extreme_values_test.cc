// SPDX-License-Identifier: MIT
// Weights so large that activations overflow: the forward ends, every choice stays valid, and a sequence that
// went wrong harms no other (design.md 4).
#include <gtest/gtest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstring>
#include <set>
#include <string>
#include <vector>

#include "base/concat.h"
#include "invariance/sequence_runner.h"
#include "io/json.h"
#include "numeric/bf16.h"

namespace fathom {
namespace {

// Everything stays finite, as binding demands.
float enlarged(float v, float factor) { return std::clamp(v * factor, -3e38F, 3e38F); }

template <typename T, typename Change>
void change_each(std::span<std::byte> bytes, Change change) {
  for (size_t at = 0; at + sizeof(T) <= bytes.size(); at += sizeof(T)) {
    T value;
    std::memcpy(&value, bytes.data() + at, sizeof(T));
    value = change(value);
    std::memcpy(bytes.data() + at, &value, sizeof(T));
  }
}

// f16 is taken to its largest value: 1e30 times any but the smallest is beyond it.
uint16_t largest_f16(uint16_t v) {
  return (v & 0x7fffU) == 0 ? v : static_cast<uint16_t>((v & 0x8000U) | 0x7bffU);
}

void enlarge(std::string_view dtype, float factor, std::span<std::byte> bytes) {
  if (dtype == "F32") change_each<float>(bytes, [=](float v) { return enlarged(v, factor); });
  if (dtype == "F16") change_each<uint16_t>(bytes, largest_f16);
  if (dtype == "BF16") {
    change_each<uint16_t>(bytes,
                          [=](uint16_t v) { return float_to_bf16(enlarged(bf16_to_float(v), factor)); });
  }
  // 2^100 times; the largest scale that FP8 may have.
  if (dtype == "F8_E8M0") {
    change_each<uint8_t>(bytes, [](uint8_t v) { return static_cast<uint8_t>(std::min(v + 100, 127 + 119)); });
  }
}

// Multiplies every tensor whose name contains `part`; returns how many there were.
int enlarge_tensors(RandomModel& model, std::string_view part, float factor) {
  uint64_t header_bytes = 0;
  std::memcpy(&header_bytes, model.safetensors.data(), 8);
  const std::span<std::byte> file = model.safetensors;
  const auto header_text = file.subspan(8, header_bytes);
  const auto header =
      read_json({static_cast<const char*>(static_cast<const void*>(header_text.data())), header_bytes});
  FATHOM_CHECK(header.ok());
  int count = 0;
  for (const auto& [name, tensor] : header->members()) {
    if (name == "__metadata__" || name.find(part) == std::string::npos) continue;
    const auto& offsets = tensor.find("data_offsets")->items();
    const auto begin = static_cast<size_t>(*offsets[0].as_int64());
    const auto end = static_cast<size_t>(*offsets[1].as_int64());
    enlarge(tensor.find("dtype")->as_string(), factor, file.subspan(8 + header_bytes + begin, end - begin));
    ++count;
  }
  return count;
}

void expect_valid_routes(const Activations& acts, const ModelConfig& config, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row) {
    std::set<int32_t> experts;
    for (const Route& route : acts.moe.routes.view().row_span(row)) {
      ASSERT_GE(route.expert, 0);
      ASSERT_LT(route.expert, config.n_routed_experts);
      experts.insert(route.expert);
    }
    ASSERT_EQ(static_cast<int>(experts.size()), config.num_experts_per_tok);
  }
}

void expect_valid_entries(const Activations& acts, const LayerConfig& layer, int64_t rows) {
  for (int64_t row = 0; row < rows; ++row) {
    const int64_t visible = (acts.positions[row] + 1) / layer.compress_ratio;
    const int64_t count = acts.attention.chosen_count[row];
    ASSERT_EQ(count, std::min<int64_t>(visible, acts.attention.chosen.cols()));
    for (int64_t rank = 0; rank < count; ++rank) {
      const int32_t entry = acts.attention.chosen.view().at(row, rank);
      ASSERT_GE(entry, rank == 0 ? 0 : acts.attention.chosen.view().at(row, rank - 1) + 1);
      ASSERT_LT(entry, visible);
    }
  }
}

// 50 tokens in two steps, every layer's choices checked. Counts the logits that are no numbers.
void expect_valid_forward(const LoadedRandomModel& model, Rounding rounding, int64_t& non_finite) {
  const std::vector<int32_t> tokens = random_tokens(1, model.config().vocab_size, 50);
  auto pool = ThreadPool::create(2);
  auto acts = Activations::create(model.config(), {.batch_tokens = 40, .logit_rows = 40, .workers = 2});
  auto state = SequenceState::create(model.config(), 50, row_precision(rounding));
  ASSERT_TRUE(pool.ok() && acts.ok() && state.ok());
  int64_t rows = 0;
  const ForwardOptions options{
      .rounding = rounding, .draft = model.draft(), .observer = [&](int layer, const Activations& seen) {
        if (layer < 0) return;
        expect_valid_routes(seen, model.config(), rows);
        const LayerConfig& config = model.config().layers[layer];
        if (config.kind == LayerKind::kCsa) expect_valid_entries(seen, config, rows);
      }};
  for (const auto& [first, count] : {std::pair<size_t, size_t>{0, 40}, {40, 10}}) {
    rows = static_cast<int64_t>(count);
    const SequenceSpan span{&*state, std::span(tokens).subspan(first, count), LogitsWanted::kAll};
    const StepOutput out = forward(model.model(), **pool, options, {&span, 1}, *acts);
    EXPECT_EQ(out.logits.rows, rows);
    for (int64_t row = 0; row < rows; ++row) {
      non_finite +=
          std::ranges::count_if(out.logits.row_span(row), [](float v) { return !std::isfinite(v); });
    }
    expect_valid_routes(*acts, model.config(), rows - (first == 0 ? 1 : 0));  // the draft layer's, if any
  }
  EXPECT_EQ(state->position(), 50);
}

TEST(ExtremeValues, EnormousWeightsAnywhereLeaveEveryChoiceValid) {
  int tensors = 0;
  int64_t non_finite = 0;
  for (uint64_t seed = 0; seed < 6; ++seed) {
    const RandomModel original = make_random_model(seed);
    for (const std::string_view part : {"", "embed", "attn.wq", "attn.wkv", "attn.indexer", "compressor",
                                        "ffn.gate", "experts", "hc_", "norm", "attn_sink", "bias"}) {
      SCOPED_TRACE(testing::Message() << "seed " << seed << ", tensors *" << part << "*");
      RandomModel files = original;
      const int enlarged_here = enlarge_tensors(files, part, 1e30F);
      if (enlarged_here == 0) continue;
      tensors += enlarged_here;
      const LoadedRandomModel model(std::move(files));
      expect_valid_forward(model, seed % 2 == 0 ? Rounding::kAsDeployed : Rounding::kNone, non_finite);
    }
  }
  EXPECT_GT(tensors, 400);
  EXPECT_GT(non_finite, 10'000);
}

// One token's embedding overflows; whoever shares a batch with it has the bits it has alone.
TEST(ExtremeValues, ASequenceThatOverflowsHarmsNoOther) {
  for (const uint64_t seed : {0, 1, 2, 3, 4, 5}) {
    SCOPED_TRACE(seed);
    const LoadedRandomModel model(make_random_model(seed));
    const std::vector<int32_t> tokens = random_tokens(seed, model.config().vocab_size, 24);
    const SequenceLogits alone = SequenceRunner(model, {.tokens = 24, .batch = 24}).run(tokens, 24);
    auto pool = ThreadPool::create(2);
    auto acts = Activations::create(model.config(), {.batch_tokens = 8, .logit_rows = 8, .workers = 2});
    auto good = SequenceState::create(model.config(), 24, RowPrecision::kPacked);
    auto bad = SequenceState::create(model.config(), 24, RowPrecision::kPacked);
    ASSERT_TRUE(pool.ok() && acts.ok() && good.ok() && bad.ok());
    // What no weight can cause for one sequence alone, the observer does: the first rows are the bad ones.
    const ForwardOptions options{.draft = model.draft(), .observer = [](int layer, const Activations& seen) {
                                   if (layer != 0) return;
                                   auto& streams = const_cast<Activations&>(seen).streams;
                                   for (int64_t row = 0; row < 4; ++row) {
                                     const float filling =
                                         row % 2 == 0 ? std::bit_cast<float>(0x7fc00000U) : 3e38F;
                                     std::ranges::fill(streams.view().row_span(row), filling);
                                   }
                                 }};
    bool overflowed = false;
    for (int64_t first = 0; first < 24; first += 4) {
      const SequenceSpan spans[] = {{&*bad, std::span(tokens).subspan(first, 4), LogitsWanted::kAll},
                                    {&*good, std::span(tokens).subspan(first, 4), LogitsWanted::kAll}};
      const StepOutput out = forward(model.model(), **pool, options, spans, *acts);
      for (int64_t i = 0; i < 4; ++i) {
        EXPECT_TRUE(std::ranges::equal(out.logits.row_span(4 + i), alone.logits.row(first + i)))
            << "token " << first + i;
        overflowed |= !std::isfinite(out.logits.at(i, 0));
      }
    }
    EXPECT_TRUE(overflowed);
  }
}

}  // namespace
}  // namespace fathom
