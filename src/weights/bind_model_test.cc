// SPDX-License-Identifier: MIT
// Binding of whole checkpoints, conversions, and the refusals of reliability.md F-4.
#include "weights/bind_model.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <cstring>
#include <limits>
#include <map>
#include <set>

#include "base/concat.h"
#include "config/model_config.h"
#include "numeric/bf16.h"
#include "numeric/f16.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"
#include "weights/safetensors_writer.h"
#include "weights/tensor_binder.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;
using ::testing::StartsWith;

std::string fixture(const std::string& name) {
  return concat(FATHOM_SOURCE_DIR, "/", name == "tiny-chat" ? "models/" : "tests/fixtures/model/", name);
}

ModelConfig config_of(const std::string& name) {
  const Result<std::string> text = read_config_text(system_io(), fixture(name));
  EXPECT_TRUE(text.ok()) << text.status().message();
  Result<ModelConfig> config = parse_model_config_text(*text);
  EXPECT_TRUE(config.ok()) << config.status().message();
  return std::move(config).value();
}

struct Tensor {
  Dtype dtype = Dtype::kU8;
  std::vector<int64_t> shape;
  std::string bytes;
};

// A checkpoint whose tensors a test may change before it is written to memory and bound.
struct Checkpoint {
  ModelConfig config;
  std::map<std::string, Tensor> tensors;
};

Checkpoint load(const std::string& name) {
  Checkpoint out;
  out.config = config_of(name);
  const Result<WeightStore> store = WeightStore::open(system_io(), fixture(name));
  EXPECT_TRUE(store.ok()) << store.status().message();
  for (const StoredTensor& tensor : store->tensors()) {
    out.tensors[std::string(tensor.name)] = {
        tensor.dtype,
        {tensor.shape.begin(), tensor.shape.end()},
        std::string(reinterpret_cast<const char*>(tensor.bytes.data()), tensor.bytes.size())};
  }
  return out;
}

std::string file_of(const Checkpoint& checkpoint) {
  std::vector<StoredTensor> tensors;
  for (const auto& [name, tensor] : checkpoint.tensors) {
    tensors.push_back({name, tensor.dtype, tensor.shape, std::as_bytes(std::span(tensor.bytes))});
  }
  return safetensors_bytes(tensors);
}

struct Bound {
  std::unique_ptr<std::string> file;  // the views point here
  ModelConfig config;
  WeightStore store;
  ModelWeights weights;
};

Result<Bound> bind_checkpoint(const Checkpoint& checkpoint, ValueChecks checks = ValueChecks::kOn) {
  auto file = std::make_unique<std::string>(file_of(checkpoint));
  FATHOM_ASSIGN_OR_RETURN(WeightStore store, WeightStore::from_memory(std::as_bytes(std::span(*file))));
  FATHOM_ASSIGN_OR_RETURN(ModelWeights weights, bind_model(checkpoint.config, store, checks));
  return Bound{std::move(file), checkpoint.config, std::move(store), std::move(weights)};
}

Bound bind_fixture(const std::string& name) {
  Result<Bound> bound = bind_checkpoint(load(name));
  EXPECT_TRUE(bound.ok()) << name << ": " << bound.status().message();
  return std::move(bound).value();
}

// One element of a matrix as the number it stands for, by the definitions of architecture.md 9.
float element(const WeightView& view, int64_t row, int64_t col) {
  const int64_t at = row * view.cols + col;
  const auto scale = [&] {
    const int64_t scale_cols = (view.cols + view.block.cols - 1) / view.block.cols;
    return ue8m0_to_float(view.scales[row / view.block.rows * scale_cols + col / view.block.cols]);
  };
  switch (view.format) {
    case WeightFormat::kF32: return static_cast<const float*>(view.data)[at];
    case WeightFormat::kBf16: return bf16_to_float(static_cast<const uint16_t*>(view.data)[at]);
    case WeightFormat::kFp8E4m3:
      return fp8_e4m3_to_float(static_cast<const uint8_t*>(view.data)[at]) * scale();
    case WeightFormat::kFp4E2m1: {
      constexpr float kValues[8] = {0.0f, 0.5f, 1.0f, 1.5f, 2.0f, 3.0f, 4.0f, 6.0f};
      const int byte = static_cast<const uint8_t*>(view.data)[at / 2];
      const int code = col % 2 == 0 ? byte & 15 : byte >> 4;
      return (code & 8 ? -kValues[code & 7] : kValues[code & 7]) * scale();
    }
  }
  return 0.0f;
}

