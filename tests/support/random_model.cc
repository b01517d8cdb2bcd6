// SPDX-License-Identifier: MIT
#include "support/random_model.h"

#include <algorithm>
#include <cmath>
#include <fstream>
#include <numeric>
#include <span>
#include <string_view>

#include "base/concat.h"
#include "numeric/bf16.h"
#include "numeric/f16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "support/random_numbers.h"
#include "support/safetensors_writer.h"

namespace fathom {
namespace {

enum class Kind : uint8_t { kWindow, kCsa, kHca };
enum class Storage : uint8_t { kPlain, kFp8, kFp4Experts };
enum class Router : uint8_t { kScored, kHashed };
enum class Draft : uint8_t { kNone, kMtp };

// The numbers of one config, named as its keys.
struct Plan {
  Storage storage;
  std::string_view scoring_func;
  Draft mtp;
  bool kinds_by_name;  // layer_types and compress_rates instead of compress_ratios
  std::vector<Kind> layers;
  std::vector<int> ratios;  // 0 for kWindow
  int csa_ratio, hca_ratio;
  int vocab_size, hidden_size, num_attention_heads, head_dim, qk_rope_head_dim, q_lora_rank, o_groups,
      o_lora_rank;
  int index_n_heads, index_head_dim, index_topk;
  int n_routed_experts, n_shared_experts, num_experts_per_tok, moe_intermediate_size, num_hash_layers;
  int sliding_window, hc_mult, hc_sinkhorn_iters;
  double hc_eps, rms_norm_eps, routed_scaling_factor, swiglu_limit, rope_theta, compress_rope_theta;
  std::string_view norm_topk_prob;
  int yarn_factor;  // 0: no rope_scaling
  int yarn_original;
  int max_position_embeddings;
};

void draw_layers(Plan& p, uint64_t seed, RandomNumbers& random) {
  p.csa_ratio = p.kinds_by_name ? random.one_of({2, 3, 4, 8}) : 4;
  p.hca_ratio = random.one_of({5, 8, 16});
  const int count = random.whole(2, 3);
  for (int layer = 0; layer < count; ++layer) {
    // The first layer's kind follows the seed, so every kind meets every storage.
    const Kind kind = static_cast<Kind>(layer == 0 ? (seed / 2 + seed / 9) % 3 : random.whole(0, 2));
    p.layers.push_back(kind);
    p.ratios.push_back(kind == Kind::kWindow ? 0 : kind == Kind::kCsa ? p.csa_ratio : p.hca_ratio);
  }
  p.num_hash_layers = random.whole(0, 1);
}

Plan draw_plan(uint64_t seed, RandomNumbers& random) {
  Plan p{};
  p.storage = static_cast<Storage>(seed % 3);
  p.scoring_func =
      std::initializer_list<std::string_view>{"sqrtsoftplus", "sigmoid", "softmax"}.begin()[seed / 3 % 3];
  p.mtp = static_cast<Draft>(seed % 2);
  p.kinds_by_name = seed % 4 == 2;
  draw_layers(p, seed, random);
  const bool fp4 = p.storage == Storage::kFp4Experts;
  p.vocab_size = random.whole(31, 79);
  p.hidden_size =
      fp4 ? random.one_of({32, 64, 96, 160}) : random.whole(20, 150);  // FP4 rows: multiples of 32
  p.o_groups = random.whole(1, 3);
  p.num_attention_heads = p.o_groups * random.whole(1, 2);
  p.qk_rope_head_dim = 2 * random.whole(1, 8);
  p.head_dim = p.qk_rope_head_dim + random.whole(1, 80);  // crosses the kv group of 64
  p.q_lora_rank = random.whole(9, 139);
  p.o_lora_rank = random.whole(5, 70);
  p.index_n_heads = random.whole(1, 4);
  p.index_head_dim = random.one_of({16, 32, 64});
  p.index_topk = random.whole(1, 5);
  p.n_routed_experts = random.whole(3, 6);
  p.n_shared_experts = random.whole(1, 2);
  p.num_experts_per_tok = random.whole(1, 3);
  p.moe_intermediate_size = fp4 ? random.one_of({32, 64}) : random.whole(10, 60);
  p.sliding_window = random.whole(1, 11);
  p.hc_mult = random.whole(1, 4);
  p.hc_sinkhorn_iters = random.whole(1, 20);
  p.hc_eps = random.one_of({1e-6, 1e-4, 1e-3});
  p.rms_norm_eps = random.one_of({1e-6, 1e-5, 1e-4});
  p.routed_scaling_factor = random.one_of({1.0, 1.5, 2.5});
  p.swiglu_limit = random.one_of({0.0, 1.0, 2.5, 10.0});
  p.rope_theta = random.one_of({500.0, 10000.0});
  p.compress_rope_theta = random.one_of({40000.0, 160000.0});
  p.norm_topk_prob = random.one_of<std::string_view>({"true", "true", "false"});
  p.yarn_factor = random.one_of({0, 4, 16});
  p.yarn_original = random.one_of({64, 512, 4096});
  p.max_position_embeddings = 4096;
  return p;
}

// The narrowest model with every kind of layer. CSA comes last and every expert is chosen, so that a choice
// too close to call changes the logits of its own token and of no later one.
void narrow_for_long_context(Plan& p) {
  p.kinds_by_name = false;
  p.layers = {Kind::kHca, Kind::kWindow, Kind::kCsa};
  p.csa_ratio = 4;
  p.hca_ratio = 128;
  p.ratios = {p.hca_ratio, 0, p.csa_ratio};
  p.num_hash_layers = 1;
  p.vocab_size = 17;
  p.hidden_size = p.storage == Storage::kFp4Experts ? 32 : 12;
  p.moe_intermediate_size = p.storage == Storage::kFp4Experts ? 32 : 6;
  p.o_groups = 1;
  p.num_attention_heads = 2;
  p.qk_rope_head_dim = 4;
  p.head_dim = 9;
  p.q_lora_rank = 7;
  p.o_lora_rank = 5;
  p.index_n_heads = 2;
  p.index_head_dim = 8;
  p.index_topk = 7;
  p.n_routed_experts = 2;
  p.num_experts_per_tok = 2;
  p.n_shared_experts = 1;
  p.sliding_window = 6;
  p.hc_mult = 2;
  p.hc_sinkhorn_iters = 3;
  p.max_position_embeddings = 1 << 20;
}

std::string quoted_list(const Plan& p) {
  std::string out;
  for (const Kind kind : p.layers) {
    const std::string_view name = kind == Kind::kCsa   ? "compressed_sparse_attention"
                                  : kind == Kind::kHca ? "heavily_compressed_attention"
                                                       : "sliding_attention";
    out += concat(out.empty() ? "" : ",", "\"", name, "\"");
  }
  return out;
}

std::string layer_plan_text(const Plan& p) {
  if (p.kinds_by_name) {
    return concat("\"layer_types\":[", quoted_list(p),
                  "],\"compress_rates\":{\"compressed_sparse_attention\":", p.csa_ratio,
                  ",\"heavily_compressed_attention\":", p.hca_ratio, "},");
  }
  std::string ratios;
  for (const int ratio : p.ratios) ratios += concat(ratio, ",");
  return concat("\"compress_ratios\":[", ratios, "0],");
}

std::string config_text(const Plan& p) {
  std::string text = concat(
      "{\"model_type\":\"deepseek_v4\",\"num_key_value_heads\":1,\"bos_token_id\":0,\"eos_token_id\":1,",
      "\"torch_dtype\":\"bfloat16\",", layer_plan_text(p), "\"scoring_func\":\"", p.scoring_func,
      "\",\"norm_topk_prob\":", p.norm_topk_prob);
  const std::pair<std::string_view, double> numbers[] = {
      {"num_hidden_layers", static_cast<double>(p.layers.size())},
      {"vocab_size", p.vocab_size},
      {"hidden_size", p.hidden_size},
      {"num_attention_heads", p.num_attention_heads},
      {"head_dim", p.head_dim},
      {"qk_rope_head_dim", p.qk_rope_head_dim},
      {"q_lora_rank", p.q_lora_rank},
      {"o_groups", p.o_groups},
      {"o_lora_rank", p.o_lora_rank},
      {"index_n_heads", p.index_n_heads},
      {"index_head_dim", p.index_head_dim},
      {"index_topk", p.index_topk},
      {"n_routed_experts", p.n_routed_experts},
      {"n_shared_experts", p.n_shared_experts},
      {"num_experts_per_tok", p.num_experts_per_tok},
      {"moe_intermediate_size", p.moe_intermediate_size},
      {"num_hash_layers", p.num_hash_layers},
      {"sliding_window", p.sliding_window},
      {"max_position_embeddings", p.max_position_embeddings},
      {"hc_mult", p.hc_mult},
      {"hc_sinkhorn_iters", p.hc_sinkhorn_iters},
      {"num_nextn_predict_layers", p.mtp == Draft::kMtp ? 1 : 0},
      {"hc_eps", p.hc_eps},
      {"rms_norm_eps", p.rms_norm_eps},
      {"routed_scaling_factor", p.routed_scaling_factor},
      {"swiglu_limit", p.swiglu_limit},
      {"rope_theta", p.rope_theta},
      {"compress_rope_theta", p.compress_rope_theta},
  };
  for (const auto& [key, value] : numbers) text += concat(",\"", key, "\":", value);
  if (p.yarn_factor > 0) {
    text += concat(",\"rope_scaling\":{\"type\":\"yarn\",\"factor\":", p.yarn_factor,
                   ",\"original_max_position_embeddings\":", p.yarn_original,
                   ",\"beta_fast\":32,\"beta_slow\":1}");
  }
  if (p.storage == Storage::kFp4Experts) text += ",\"expert_dtype\":\"fp4\"";
  if (p.storage != Storage::kPlain) {
    text +=
        ",\"quantization_config\":{\"quant_method\":\"fp8\",\"fmt\":\"e4m3\",\"scale_fmt\":\"ue8m0\","
        "\"weight_block_size\":[128,128],\"activation_scheme\":\"dynamic\"}";
  }
  return text + "}";
}

// Draws and writes the tensors of a plan.
class TensorMaker {
 public:
  TensorMaker(const Plan& plan, RandomNumbers& random) : p_(plan), random_(random) {}

