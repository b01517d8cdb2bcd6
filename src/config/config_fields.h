// SPDX-License-Identifier: MIT
// The field table: every number of config.json with its type and bounds in one place (reliability.md 11,
// F-3). The reader and its generated tests both walk these tables. Constant data; any thread.
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <variant>

#include "base/status.h"
#include "config/model_config.h"
#include "io/json.h"

namespace fathom {

// Caps of reliability.md 3.
inline constexpr int kMaxConfigLayers = 1024;
inline constexpr int kMaxConfigDimension = 1 << 20;
inline constexpr int kMaxConfigVocab = 1 << 22;
// Positions: far above any model, and small enough that sums of positions fit in 32 bits.
inline constexpr int kMaxConfigPositions = 1 << 30;

enum class FieldPresence : uint8_t {
  kRequired,
  kOptional,  // absent: the struct's default
  kCsaOnly,   // required where a CSA layer exists
  kReplaced,  // required unless the other spelling's key is there (qk_rope_head_dim, num_hash_layers)
};

// One number or boolean of `Owner`. Integer members take JSON integers only; real members any finite number.
template <typename Owner>
struct ConfigField {
  std::string_view key;
  std::variant<int Owner::*, int64_t Owner::*, double Owner::*, bool Owner::*> member;
  double min = 0;
  double max = 0;
  FieldPresence presence = FieldPresence::kRequired;
};

// Base frequencies of the rotation; they end up in every LayerConfig.
struct RopeBases {
  double rope_theta = 0.0;
  double compress_rope_theta = 0.0;
};

std::span<const ConfigField<ModelConfig>> model_fields();
std::span<const ConfigField<RopeBases>> rope_base_fields();
// Members of rope_scaling.
std::span<const ConfigField<RopeConfig>> yarn_fields();

// Reads the field from `object` into `owner`; an absent kCsaOnly field is left alone (the rules check it
// later). `where` goes before the key in messages ("rope_scaling.").
template <typename Owner>
Status read_field(const ConfigField<Owner>& field, const JsonValue& object, std::string_view where,
                  Owner& owner);

// "KEY: expected WHAT, found VALUE" (kCorrupt); a null `found` means that the key is missing.
Status wrong_field(std::string_view key, std::string_view expected, const JsonValue* found);

}  // namespace fathom