// All numbers of a model, in the order of the structs.
class Numbers {
 public:
  explicit Numbers(const ModelWeights& w) {
    add(w.embed);
    add(w.head);
    add(w.norm);
    add(w.hc_head);
    for (const BlockWeights& block : w.layers) add(block);
    if (w.mtp) {
      add(w.mtp->block);
      for (const WeightView& view : {w.mtp->e_proj, w.mtp->h_proj}) add(view);
      for (const auto& norm : {w.mtp->enorm, w.mtp->hnorm, w.mtp->norm}) add(norm);
      add(w.mtp->hc_head);
    }
  }
  const std::vector<float>& values() const { return values_; }

 private:
  void add(const WeightView& view) {
    for (int64_t r = 0; r < view.rows; ++r) {
      for (int64_t c = 0; c < view.cols; ++c) values_.push_back(element(view, r, c));
    }
  }
  void add(std::span<const float> vector) { values_.insert(values_.end(), vector.begin(), vector.end()); }
  void add(const MatView<const float>& matrix) {
    for (int64_t r = 0; r < matrix.rows; ++r) add(matrix.row_span(r));
  }
  void add(const HyperConnectionWeights& hc) {
    add(hc.fn);
    add(hc.base);
    add(hc.scale);
  }
  void add(const CompressorWeights& w) {
    add(w.wkv);
    add(w.wgate);
    add(w.ape);
    add(w.norm);
  }
  void add(const ExpertWeights& w) {
    for (const WeightView& view : {w.w1, w.w2, w.w3}) add(view);
  }
  void add(const BlockWeights& block) {
    add(block.hc_attn);
    add(block.hc_ffn);
    add(block.attn_norm);
    add(block.ffn_norm);
    const AttentionWeights& attn = block.attn;
    for (const WeightView& view : {attn.wq_a, attn.wq_b, attn.wkv, attn.wo_b}) add(view);
    for (const WeightView& view : attn.wo_a) add(view);
    for (const auto& vector : {attn.q_norm, attn.kv_norm, attn.attn_sink}) add(vector);
    if (attn.compressor) add(*attn.compressor);
    if (attn.indexer) {
      add(attn.indexer->wq_b);
      add(attn.indexer->weights_proj);
      add(attn.indexer->compressor);
    }
    add(block.ffn.gate);
    add(block.ffn.bias);
    for (int64_t r = 0; r < block.ffn.tid2eid.rows; ++r) {
      for (const int32_t id : block.ffn.tid2eid.row_span(r)) values_.push_back(static_cast<float>(id));
    }
    for (const ExpertWeights& expert : block.ffn.experts) add(expert);
    if (block.ffn.shared_experts) add(*block.ffn.shared_experts);
  }
  std::vector<float> values_;
};

TEST(BindModel, EveryFixtureAndTinyChatBindWithoutALeftOverTensor) {
  for (const char* name :
       {"dense", "csa", "hca", "mixed", "bf16", "mixed-hf", "odd-types", "odd-ratios", "tiny-chat"}) {
    const ModelConfig config = config_of(name);
    Result<WeightStore> store = WeightStore::open(system_io(), fixture(name));
    ASSERT_TRUE(store.ok()) << store.status().message();
    const Result<ModelWeights> weights = bind_model(config, *store);
    ASSERT_TRUE(weights.ok()) << name << ": " << weights.status().message();
    EXPECT_EQ(store->unbound_tensors(), 0) << name;
    EXPECT_EQ(weights->layers.size(), static_cast<size_t>(config.num_hidden_layers)) << name;
    EXPECT_EQ(weights->mtp.has_value(),
              config.num_nextn_predict_layers == 1 && std::string(name) != "mixed-hf");
  }
}