  std::vector<std::byte> make() {
    const int64_t d = p_.hidden_size;
    plain("embed.weight", {p_.vocab_size, d}, {.spread = 1.0});
    plain("head.weight", {p_.vocab_size, d}, {.spread = 2.0 / std::sqrt(static_cast<double>(d))});
    norm("norm.weight", d);
    hyper_connection("hc_head", p_.hc_mult, 1);
    for (size_t layer = 0; layer < p_.layers.size(); ++layer) {
      const Router router = static_cast<int>(layer) < p_.num_hash_layers ? Router::kHashed : Router::kScored;
      block(concat("layers.", layer, "."), p_.layers[layer], p_.ratios[layer], router);
    }
    if (p_.mtp == Draft::kMtp) {
      block("mtp.0.", Kind::kWindow, 0, Router::kScored);
      matrix("mtp.0.e_proj", d, d);
      matrix("mtp.0.h_proj", d, d);
      for (const std::string_view name : {"enorm", "hnorm", "norm"})
        norm(concat("mtp.0.", name, ".weight"), d);
      hyper_connection("mtp.0.hc_head", p_.hc_mult, 1);
    }
    return writer_.file();
  }

 private:
  struct Values {
    double mean = 0.0;
    double spread = 1.0;
  };

  template <typename T>
  void write(std::string_view name, std::string_view dtype, std::span<const int64_t> shape,
             const std::vector<T>& v) {
    writer_.add(name, dtype, shape, std::as_bytes(std::span(v)));
  }

