// SPDX-License-Identifier: MIT
// The parameter tables of OpenAI's chat and text completions (api.md 4, 5), and the parts other APIs share.
// Constants.
#pragma once

#include <array>
#include <cstddef>
#include <span>

#include "server/parameter.h"

namespace fathom {

// Tables are arrays, so that one can be made of others.
template <size_t... Sizes>
constexpr auto join_tables(const std::array<Parameter, Sizes>&... tables) {
  std::array<Parameter, (Sizes + ...)> out{};
  size_t at = 0;
  const auto add = [&](const auto& table) {
    for (const Parameter& parameter : table) out[at++] = parameter;
  };
  (add(tables), ...);
  return out;
}

// temperature, top_p, top_k, min_p, penalties, seed, logit_bias.
extern const std::array<Parameter, 9> kSamplingTable;
// type, budget_tokens of `thinking`.
extern const std::array<Parameter, 2> kThinkingTable;

std::span<const Parameter> chat_parameters() noexcept;
std::span<const Parameter> completion_parameters() noexcept;
std::span<const Parameter> tokenize_parameters() noexcept;
std::span<const Parameter> detokenize_parameters() noexcept;

}  // namespace fathom