// bf16 holds mixed's weights, whose FP8 and FP4 values bfloat16 represents (fixtures README).
TEST(BindModel, Fp8AndFp4ValuesEqualTheirBf16Copies) {
  EXPECT_EQ(Numbers(bind_fixture("mixed").weights).values(), Numbers(bind_fixture("bf16").weights).values());
}

TEST(BindModel, BothSpellingsGiveTheSameNumbers) {
  Bound released = bind_fixture("bf16");
  released.weights.mtp.reset();  // Transformers does not write it
  EXPECT_EQ(Numbers(released.weights).values(), Numbers(bind_fixture("mixed-hf").weights).values());
}

TEST(BindModel, LayersHoldWhatTheirKindNeeds) {
  const Bound bound = bind_fixture("mixed");  // ratios 0, 0, 4, 128, 4; two hash layers
  for (size_t i = 0; i < 5; ++i) {
    const BlockWeights& block = bound.weights.layers[i];
    EXPECT_EQ(block.attn.compressor.has_value(), i >= 2) << i;
    EXPECT_EQ(block.attn.indexer.has_value(), i == 2 || i == 4) << i;
    EXPECT_EQ(block.ffn.bias.empty(), i < 2) << i;
    EXPECT_EQ(block.ffn.tid2eid.rows, i < 2 ? 300 : 0) << i;
    EXPECT_EQ(block.ffn.experts.size(), 4u) << i;
    EXPECT_EQ(block.ffn.experts[1].w2.format, WeightFormat::kFp4E2m1) << i;
    EXPECT_EQ(block.ffn.experts[1].w2.cols, 32) << i;
    EXPECT_EQ(block.attn.wq_a.format, WeightFormat::kFp8E4m3) << i;
    EXPECT_EQ(block.ffn.gate.format, WeightFormat::kBf16) << i;
  }
  EXPECT_EQ(bound.weights.layers[2].attn.compressor->ape.cols, 64);  // overlap: 2 c
  EXPECT_EQ(bound.weights.layers[3].attn.compressor->ape.cols, 32);
  EXPECT_EQ(bound.weights.layers[3].attn.compressor->ape.rows, 128);
}

TEST(BindModel, Fp8AndFp4MatricesAreUsedWhereTheyLie) {
  const Bound bound = bind_fixture("tiny-chat");
  const auto in_file = [&](const void* p) {
    const auto* byte = static_cast<const char*>(p);
    return byte >= bound.file->data() && byte < bound.file->data() + bound.file->size();
  };
  const BlockWeights& block = bound.weights.layers[2];
  for (const WeightView& view : {block.attn.wq_a, block.attn.wo_a[1], block.ffn.experts[3].w1}) {
    EXPECT_TRUE(in_file(view.data));
    EXPECT_TRUE(in_file(view.scales));
  }
}

// o_lora_rank 72: the second group's rows 72-143 begin in scale block 0 and end in block 1, so they have no
// view.
TEST(BindModel, AGroupAcrossScaleBlocksBecomesAnExactCopy) {
  const Checkpoint checkpoint = load("dense");
  const Result<Bound> bound = bind_checkpoint(checkpoint);
  ASSERT_TRUE(bound.ok());
  const Tensor& codes = checkpoint.tensors.at("layers.0.attn.wo_a.weight");
  const Tensor& scales = checkpoint.tensors.at("layers.0.attn.wo_a.scale");
  ASSERT_EQ(codes.shape, (std::vector<int64_t>{144, 144}));
  const std::vector<WeightView>& groups = bound->weights.layers[0].attn.wo_a;
  ASSERT_EQ(groups.size(), 2u);
  EXPECT_EQ(groups[0].format, WeightFormat::kFp8E4m3);
  EXPECT_EQ(groups[1].format, WeightFormat::kF32);
  for (int64_t row = 0; row < 144; ++row) {
    for (int64_t col = 0; col < 144; ++col) {
      const float code =
          fp8_e4m3_to_float(static_cast<uint8_t>(codes.bytes[static_cast<size_t>(row * 144 + col)]));
      const auto scale = static_cast<uint8_t>(scales.bytes[static_cast<size_t>(row / 128 * 2 + col / 128)]);
      ASSERT_EQ(element(groups[static_cast<size_t>(row / 72)], row % 72, col), code * ue8m0_to_float(scale));
    }
  }
}

