// SPDX-License-Identifier: MIT
#include "weights/checkpoint_facts.h"

#include <algorithm>
#include <array>

#include "base/concat.h"
#include "base/human_units.h"
#include "config/claims.h"

namespace fathom {
namespace {

struct PartRule {
  std::string_view piece;  // found anywhere in the name
  std::string_view part;
};

// The first rule that matches names the part. Both spellings; MTP before everything that it contains.
constexpr PartRule kPartRules[] = {
    {"mtp.", "MTP"},
    {"embed", "embedding"},
    {"lm_head", "head"},
    {"hc", "hyper-connections"},
    {"head.weight", "head"},
    {"shared_experts", "shared experts"},
    {".experts.", "routed experts"},
    {".gate.", "router"},
    {"indexer", "indexer"},
    {"compressor", "compressors"},
    {"norm", "norms"},
    {"attn", "attention"},
};

std::string_view part_of(std::string_view name) noexcept {
  for (const PartRule& rule : kPartRules) {
    if (name.find(rule.piece) != std::string_view::npos) return rule.part;
  }
  return "other";
}

void add_to(std::vector<TensorGroup>& groups, std::string_view name, int64_t bytes) {
  auto group = std::ranges::find(groups, name, &TensorGroup::name);
  if (group == groups.end()) group = groups.insert(groups.end(), TensorGroup{std::string(name)});
  ++group->tensors;
  group->bytes += bytes;
}

std::string_view spelling_name(TensorSpelling spelling) noexcept {
  return spelling == TensorSpelling::kReleased ? "released" : "transformers";
}

std::string_view scoring_name(ScoringFunc scoring) noexcept {
  switch (scoring) {
    case ScoringFunc::kSqrtSoftplus: return "sqrtsoftplus";
    case ScoringFunc::kSigmoid: return "sigmoid";
    case ScoringFunc::kSoftmax: return "softmax";
  }
  return "";
}

std::string_view kind_name(LayerKind kind) noexcept {
  switch (kind) {
    case LayerKind::kWindow: return "window";
    case LayerKind::kCsa: return "CSA";
    case LayerKind::kHca: return "HCA";
  }
  return "";
}

std::string matrices_format(const ModelConfig& config) {
  if (!config.quantized) return "plain";
  return config.expert_dtype == ExpertDtype::kFp4 ? "FP8, routed experts FP4" : "FP8";
}

// ---- JSON ----

JsonValue config_json(const ModelConfig& c) {
  JsonValue out = JsonValue::object();
  const std::pair<const char*, int64_t> integers[] = {
      {"num_hidden_layers", c.num_hidden_layers},
      {"hidden_size", c.hidden_size},
      {"num_attention_heads", c.num_attention_heads},
      {"head_dim", c.head_dim},
      {"qk_rope_head_dim", c.qk_rope_head_dim},
      {"q_lora_rank", c.q_lora_rank},
      {"o_groups", c.o_groups},
      {"o_lora_rank", c.o_lora_rank},
      {"index_n_heads", c.index_n_heads},
      {"index_head_dim", c.index_head_dim},
      {"index_topk", c.index_topk},
      {"n_routed_experts", c.n_routed_experts},
      {"n_shared_experts", c.n_shared_experts},
      {"num_experts_per_tok", c.num_experts_per_tok},
      {"moe_intermediate_size", c.moe_intermediate_size},
      {"num_hash_layers", c.num_hash_layers},
      {"sliding_window", c.sliding_window},
      {"hc_mult", c.hc_mult},
      {"hc_sinkhorn_iters", c.hc_sinkhorn_iters},
      {"num_nextn_predict_layers", c.num_nextn_predict_layers},
      {"vocab_size", c.vocab_size},
      {"max_position_embeddings", c.max_position_embeddings},
  };
  for (const auto& [key, value] : integers) out.set(key, JsonValue::integer(value));
  out.set("scoring_func", JsonValue::string(std::string(scoring_name(c.scoring_func))));
  out.set("matrices", JsonValue::string(matrices_format(c)));
  std::vector<JsonValue> layers;
  for (const LayerConfig& layer : c.layers) {
    JsonValue entry = JsonValue::object();
    entry.set("kind", JsonValue::string(std::string(kind_name(layer.kind))));
    entry.set("compress_ratio", JsonValue::integer(layer.compress_ratio));
    entry.set("router", JsonValue::string(layer.router == RouterKind::kHashed ? "hashed" : "scored"));
    layers.push_back(std::move(entry));
  }
  out.set("layers", JsonValue::array(std::move(layers)));
  return out;
}

JsonValue groups_json(const std::vector<TensorGroup>& groups) {
  JsonValue out = JsonValue::object();
  for (const TensorGroup& group : groups) {
    JsonValue entry = JsonValue::object();
    entry.set("tensors", JsonValue::integer(group.tensors));
    entry.set("bytes", JsonValue::integer(group.bytes));
    out.set(group.name, std::move(entry));
  }
  return out;
}

// ---- text ----

std::string row(std::string_view label, std::string_view value) {
  std::string text(label);
  text.resize(std::max<size_t>(text.size() + 1, 16), ' ');
  return concat(text, value, "\n");
}

// "2 window, 21 CSA (4), 20 HCA (128)": kinds in order of first appearance.
std::string layer_summary(const ModelConfig& config) {
  struct Count {
    LayerConfig layer;
    int layers = 0;
  };
  std::vector<Count> counts;
  for (const LayerConfig& layer : config.layers) {
    auto found = std::ranges::find_if(counts, [&](const Count& count) {
      return count.layer.kind == layer.kind && count.layer.compress_ratio == layer.compress_ratio;
    });
    if (found == counts.end()) found = counts.insert(counts.end(), Count{layer, 0});
    ++found->layers;
  }
  std::string text;
  for (const Count& count : counts) {
    text += concat(text.empty() ? "" : ", ", count.layers, " ", kind_name(count.layer.kind));
    if (count.layer.compressed()) text += concat(" (ratio ", count.layer.compress_ratio, ")");
  }
  return text;
}

std::string config_text(const ModelConfig& c) {
  std::string text = row("layers", concat(c.num_hidden_layers, ": ", layer_summary(c)));
  std::string extra = concat(c.num_hash_layers, " hashed, ", c.num_hidden_layers - c.num_hash_layers,
                             " scored (", scoring_name(c.scoring_func), ")");
  text += row("routers", extra);
  text += row("MTP", c.num_nextn_predict_layers > 0 ? "1 layer" : "none");
  text += row("width", concat(with_commas(c.hidden_size), " x ", c.hc_mult, " streams"));
  text += row("vocabulary", with_commas(c.vocab_size));
  text += row("positions", with_commas(c.max_position_embeddings));
  text += row("attention", concat(c.num_attention_heads, " heads of ", c.head_dim, " (", c.qk_rope_head_dim,
                                  " rotated), window ", c.sliding_window, ", query rank ", c.q_lora_rank,
                                  ", output ", c.o_groups, " groups of rank ", c.o_lora_rank));
  if (c.index_n_heads > 0) {
    text += row("indexer", concat(c.index_n_heads, " heads of ", c.index_head_dim, ", top ", c.index_topk));
  }
  text += row("experts", concat(c.n_routed_experts, " routed (", c.num_experts_per_tok, " a token), ",
                                c.n_shared_experts, " shared, width ", with_commas(c.moe_intermediate_size)));
  text += row("matrices", matrices_format(c));
  const ParameterCounts counts = count_parameters(c);
  text +=
      row("parameters", concat(human_parameters(counts.total), " (", with_commas(counts.total), "), active ",
                               human_parameters(counts.active), " (", with_commas(counts.active), ")",
                               c.num_nextn_predict_layers > 0 ? ", without MTP" : ""));
  return text;
}

// name, tensors, bytes, share of all: columns as wide as their widest entry.
std::string groups_text(std::string_view title, const std::vector<TensorGroup>& groups, int64_t all_bytes) {
  using Line = std::array<std::string, 4>;
  std::vector<Line> lines = {{std::string(title), "tensors", "bytes", "share"}};
  for (const TensorGroup& group : groups) {
    const int64_t permille = all_bytes == 0 ? 0 : group.bytes / ((all_bytes + 999) / 1000);
    lines.push_back({group.name, with_commas(group.tensors), human_bytes(group.bytes),
                     concat(permille / 10, ".", permille % 10, " %")});
  }
  std::array<size_t, 4> widths{};
  for (const Line& line : lines) {
    for (size_t i = 0; i < 4; ++i) widths[i] = std::max(widths[i], line[i].size());
  }
  widths[0] = std::max<size_t>(widths[0], 20);
  std::string text;
  for (const Line& line : lines) {
    text += "  " + line[0] + std::string(widths[0] - line[0].size(), ' ');
    for (size_t i = 1; i < 4; ++i) text += "   " + std::string(widths[i] - line[i].size(), ' ') + line[i];
    text += '\n';
  }
  return text;
}

}  // namespace

CheckpointFacts describe_checkpoint(const WeightStore& store) {
  CheckpointFacts facts;
  facts.spelling = detect_spelling(store);
  facts.files = static_cast<int64_t>(store.file_count());
  facts.file_bytes = store.file_bytes();
  facts.tensors = static_cast<int64_t>(store.tensors().size());
  facts.tensor_bytes = store.tensor_bytes();
  for (const StoredTensor& tensor : store.tensors()) {
    const int64_t bytes = static_cast<int64_t>(tensor.bytes.size());
    add_to(facts.formats, dtype_name(tensor.dtype), bytes);
    add_to(facts.parts, part_of(tensor.name), bytes);
  }
  for (std::vector<TensorGroup>* groups : {&facts.formats, &facts.parts}) {
    std::ranges::stable_sort(*groups, std::greater<>(), &TensorGroup::bytes);
  }
  return facts;
}

JsonValue inspect_json(const ModelConfig& config, const std::optional<CheckpointFacts>& facts) {
  JsonValue out = JsonValue::object();
  out.set("config", config_json(config));
  const ParameterCounts counts = count_parameters(config);
  JsonValue parameters = JsonValue::object();
  parameters.set("total", JsonValue::integer(counts.total));
  parameters.set("active", JsonValue::integer(counts.active));
  out.set("parameters", std::move(parameters));
  if (!facts) return out;
  JsonValue weights = JsonValue::object();
  weights.set("spelling", JsonValue::string(std::string(spelling_name(facts->spelling))));
  weights.set("files", JsonValue::integer(facts->files));
  weights.set("file_bytes", JsonValue::integer(facts->file_bytes));
  weights.set("tensors", JsonValue::integer(facts->tensors));
  weights.set("bytes", JsonValue::integer(facts->tensor_bytes));
  weights.set("formats", groups_json(facts->formats));
  weights.set("parts", groups_json(facts->parts));
  out.set("weights", std::move(weights));
  return out;
}

std::string inspect_text(const ModelConfig& config, const std::optional<CheckpointFacts>& facts) {
  std::string text = config_text(config);
  if (!facts) return text + row("weights", "none in this directory");
  text += row("weights", concat(human_bytes(facts->tensor_bytes), " in ", with_commas(facts->tensors),
                                " tensors and ", facts->files, facts->files == 1 ? " file, " : " files, ",
                                spelling_name(facts->spelling), " names"));
  text += "\n" + groups_text("format", facts->formats, facts->tensor_bytes);
  return text + "\n" + groups_text("part", facts->parts, facts->tensor_bytes);
}

}  // namespace fathom