  // A float tensor in any of the three types it may come as.
  void plain(std::string_view name, std::initializer_list<int64_t> shape, Values values) {
    int64_t count = 1;
    for (const int64_t dim : shape) count *= dim;
    std::vector<float> v(static_cast<size_t>(count));
    for (float& x : v) x = static_cast<float>(values.mean + values.spread * random_.bell());
    const std::span<const int64_t> dims(shape.begin(), shape.size());
    std::vector<uint16_t> halves(v.size());
    switch (random_.whole(0, 3)) {
      case 0: write(name, "F32", dims, v); return;
      case 1:
        std::ranges::transform(v, halves.begin(), float_to_f16);
        write(name, "F16", dims, halves);
        return;
      default: std::ranges::transform(v, halves.begin(), float_to_bf16); write(name, "BF16", dims, halves);
    }
  }

  void norm(std::string_view name, int64_t size) { plain(name, {size}, {.mean = 1.0, .spread = 0.3}); }

  void hyper_connection(const std::string& name, int64_t rows, int64_t scales) {
    const int64_t width = int64_t{1} * p_.hc_mult * p_.hidden_size;
    plain(name + "_fn", {rows, width}, {.spread = 1.0 / std::sqrt(static_cast<double>(width))});
    plain(name + "_base", {rows}, {.spread = 1.0});
    plain(name + "_scale", {scales}, {.mean = 1.0, .spread = 0.3});
  }