// csa: o_lora_rank 32; the second group lies inside one block and keeps its view.
TEST(BindModel, AGroupInsideOneScaleBlockKeepsItsView) {
  const Bound bound = bind_fixture("csa");
  EXPECT_EQ(bound.weights.layers[0].attn.wo_a[1].format, WeightFormat::kFp8E4m3);
  EXPECT_EQ(bound.weights.layers[0].attn.wo_a[1].rows, 32);
}

// ---- liberal reading (architecture.md 9) ----

float stored_float(const Tensor& tensor, size_t i) {
  uint32_t bits = 0;
  std::memcpy(&bits, tensor.bytes.data() + i * (tensor.dtype == Dtype::kF32 ? 4 : 2),
              tensor.dtype == Dtype::kF32 ? 4 : 2);
  return tensor.dtype == Dtype::kF32 ? std::bit_cast<float>(bits)
                                     : bf16_to_float(static_cast<uint16_t>(bits));
}

// Rewrites every float tensor in another type; values that do not fit are rounded.
Checkpoint rewritten(Checkpoint checkpoint, Dtype dtype) {
  for (auto& [name, tensor] : checkpoint.tensors) {
    if (tensor.dtype != Dtype::kF32 && tensor.dtype != Dtype::kBf16) continue;
    const size_t count = tensor.bytes.size() / (tensor.dtype == Dtype::kF32 ? 4 : 2);
    std::string bytes;
    for (size_t i = 0; i < count; ++i) {
      const float value = stored_float(tensor, i);
      const uint32_t wide = std::bit_cast<uint32_t>(value);
      const uint16_t half = dtype == Dtype::kF16 ? float_to_f16(value) : float_to_bf16(value);
      bytes.append(
          dtype == Dtype::kF32 ? reinterpret_cast<const char*>(&wide) : reinterpret_cast<const char*>(&half),
          dtype == Dtype::kF32 ? 4 : 2);
    }
    tensor = {dtype, tensor.shape, std::move(bytes)};
  }
  return checkpoint;
}

TEST(BindModel, AnyFloatTensorMayBeF32) {
  const Checkpoint checkpoint = load("bf16");
  const Result<Bound> wide = bind_checkpoint(rewritten(checkpoint, Dtype::kF32));
  ASSERT_TRUE(wide.ok()) << wide.status().message();
  EXPECT_EQ(wide->weights.layers[0].attn.wq_a.format, WeightFormat::kF32);
  EXPECT_EQ(Numbers(wide->weights).values(), Numbers(bind_checkpoint(checkpoint)->weights).values());
}

TEST(BindModel, AnyFloatTensorMayBeBf16OrF16) {
  for (const Dtype dtype : {Dtype::kBf16, Dtype::kF16}) {
    const Checkpoint checkpoint = load("mixed");
    const Result<Bound> half = bind_checkpoint(rewritten(checkpoint, dtype));
    ASSERT_TRUE(half.ok()) << half.status().message();
    std::vector<float> expected = Numbers(bind_checkpoint(checkpoint)->weights).values();
    const std::vector<float> found = Numbers(half->weights).values();
    ASSERT_EQ(found.size(), expected.size());
    // FP8, FP4 and integers are untouched; the others are off by at most half a unit of the type.
    const float unit = dtype == Dtype::kBf16 ? 0x1p-8f : 0x1p-11f;
    for (size_t i = 0; i < found.size(); ++i) {
      ASSERT_LE(std::abs(found[i] - expected[i]), unit * std::abs(expected[i]) + 0x1p-25f) << i;
    }
  }
}

TEST(BindModel, QuantizedMatricesMayComePlain) {
  Checkpoint checkpoint = load("bf16");
  checkpoint.config.quantized = true;
  checkpoint.config.expert_dtype = ExpertDtype::kFp4;
  const Result<Bound> bound = bind_checkpoint(checkpoint);
  ASSERT_TRUE(bound.ok()) << bound.status().message();
  EXPECT_FALSE(bound->weights.layers[0].attn.wq_a.quantizes_activations());
}

