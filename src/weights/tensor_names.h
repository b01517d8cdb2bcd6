// SPDX-License-Identifier: MIT
// Tensor names of both spellings in one table (architecture.md 10). The program speaks the released names; a
// Transformers checkpoint is read through their translation. Pure functions; any thread.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace fathom {

class WeightStore;

enum class TensorSpelling : uint8_t { kReleased, kTransformers };

// By the embedding's name; a checkpoint with neither is taken as kReleased, and binding names what is
// missing.
TensorSpelling detect_spelling(const WeightStore& store) noexcept;

// The name that a checkpoint of this spelling gives to the tensor `released`, such as
// "layers.3.attn.wq_a.weight". Routed experts and MTP have no names of their own in Transformers' spelling:
// fused_experts_name, and nothing.
std::string spelled_name(TensorSpelling spelling, std::string_view released);

// "model.layers.3.mlp.experts.gate_up_proj" [E, 2 inter, D] (w1 rows, then w3 rows) and ".down_proj" [E, D,
// inter].
std::string fused_experts_name(int layer, std::string_view projection);

}  // namespace fathom