  // A power-of-two scale byte: that of `size`, moved by up to one step either way.
  uint8_t scale_near(double size) {
    return static_cast<uint8_t>(127 + std::lround(std::log2(size)) + random_.whole(-1, 1));
  }

  // A matrix as the checkpoint stores this kind: name.weight, and name.scale where it is FP8.
  void matrix(const std::string& name, int64_t rows, int64_t cols) {
    const double spread = 1.0 / std::sqrt(static_cast<double>(cols));
    if (p_.storage == Storage::kPlain) return plain(name + ".weight", {rows, cols}, {.spread = spread});
    const int64_t scale_shape[] = {(rows + 127) / 128, (cols + 127) / 128};
    std::vector<uint8_t> codes(static_cast<size_t>(rows * cols));
    for (uint8_t& code : codes) code = float_to_fp8_e4m3(static_cast<float>(64.0 * random_.bell()));
    std::vector<uint8_t> scales(static_cast<size_t>(scale_shape[0] * scale_shape[1]));
    for (uint8_t& scale : scales) scale = scale_near(spread / 64.0);
    const int64_t shape[] = {rows, cols};
    write(name + ".weight", "F8_E4M3", shape, codes);
    write(name + ".scale", "F8_E8M0", scale_shape, scales);
  }

  // A routed expert's matrix: FP4 where the experts are.
  void expert_matrix(const std::string& name, int64_t rows, int64_t cols) {
    if (p_.storage != Storage::kFp4Experts) return matrix(name, rows, cols);
    std::vector<uint8_t> pairs(static_cast<size_t>(rows * cols / 2));
    const auto nibble = [&] { return float_to_fp4_e2m1(static_cast<float>(2.0 * random_.bell())); };
    for (uint8_t& pair : pairs) {
      const int low = nibble();
      pair = static_cast<uint8_t>(low | nibble() << 4);
    }
    std::vector<uint8_t> scales(static_cast<size_t>(rows * cols / 32));
    for (uint8_t& scale : scales) scale = scale_near(0.5 / std::sqrt(static_cast<double>(cols)));
    const int64_t shape[] = {rows, cols / 2};
    const int64_t scale_shape[] = {rows, cols / 32};
    write(name + ".weight", "I8", shape, pairs);
    write(name + ".scale", "F8_E8M0", scale_shape, scales);
  }

  void compressor(const std::string& name, int64_t ratio, int64_t width, int64_t head_dim) {
    const double spread = 1.0 / std::sqrt(static_cast<double>(p_.hidden_size));
    plain(name + ".wkv.weight", {width, p_.hidden_size}, {.spread = spread});
    plain(name + ".wgate.weight", {width, p_.hidden_size}, {.spread = spread});
    plain(name + ".ape", {ratio, width}, {.spread = 0.5});
    norm(name + ".norm.weight", head_dim);
  }

  void attention(const std::string& name, Kind kind, int64_t ratio) {
    const int64_t d = p_.hidden_size;
    const int64_t heads_width = int64_t{1} * p_.num_attention_heads * p_.head_dim;
    matrix(name + "wq_a", p_.q_lora_rank, d);
    matrix(name + "wq_b", heads_width, p_.q_lora_rank);
    matrix(name + "wkv", p_.head_dim, d);
    matrix(name + "wo_a", int64_t{1} * p_.o_groups * p_.o_lora_rank, heads_width / p_.o_groups);
    matrix(name + "wo_b", d, int64_t{1} * p_.o_groups * p_.o_lora_rank);
    norm(name + "q_norm.weight", p_.q_lora_rank);
    norm(name + "kv_norm.weight", p_.head_dim);
    plain(name + "attn_sink", {p_.num_attention_heads}, {.spread = 1.5});
    if (kind == Kind::kWindow) return;
    const int64_t series = kind == Kind::kCsa ? 2 : 1;
    compressor(name + "compressor", ratio, series * p_.head_dim, p_.head_dim);
    if (kind != Kind::kCsa) return;
    matrix(name + "indexer.wq_b", int64_t{1} * p_.index_n_heads * p_.index_head_dim, p_.q_lora_rank);
    plain(name + "indexer.weights_proj.weight", {p_.index_n_heads, d}, {.spread = 0.3});
    compressor(name + "indexer.compressor", ratio, series * p_.index_head_dim, p_.index_head_dim);
  }