TEST(BindModel, BytesMayBeCalledUnsigned) {
  Checkpoint checkpoint = load("mixed");
  for (auto& [name, tensor] : checkpoint.tensors) {
    if (tensor.dtype == Dtype::kI8 || tensor.dtype == Dtype::kF8E8M0) tensor.dtype = Dtype::kU8;
  }
  const Result<Bound> bound = bind_checkpoint(checkpoint);
  ASSERT_TRUE(bound.ok()) << bound.status().message();
  EXPECT_EQ(Numbers(bound->weights).values(), Numbers(bind_fixture("mixed").weights).values());
}

// An odd first tensor puts all others on odd addresses: f32 and bf16 data are copied, bytes stay.
TEST(BindModel, MisalignedDataIsCopied) {
  for (const char* name : {"mixed", "bf16"}) {
    Checkpoint checkpoint = load(name);
    checkpoint.tensors["a"] = {Dtype::kU8, {1}, "x"};
    const Result<Bound> bound = bind_checkpoint(checkpoint);
    ASSERT_TRUE(bound.ok()) << bound.status().message();
    EXPECT_EQ(bound->store.unbound_tensors(), 1);
    EXPECT_EQ(Numbers(bound->weights).values(), Numbers(bind_fixture(name).weights).values());
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bound->weights.embed.data) % 64, 0u);
    EXPECT_EQ(reinterpret_cast<uintptr_t>(bound->weights.hc_head.fn.data) % 64, 0u);
  }
}

TEST(BindModel, ACheckpointWithoutMtpTensorsHasNoMtp) {
  Checkpoint checkpoint = load("mixed");
  std::erase_if(checkpoint.tensors, [](const auto& entry) { return entry.first.starts_with("mtp."); });
  const Result<Bound> bound = bind_checkpoint(checkpoint);
  ASSERT_TRUE(bound.ok()) << bound.status().message();
  EXPECT_FALSE(bound->weights.mtp.has_value());
}

TEST(BindModel, MtpTensorsAreLeftAloneWhenTheConfigHasNone) {
  Checkpoint checkpoint = load("mixed");
  checkpoint.config.num_nextn_predict_layers = 0;
  const Result<Bound> bound = bind_checkpoint(checkpoint);
  ASSERT_TRUE(bound.ok()) << bound.status().message();
  EXPECT_FALSE(bound->weights.mtp.has_value());
  EXPECT_GT(bound->store.unbound_tensors(), 50);
}

// ---- refusals (F-4), over one tensor of every kind ----

// The name without layer and expert numbers.
std::string kind_of(const std::string& name) {
  std::string kind;
  for (const char c : name) kind += c >= '0' && c <= '9' && !kind.empty() && kind.back() == '.' ? '#' : c;
  return kind;
}

// Names of the checkpoint's tensors, one of each kind: the last, so that earlier layers bind first.
std::vector<std::string> one_of_each_kind(const Checkpoint& checkpoint) {
  std::map<std::string, std::string> last;
  for (const auto& [name, tensor] : checkpoint.tensors) last[kind_of(name)] = name;
  std::vector<std::string> names;
  for (const auto& [kind, name] : last) names.push_back(name);
  return names;
}

const char* const kAllKinds[] = {"mixed", "odd-types", "mixed-hf"};

TEST(BindModel, AMissingTensorOfAnyKindIsNamed) {
  for (const char* fixture_name : kAllKinds) {
    Checkpoint checkpoint = load(fixture_name);
    for (const std::string& name : one_of_each_kind(checkpoint)) {
      const auto removed = checkpoint.tensors.extract(name);
      const Status status = bind_checkpoint(checkpoint).status();
      EXPECT_EQ(status.code(), StatusCode::kCorrupt) << name;
      EXPECT_THAT(std::string(status.message()), StartsWith(name + ": expected "));
      EXPECT_THAT(std::string(status.message()), HasSubstr(", file has no such tensor"));
      checkpoint.tensors[name] = removed.mapped();
    }
  }
}

