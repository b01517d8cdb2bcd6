// SPDX-License-Identifier: MIT
// Any text as config.json: refused by name, or a model whose counts and sizes are all positive.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "config/claims.h"
#include "config/model_config.h"
#include "config/state_bytes.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const auto config = fathom::parse_model_config_text({reinterpret_cast<const char*>(data), size});
  if (!config.ok()) {
    FATHOM_CHECK(config.status().message().starts_with("config.json: "));
    return 0;
  }
  FATHOM_CHECK(static_cast<int>(config->layers.size()) == config->num_hidden_layers);
  FATHOM_CHECK(config->num_attention_heads % config->o_groups == 0);
  FATHOM_CHECK(config->nope_dim() >= 0 && config->hc_mix_size() > 0 &&
               config->shared_intermediate_size() >= 0);
  for (const fathom::LayerConfig& layer : config->layers) {
    FATHOM_CHECK(layer.compressed() == (layer.compress_ratio > 0));
  }
  const fathom::ParameterCounts counts = fathom::count_parameters(*config);
  FATHOM_CHECK(counts.total > 0 && counts.active > 0 && counts.active <= counts.total &&
               counts.released_bytes() > 0);
  const fathom::TokenCost cost = fathom::token_cost(*config, 1 << 20);
  FATHOM_CHECK(cost.linear > 0 && cost.core > 0 && cost.index >= 0 && cost.kv_bytes > 0);
  FATHOM_CHECK(fathom::deployed_state_bytes(*config, config->max_position_embeddings) > 0);
  return 0;
}
