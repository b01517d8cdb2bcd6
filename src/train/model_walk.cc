// SPDX-License-Identifier: MIT
#include "train/model_walk.h"

#include "base/concat.h"

namespace fathom {
namespace {

template <typename T>
T& present(std::optional<T>& part) {
  return part ? *part : part.emplace();
}

// `p` is always a name prefix with its dot ("layers.3.").
class Walker {
 public:
  Walker(const ModelConfig& config, ParameterVisitor& visitor) : config_(config), visitor_(visitor) {}

  Status model(DraftModule draft, ModelWeights& w, ModelGradients& d) {
    FATHOM_RETURN_IF_ERROR(table("embed.weight", w.embed, d.embed));
    FATHOM_RETURN_IF_ERROR(table("head.weight", w.head, d.head));
    FATHOM_RETURN_IF_ERROR(norm("norm.weight", config_.hidden_size, w.norm, d.norm));
    FATHOM_RETURN_IF_ERROR(hyper_connection("hc_head", config_.hc_mult, 1, w.hc_head, d.hc_head));
    w.layers.resize(config_.layers.size());
    d.layers.resize(config_.layers.size());
    for (size_t i = 0; i < config_.layers.size(); ++i) {
      FATHOM_RETURN_IF_ERROR(block(concat("layers.", i, "."), config_.layers[i], w.layers[i], d.layers[i]));
    }
    return draft == DraftModule::kPresent ? mtp("mtp.0.", present(w.mtp), present(d.mtp)) : Status();
  }

 private:
  Status table(const std::string& name, WeightView& w, MatrixGradient& d) {
    return visitor_.matrix(
        {name, config_.vocab_size, config_.hidden_size, Update::kAdamWDecayed, Storage::kBf16}, w, d);
  }
  Status matrix(const std::string& stem, int64_t rows, int64_t cols, Storage storage, WeightView& w,
                MatrixGradient& d) {
    return visitor_.matrix({stem + ".weight", rows, cols, Update::kMuon, storage}, w, d);
  }
  Status norm(const std::string& name, int64_t size, std::span<const float>& w, std::span<float>& d) {
    return visitor_.vector({name, size, 0, Update::kAdamW, Storage::kBf16}, w, d);
  }
  Status numbers(const std::string& name, int64_t size, std::span<const float>& w, std::span<float>& d) {
    return visitor_.vector({name, size, 0, Update::kAdamW, Storage::kF32}, w, d);
  }

  Status hyper_connection(const std::string& stem, int64_t rows, int64_t scales, HyperConnectionWeights& w,
                          HyperConnectionGradients& d) {
    const int64_t streams = int64_t{config_.hc_mult} * config_.hidden_size;
    FATHOM_RETURN_IF_ERROR(
        visitor_.plain_matrix({stem + "_fn", rows, streams, Update::kMuon, Storage::kF32}, w.fn, d.fn));
    FATHOM_RETURN_IF_ERROR(numbers(stem + "_base", rows, w.base, d.base));
    return numbers(stem + "_scale", scales, w.scale, d.scale);
  }

  Status compressor(const std::string& p, const LayerConfig& layer, int head_dim, CompressorWeights& w,
                    CompressorGradients& d) {
    const int64_t width = layer.compressor_width(head_dim);
    FATHOM_RETURN_IF_ERROR(matrix(p + "wkv", width, config_.hidden_size, Storage::kBf16, w.wkv, d.wkv));
    FATHOM_RETURN_IF_ERROR(matrix(p + "wgate", width, config_.hidden_size, Storage::kBf16, w.wgate, d.wgate));
    MatrixGradient ape{{}, d.ape};
    FATHOM_RETURN_IF_ERROR(visitor_.plain_matrix(
        {p + "ape", layer.compress_ratio, width, Update::kAdamW, Storage::kF32}, w.ape, ape));
    d.ape = ape.d_w;
    return norm(p + "norm.weight", head_dim, w.norm, d.norm);
  }

  Status indexer(const std::string& p, const LayerConfig& layer, IndexerWeights& w, IndexerGradients& d) {
    const int64_t rows = int64_t{config_.index_n_heads} * config_.index_head_dim;
    FATHOM_RETURN_IF_ERROR(matrix(p + "wq_b", rows, config_.q_lora_rank, Storage::kDense, w.wq_b, d.wq_b));
    FATHOM_RETURN_IF_ERROR(matrix(p + "weights_proj", config_.index_n_heads, config_.hidden_size,
                                  Storage::kBf16, w.weights_proj, d.weights_proj));
    return compressor(p + "compressor.", layer, config_.index_head_dim, w.compressor, d.compressor);
  }

  Status output_projection(const std::string& p, AttentionWeights& w, AttentionGradients& d) {
    const int64_t ranks = int64_t{config_.o_groups} * config_.o_lora_rank;
    const int64_t in = int64_t{config_.num_attention_heads} * config_.head_dim / config_.o_groups;
    w.wo_a.resize(static_cast<size_t>(config_.o_groups));
    d.wo_a.resize(w.wo_a.size());
    FATHOM_RETURN_IF_ERROR(
        visitor_.grouped({p + "wo_a.weight", ranks, in, Update::kMuon, Storage::kDenseRaw}, w.wo_a, d.wo_a));
    return matrix(p + "wo_b", config_.hidden_size, ranks, Storage::kDense, w.wo_b, d.wo_b);
  }