TEST(BindModel, AWrongShapeOfAnyKindIsShownBesideTheExpectedOne) {
  int kinds = 0;
  for (const char* fixture_name : kAllKinds) {
    Checkpoint checkpoint = load(fixture_name);
    for (const std::string& name : one_of_each_kind(checkpoint)) {
      const Tensor good = checkpoint.tensors[name];
      for (size_t dim = 0; dim < good.shape.size(); ++dim) {
        Tensor& bad = checkpoint.tensors[name];
        bad.shape[dim] += 1;
        int64_t bytes = dtype_bytes(bad.dtype);
        for (const int64_t size : bad.shape) bytes *= size;
        bad.bytes.assign(static_cast<size_t>(bytes), '\0');
        const Status status = bind_checkpoint(checkpoint).status();
        EXPECT_EQ(status.code(), StatusCode::kCorrupt) << name;
        const std::string type(dtype_name(good.dtype));
        EXPECT_THAT(std::string(status.message()), StartsWith(name + ": expected "));
        EXPECT_THAT(std::string(status.message()), HasSubstr(dtype_and_shape("", good.shape) + ", file has " +
                                                             dtype_and_shape(type, bad.shape)));
        bad = good;
      }
      ++kinds;
    }
  }
  EXPECT_GT(kinds, 120);
}

TEST(BindModel, AWrongDtypeOfAnyKindIsShown) {
  for (const char* fixture_name : kAllKinds) {
    Checkpoint checkpoint = load(fixture_name);
    for (const std::string& name : one_of_each_kind(checkpoint)) {
      const Tensor good = checkpoint.tensors[name];
      const Dtype wrong = dtype_bytes(good.dtype) == 1   ? Dtype::kBool
                          : dtype_bytes(good.dtype) == 2 ? Dtype::kI16
                          : dtype_bytes(good.dtype) == 4 ? Dtype::kU32
                                                         : Dtype::kF64;
      checkpoint.tensors[name].dtype = wrong;
      const Status status = bind_checkpoint(checkpoint).status();
      EXPECT_EQ(status.code(), StatusCode::kCorrupt) << name;
      EXPECT_THAT(std::string(status.message()), StartsWith(name + ": expected "));
      EXPECT_THAT(std::string(status.message()),
                  HasSubstr(", file has " + dtype_and_shape(dtype_name(wrong), good.shape)));
      checkpoint.tensors[name] = good;
    }
  }
}

TEST(BindModel, TheMessageReadsAsTheDesignShowsIt) {
  Checkpoint checkpoint = load("mixed");
  Tensor& wq_a = checkpoint.tensors["layers.0.attn.wq_a.weight"];
  wq_a.shape = {33, 64};
  wq_a.bytes.resize(33 * 64);
  EXPECT_EQ(bind_checkpoint(checkpoint).status().message(),
            "layers.0.attn.wq_a.weight: expected F8_E4M3[32,64], file has F8_E4M3[33,64]");
}

TEST(BindModel, Fp8IsRefusedWhereTheConfigHasNoQuantization) {
  Checkpoint checkpoint = load("mixed");
  checkpoint.config.quantized = false;
  checkpoint.config.expert_dtype = ExpertDtype::kSame;
  EXPECT_THAT(std::string(bind_checkpoint(checkpoint).status().message()),
              HasSubstr("expected BF16[32,64], file has F8_E4M3[32,64]"));
}

// Bytes that are no number, for each stored type.
std::string bad_element(Dtype dtype, int variant) {
  const auto bytes_of = [](auto value) {
    return std::string(reinterpret_cast<const char*>(&value), sizeof value);
  };
  const float inf = std::numeric_limits<float>::infinity();
  const float bad[3] = {std::numeric_limits<float>::quiet_NaN(), inf, -inf};
  if (dtype == Dtype::kF32) return bytes_of(bad[variant]);
  if (dtype == Dtype::kBf16) return bytes_of(float_to_bf16(bad[variant]));
  if (dtype == Dtype::kF8E4M3) return variant % 2 == 0 ? "\x7f" : "\xff";
  if (dtype == Dtype::kF8E8M0)
    return variant == 0 ? "\xff" : variant == 1 ? "\xfe" : "\xfd";  // NaN; product overflows
  const int64_t ids[3] = {-1, 1 << 20, int64_t{1} << 53};
  if (dtype == Dtype::kI64) return bytes_of(ids[variant]);
  return "";  // FP4 has no code that is no number
}

