// SPDX-License-Identifier: MIT
// The model that is linked into the program: builtin:tiny-chat (design.md 1). Constant data; any thread.
#pragma once

#include <cstddef>
#include <span>
#include <string_view>

namespace fathom {

inline constexpr std::string_view kBuiltinModelName = "builtin:tiny-chat";

struct BuiltinModel {
  std::string_view config;             // config.json
  std::string_view tokenizer;          // tokenizer.json
  std::string_view generation_config;  // generation_config.json
  std::span<const std::byte> weights;  // model.safetensors, 64-byte aligned
};

BuiltinModel builtin_model() noexcept;

}  // namespace fathom