  // k distinct experts for every token, as a table of the checkpoint.
  void hash_table(const std::string& name) {
    std::vector<int64_t> table;
    for (int token = 0; token < p_.vocab_size; ++token) {
      std::vector<int64_t> experts(static_cast<size_t>(p_.n_routed_experts));
      std::iota(experts.begin(), experts.end(), 0);
      for (int i = 0; i < p_.num_experts_per_tok; ++i) {
        std::swap(experts[i], experts[random_.whole(i, p_.n_routed_experts - 1)]);
        table.push_back(experts[i]);
      }
    }
    const int64_t shape[] = {p_.vocab_size, p_.num_experts_per_tok};
    write(name, "I64", shape, table);
  }

  void moe(const std::string& name, Router router) {
    const int64_t d = p_.hidden_size;
    const int64_t inter = p_.moe_intermediate_size;
    plain(name + "gate.weight", {p_.n_routed_experts, d},
          {.spread = 1.0 / std::sqrt(static_cast<double>(d))});
    if (router == Router::kHashed) {
      hash_table(name + "gate.tid2eid");
    } else {
      plain(name + "gate.bias", {p_.n_routed_experts}, {.spread = 0.2});
    }
    for (int expert = 0; expert < p_.n_routed_experts; ++expert) {
      const std::string prefix = concat(name, "experts.", expert, ".");
      expert_matrix(prefix + "w1", inter, d);
      expert_matrix(prefix + "w2", d, inter);
      expert_matrix(prefix + "w3", inter, d);
    }
    matrix(name + "shared_experts.w1", p_.n_shared_experts * inter, d);
    matrix(name + "shared_experts.w2", d, p_.n_shared_experts * inter);
    matrix(name + "shared_experts.w3", p_.n_shared_experts * inter, d);
  }

  void block(const std::string& prefix, Kind kind, int64_t ratio, Router router) {
    const int64_t mix_rows = int64_t{2 + p_.hc_mult} * p_.hc_mult;
    hyper_connection(prefix + "hc_attn", mix_rows, 3);
    hyper_connection(prefix + "hc_ffn", mix_rows, 3);
    norm(prefix + "attn_norm.weight", p_.hidden_size);
    norm(prefix + "ffn_norm.weight", p_.hidden_size);
    attention(prefix + "attn.", kind, ratio);
    moe(prefix + "ffn.", router);
  }

  const Plan& p_;
  RandomNumbers& random_;
  SafetensorsWriter writer_;
};

Status write_file(const std::string& path, std::string_view bytes) {
  std::ofstream out(path, std::ios::binary);
  out.write(bytes.data(), static_cast<std::streamsize>(bytes.size()));
  out.close();
  return out ? Status() : Status(StatusCode::kIo, concat(path, ": cannot be written"));
}

}  // namespace

RandomModel make_random_model(uint64_t seed) {
  RandomNumbers random(seed);
  const Plan plan = draw_plan(seed, random);
  return {config_text(plan), TensorMaker(plan, random).make()};
}

RandomModel make_long_context_model(uint64_t seed) {
  RandomNumbers random(seed);
  Plan plan = draw_plan(seed, random);
  narrow_for_long_context(plan);
  return {config_text(plan), TensorMaker(plan, random).make()};
}

Status write_model_directory(const RandomModel& model, const std::string& directory) {
  FATHOM_RETURN_IF_ERROR(write_file(directory + "/config.json", model.config_text));
  const auto* bytes = reinterpret_cast<const char*>(model.safetensors.data());
  return write_file(directory + "/model.safetensors", {bytes, model.safetensors.size()});
}

std::vector<int32_t> random_tokens(uint64_t seed, int vocab_size, int count) {
  RandomNumbers random(seed);
  std::vector<int32_t> tokens(static_cast<size_t>(count));
  for (int32_t& token : tokens) token = random.whole(0, vocab_size - 1);
  return tokens;
}

}  // namespace fathom
