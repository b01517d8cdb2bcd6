// SPDX-License-Identifier: MIT
// Which layer is what: reads the per-layer part of config.json in both spellings (architecture.md 1).
// Pure functions on JSON; any thread.
#pragma once

#include "base/status.h"
#include "config/model_config.h"
#include "io/json.h"

namespace fathom {

// Fills config.layers, config.mtp_layer (kinds, ratios, routers, rotation) and config.num_hash_layers.
// Requires num_hidden_layers and num_nextn_predict_layers. Messages begin with the key.
Status read_layer_plan(const JsonValue& root, ModelConfig& config);

}  // namespace fathom
