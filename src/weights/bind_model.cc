// SPDX-License-Identifier: MIT
#include "weights/bind_model.h"

#include <array>
#include <string>

#include "base/concat.h"
#include "weights/tensor_binder.h"

namespace fathom {
namespace {

// Walks the structs of model_weights.h; `p` is always a name prefix with its dot ("layers.3.").
class ModelBinder {
 public:
  ModelBinder(const ModelConfig& config, WeightStore& store, ValueChecks checks)
      : config_(config),
        store_(store),
        tensors_(store, checks, kValueCheckBudgetBytes),
        dense_(config.quantized ? MatrixStorage::kFp8 : MatrixStorage::kPlain),
        expert_(config.expert_dtype == ExpertDtype::kFp4 ? MatrixStorage::kFp4 : dense_) {}

  Result<ModelWeights> bind() {
    ModelWeights w;
    FATHOM_ASSIGN_OR_RETURN(w.embed, plain("embed", config_.vocab_size, config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.head, plain("head", config_.vocab_size, config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.norm, tensors_.vector("norm.weight", config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.hc_head, hyper_connection("hc_head", config_.hc_mult, 1));
    w.layers.reserve(config_.layers.size());
    for (size_t i = 0; i < config_.layers.size(); ++i) {
      FATHOM_ASSIGN_OR_RETURN(BlockWeights block,
                              bind_block(concat("layers.", i, "."), config_.layers[i], i));
      w.layers.push_back(std::move(block));
    }
    if (config_.num_nextn_predict_layers > 0 && has_mtp()) {
      FATHOM_ASSIGN_OR_RETURN(w.mtp, bind_mtp("mtp.0."));
    }
    return w;
  }

 private:
  Result<WeightView> plain(const std::string& stem, int64_t rows, int64_t cols) {
    return tensors_.matrix(stem, rows, cols, MatrixStorage::kPlain);
  }
  Result<WeightView> dense(const std::string& stem, int64_t rows, int64_t cols) {
    return tensors_.matrix(stem, rows, cols, dense_);
  }

  Result<HyperConnectionWeights> hyper_connection(const std::string& stem, int64_t rows, int64_t scales) {
    HyperConnectionWeights w;
    const int64_t streams = int64_t{config_.hc_mult} * config_.hidden_size;
    FATHOM_ASSIGN_OR_RETURN(w.fn, tensors_.f32_matrix(stem + "_fn", rows, streams));
    FATHOM_ASSIGN_OR_RETURN(w.base, tensors_.vector(stem + "_base", rows));
    FATHOM_ASSIGN_OR_RETURN(w.scale, tensors_.vector(stem + "_scale", scales));
    return w;
  }

  Result<CompressorWeights> bind_compressor(const std::string& p, const LayerConfig& layer, int head_dim) {
    CompressorWeights w;
    const int width = layer.compressor_width(head_dim);
    FATHOM_ASSIGN_OR_RETURN(w.wkv, plain(p + "wkv", width, config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.wgate, plain(p + "wgate", width, config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.ape, tensors_.f32_matrix(p + "ape", layer.compress_ratio, width));
    FATHOM_ASSIGN_OR_RETURN(w.norm, tensors_.vector(p + "norm.weight", head_dim));
    return w;
  }

  Result<IndexerWeights> bind_indexer(const std::string& p, const LayerConfig& layer) {
    IndexerWeights w;
    const int64_t rows = int64_t{config_.index_n_heads} * config_.index_head_dim;
    FATHOM_ASSIGN_OR_RETURN(w.wq_b, dense(p + "wq_b", rows, config_.q_lora_rank));
    FATHOM_ASSIGN_OR_RETURN(w.weights_proj,
                            plain(p + "weights_proj", config_.index_n_heads, config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.compressor, bind_compressor(p + "compressor.", layer, config_.index_head_dim));
    return w;
  }

  // One matrix on disk, one view per group (architecture.md 3).
  Result<std::vector<WeightView>> bind_wo_a(const std::string& p) {
    const int64_t rank = config_.o_lora_rank;
    const int64_t in = int64_t{config_.num_attention_heads} * config_.head_dim / config_.o_groups;
    FATHOM_ASSIGN_OR_RETURN(const WeightView all, dense(p + "wo_a", config_.o_groups * rank, in));
    std::vector<WeightView> groups;
    for (int64_t g = 0; g < config_.o_groups; ++g) {
      FATHOM_ASSIGN_OR_RETURN(const WeightView group, tensors_.row_slice(all, g * rank, rank));
      groups.push_back(group);
    }
    return groups;
  }

  Result<AttentionWeights> bind_attention(const std::string& p, const LayerConfig& layer) {
    AttentionWeights w;
    const int64_t heads_width = int64_t{config_.num_attention_heads} * config_.head_dim;
    const int64_t ranks = int64_t{config_.o_groups} * config_.o_lora_rank;
    FATHOM_ASSIGN_OR_RETURN(w.wq_a, dense(p + "wq_a", config_.q_lora_rank, config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.wq_b, dense(p + "wq_b", heads_width, config_.q_lora_rank));
    FATHOM_ASSIGN_OR_RETURN(w.wkv, dense(p + "wkv", config_.head_dim, config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.wo_a, bind_wo_a(p));
    FATHOM_ASSIGN_OR_RETURN(w.wo_b, dense(p + "wo_b", config_.hidden_size, ranks));
    FATHOM_ASSIGN_OR_RETURN(w.q_norm, tensors_.vector(p + "q_norm.weight", config_.q_lora_rank));
    FATHOM_ASSIGN_OR_RETURN(w.kv_norm, tensors_.vector(p + "kv_norm.weight", config_.head_dim));
    FATHOM_ASSIGN_OR_RETURN(w.attn_sink, tensors_.vector(p + "attn_sink", config_.num_attention_heads));
    if (layer.compressed()) {
      FATHOM_ASSIGN_OR_RETURN(w.compressor, bind_compressor(p + "compressor.", layer, config_.head_dim));
    }
    if (layer.kind == LayerKind::kCsa) {
      FATHOM_ASSIGN_OR_RETURN(w.indexer, bind_indexer(p + "indexer.", layer));
    }
    return w;
  }

  Result<ExpertWeights> bind_expert(const std::string& p, int64_t width, MatrixStorage storage) {
    ExpertWeights w;
    FATHOM_ASSIGN_OR_RETURN(w.w1, tensors_.matrix(p + "w1", width, config_.hidden_size, storage));
    FATHOM_ASSIGN_OR_RETURN(w.w2, tensors_.matrix(p + "w2", config_.hidden_size, width, storage));
    FATHOM_ASSIGN_OR_RETURN(w.w3, tensors_.matrix(p + "w3", width, config_.hidden_size, storage));
    return w;
  }

  // Transformers stacks all experts of a layer in two tensors.
  Result<std::vector<ExpertWeights>> bind_fused_experts(size_t layer) {
    const int64_t count = config_.n_routed_experts;
    const int64_t width = config_.moe_intermediate_size;
    const int64_t hidden = config_.hidden_size;
    const int index = static_cast<int>(layer);
    const std::array<int64_t, 3> up_shape = {count, 2 * width, hidden};
    const std::array<int64_t, 3> down_shape = {count, hidden, width};
    FATHOM_ASSIGN_OR_RETURN(const WeightView up,
                            tensors_.stacked(fused_experts_name(index, "gate_up_proj"), up_shape));
    FATHOM_ASSIGN_OR_RETURN(const WeightView down,
                            tensors_.stacked(fused_experts_name(index, "down_proj"), down_shape));
    std::vector<ExpertWeights> experts(static_cast<size_t>(count));
    for (int64_t e = 0; e < count; ++e) {
      ExpertWeights& w = experts[static_cast<size_t>(e)];
      FATHOM_ASSIGN_OR_RETURN(w.w1, tensors_.row_slice(up, 2 * e * width, width));
      FATHOM_ASSIGN_OR_RETURN(w.w3, tensors_.row_slice(up, (2 * e + 1) * width, width));
      FATHOM_ASSIGN_OR_RETURN(w.w2, tensors_.row_slice(down, e * hidden, hidden));
    }
    return experts;
  }

  Result<std::vector<ExpertWeights>> bind_experts(const std::string& p, size_t layer) {
    if (tensors_.spelling() == TensorSpelling::kTransformers) return bind_fused_experts(layer);
    std::vector<ExpertWeights> experts;
    for (int e = 0; e < config_.n_routed_experts; ++e) {
      FATHOM_ASSIGN_OR_RETURN(
          const ExpertWeights expert,
          bind_expert(concat(p, "experts.", e, "."), config_.moe_intermediate_size, expert_));
      experts.push_back(expert);
    }
    return experts;
  }

  Result<MoeWeights> bind_moe(const std::string& p, RouterKind router, size_t layer) {
    MoeWeights w;
    const int experts = config_.n_routed_experts;
    FATHOM_ASSIGN_OR_RETURN(w.gate, plain(p + "gate", experts, config_.hidden_size));
    if (router == RouterKind::kHashed) {
      FATHOM_ASSIGN_OR_RETURN(w.tid2eid, tensors_.expert_table(p + "gate.tid2eid", config_.vocab_size,
                                                               config_.num_experts_per_tok, experts));
    } else {
      FATHOM_ASSIGN_OR_RETURN(w.bias, tensors_.vector(p + "gate.bias", experts));
    }
    FATHOM_ASSIGN_OR_RETURN(w.experts, bind_experts(p, layer));
    if (config_.n_shared_experts > 0) {
      FATHOM_ASSIGN_OR_RETURN(w.shared_experts,
                              bind_expert(p + "shared_experts.", config_.shared_intermediate_size(), dense_));
    }
    return w;
  }

  Result<BlockWeights> bind_block(const std::string& p, const LayerConfig& layer, size_t index) {
    BlockWeights w;
    FATHOM_ASSIGN_OR_RETURN(w.hc_attn, hyper_connection(p + "hc_attn", config_.hc_mix_size(), 3));
    FATHOM_ASSIGN_OR_RETURN(w.hc_ffn, hyper_connection(p + "hc_ffn", config_.hc_mix_size(), 3));
    FATHOM_ASSIGN_OR_RETURN(w.attn_norm, tensors_.vector(p + "attn_norm.weight", config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.ffn_norm, tensors_.vector(p + "ffn_norm.weight", config_.hidden_size));
    FATHOM_ASSIGN_OR_RETURN(w.attn, bind_attention(p + "attn.", layer));
    FATHOM_ASSIGN_OR_RETURN(w.ffn, bind_moe(p + "ffn.", layer.router, index));
    return w;
  }

  // Transformers drops the MTP tensors and keeps the config's 1: then there is no MTP (architecture.md 7).
  bool has_mtp() const noexcept {
    if (tensors_.spelling() == TensorSpelling::kTransformers) return false;
    for (const StoredTensor& tensor : store_.tensors()) {
      if (tensor.name.starts_with("mtp.")) return true;
    }
    return false;
  }

  Result<MtpWeights> bind_mtp(const std::string& p) {
    MtpWeights w;
    const int64_t hidden = config_.hidden_size;
    FATHOM_ASSIGN_OR_RETURN(w.block, bind_block(p, config_.mtp_layer, 0));
    FATHOM_ASSIGN_OR_RETURN(w.e_proj, dense(p + "e_proj", hidden, hidden));
    FATHOM_ASSIGN_OR_RETURN(w.h_proj, dense(p + "h_proj", hidden, hidden));
    FATHOM_ASSIGN_OR_RETURN(w.enorm, tensors_.vector(p + "enorm.weight", hidden));
    FATHOM_ASSIGN_OR_RETURN(w.hnorm, tensors_.vector(p + "hnorm.weight", hidden));
    FATHOM_ASSIGN_OR_RETURN(w.norm, tensors_.vector(p + "norm.weight", hidden));
    FATHOM_ASSIGN_OR_RETURN(w.hc_head, hyper_connection(p + "hc_head", config_.hc_mult, 1));
    return w;
  }

  const ModelConfig& config_;
  WeightStore& store_;
  TensorBinder tensors_;
  MatrixStorage dense_;
  MatrixStorage expert_;
};

}  // namespace

Result<ModelWeights> bind_model(const ModelConfig& config, WeightStore& store, ValueChecks checks) {
  return ModelBinder(config, store, checks).bind();
}

}  // namespace fathom