TEST(BindModel, AValueThatIsNoNumberIsRefusedInEveryKindAtEveryEnd) {
  int refused = 0;
  for (const char* fixture_name : kAllKinds) {
    Checkpoint checkpoint = load(fixture_name);
    for (const std::string& name : one_of_each_kind(checkpoint)) {
      const Tensor good = checkpoint.tensors[name];
      for (int variant = 0; variant < 3; ++variant) {
        const std::string bad = bad_element(good.dtype, variant);
        if (bad.empty()) continue;
        const size_t count = good.bytes.size() / bad.size();
        const size_t at = variant == 0 ? 0 : variant == 1 ? count / 2 : count - 1;
        checkpoint.tensors[name].bytes.replace(at * bad.size(), bad.size(), bad);
        const Status status = bind_checkpoint(checkpoint).status();
        EXPECT_EQ(status.code(), StatusCode::kCorrupt) << name << " variant " << variant;
        EXPECT_THAT(std::string(status.message()), StartsWith(name + ": "));
        if (good.dtype != Dtype::kI64) {
          EXPECT_THAT(std::string(status.message()), HasSubstr(concat("element ", at, ": expected ")));
          EXPECT_TRUE(bind_checkpoint(checkpoint, ValueChecks::kOff).ok()) << name;
        }
        checkpoint.tensors[name] = good;
        ++refused;
      }
    }
  }
  EXPECT_GT(refused, 300);
}

TEST(BindModel, TableRowsMustHoldDistinctExperts) {
  Checkpoint checkpoint = load("mixed");
  Tensor& table = checkpoint.tensors["layers.1.ffn.gate.tid2eid"];  // [300, 2]
  std::memcpy(table.bytes.data() + 299 * 16 + 8, table.bytes.data() + 299 * 16, 8);
  EXPECT_THAT(std::string(bind_checkpoint(checkpoint).status().message()),
              HasSubstr("layers.1.ffn.gate.tid2eid: row 299: expected distinct experts, found"));
}

TEST(BindModel, ScaleBytesAreAcceptedUpToTheLastFiniteProduct) {
  Checkpoint checkpoint = load("mixed");
  for (const auto& [name, largest] : std::map<std::string, int>{{"layers.0.attn.wkv.scale", 246},
                                                                {"layers.0.ffn.experts.1.w1.scale", 252}}) {
    const Tensor good = checkpoint.tensors[name];
    for (const int byte : {0, largest, largest + 1}) {
      checkpoint.tensors[name].bytes[0] = static_cast<char>(byte);
      EXPECT_EQ(bind_checkpoint(checkpoint).ok(), byte <= largest) << name << " = " << byte;
    }
    checkpoint.tensors[name] = good;
  }
  EXPECT_TRUE(std::isfinite(448.0f * ue8m0_to_float(246)));
  EXPECT_FALSE(std::isfinite(448.0f * ue8m0_to_float(247)));
  EXPECT_TRUE(std::isfinite(6.0f * ue8m0_to_float(252)));
  EXPECT_FALSE(std::isfinite(6.0f * ue8m0_to_float(253)));
}

TEST(TensorBinder, LargeTensorsAreCheckedUpToTheBudgetOnly) {
  Checkpoint checkpoint = load("bf16");
  Tensor& embed = checkpoint.tensors["embed.weight"];  // [300, 64] bf16: 38,400 bytes
  embed.bytes.replace(0, 2, bad_element(Dtype::kBf16, 0));
  const std::string file = file_of(checkpoint);
  for (const int64_t budget : {38'399, 38'400}) {
    WeightStore store = WeightStore::from_memory(std::as_bytes(std::span(file))).value();
    TensorBinder binder(store, ValueChecks::kOn, budget);
    EXPECT_EQ(binder.matrix("embed", 300, 64, MatrixStorage::kPlain).ok(), budget < 38'400) << budget;
  }
}

}  // namespace
}  // namespace fathom