  Status attention(const std::string& p, const LayerConfig& layer, AttentionWeights& w,
                   AttentionGradients& d) {
    const int64_t heads_width = int64_t{config_.num_attention_heads} * config_.head_dim;
    FATHOM_RETURN_IF_ERROR(
        matrix(p + "wq_a", config_.q_lora_rank, config_.hidden_size, Storage::kDense, w.wq_a, d.wq_a));
    FATHOM_RETURN_IF_ERROR(
        matrix(p + "wq_b", heads_width, config_.q_lora_rank, Storage::kDense, w.wq_b, d.wq_b));
    FATHOM_RETURN_IF_ERROR(
        matrix(p + "wkv", config_.head_dim, config_.hidden_size, Storage::kDense, w.wkv, d.wkv));
    FATHOM_RETURN_IF_ERROR(output_projection(p, w, d));
    FATHOM_RETURN_IF_ERROR(norm(p + "q_norm.weight", config_.q_lora_rank, w.q_norm, d.q_norm));
    FATHOM_RETURN_IF_ERROR(norm(p + "kv_norm.weight", config_.head_dim, w.kv_norm, d.kv_norm));
    FATHOM_RETURN_IF_ERROR(numbers(p + "attn_sink", config_.num_attention_heads, w.attn_sink, d.attn_sink));
    if (layer.compressed()) {
      FATHOM_RETURN_IF_ERROR(compressor(p + "compressor.", layer, config_.head_dim, present(w.compressor),
                                        present(d.compressor)));
    }
    if (layer.kind != LayerKind::kCsa) return {};
    return indexer(p + "indexer.", layer, present(w.indexer), present(d.indexer));
  }

  Status expert(const std::string& p, int64_t width, Storage storage, ExpertWeights& w, ExpertGradients& d) {
    FATHOM_RETURN_IF_ERROR(matrix(p + "w1", width, config_.hidden_size, storage, w.w1, d.w1));
    FATHOM_RETURN_IF_ERROR(matrix(p + "w2", config_.hidden_size, width, storage, w.w2, d.w2));
    return matrix(p + "w3", width, config_.hidden_size, storage, w.w3, d.w3);
  }

  Status experts(const std::string& p, RouterKind router, MoeWeights& w, MoeGradients& d) {
    const int64_t count = config_.n_routed_experts;
    FATHOM_RETURN_IF_ERROR(matrix(p + "gate", count, config_.hidden_size, Storage::kBf16, w.gate, d.gate));
    std::span<float> no_gradient;
    if (router == RouterKind::kHashed) {
      FATHOM_RETURN_IF_ERROR(visitor_.expert_table(p + "gate.tid2eid", w.tid2eid));
    } else {
      FATHOM_RETURN_IF_ERROR(visitor_.vector(
          {p + "gate.bias", count, 0, Update::kBalancingRule, Storage::kF32}, w.bias, no_gradient));
    }
    w.experts.resize(static_cast<size_t>(count));
    d.experts.resize(w.experts.size());
    for (size_t e = 0; e < w.experts.size(); ++e) {
      FATHOM_RETURN_IF_ERROR(expert(concat(p, "experts.", e, "."), config_.moe_intermediate_size,
                                    Storage::kExpert, w.experts[e], d.experts[e]));
    }
    if (config_.n_shared_experts == 0) return {};
    return expert(p + "shared_experts.", config_.shared_intermediate_size(), Storage::kDense,
                  present(w.shared_experts), present(d.shared_experts));
  }

  Status block(const std::string& p, const LayerConfig& layer, BlockWeights& w, BlockGradients& d) {
    FATHOM_RETURN_IF_ERROR(hyper_connection(p + "hc_attn", config_.hc_mix_size(), 3, w.hc_attn, d.hc_attn));
    FATHOM_RETURN_IF_ERROR(hyper_connection(p + "hc_ffn", config_.hc_mix_size(), 3, w.hc_ffn, d.hc_ffn));
    FATHOM_RETURN_IF_ERROR(norm(p + "attn_norm.weight", config_.hidden_size, w.attn_norm, d.attn_norm));
    FATHOM_RETURN_IF_ERROR(norm(p + "ffn_norm.weight", config_.hidden_size, w.ffn_norm, d.ffn_norm));
    FATHOM_RETURN_IF_ERROR(attention(p + "attn.", layer, w.attn, d.attn));
    return experts(p + "ffn.", layer.router, w.ffn, d.ffn);
  }

  Status mtp(const std::string& p, MtpWeights& w, MtpGradients& d) {
    const int64_t hidden = config_.hidden_size;
    FATHOM_RETURN_IF_ERROR(block(p, config_.mtp_layer, w.block, d.block));
    FATHOM_RETURN_IF_ERROR(matrix(p + "e_proj", hidden, hidden, Storage::kDense, w.e_proj, d.e_proj));
    FATHOM_RETURN_IF_ERROR(matrix(p + "h_proj", hidden, hidden, Storage::kDense, w.h_proj, d.h_proj));
    FATHOM_RETURN_IF_ERROR(norm(p + "enorm.weight", hidden, w.enorm, d.enorm));
    FATHOM_RETURN_IF_ERROR(norm(p + "hnorm.weight", hidden, w.hnorm, d.hnorm));
    FATHOM_RETURN_IF_ERROR(norm(p + "norm.weight", hidden, w.norm, d.norm));
    return hyper_connection(p + "hc_head", config_.hc_mult, 1, w.hc_head, d.hc_head);
  }

  const ModelConfig& config_;
  ParameterVisitor& visitor_;
};

}  // namespace

Status walk_model(const ModelConfig& config, DraftModule draft, ModelWeights& w, ModelGradients& d_w,
                  ParameterVisitor& visitor) {
  return Walker(config, visitor).model(draft, w, d_w);
}

}  // namespace fathom
