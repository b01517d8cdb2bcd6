// SPDX-License-Identifier: MIT
// Cross entropy of one row of logits and its derivative (training.md 2). T is float or double; nothing
// allocates.
#pragma once

#include <cstdint>
#include <span>

namespace fathom {

// Returns -log softmax(logits)[target]; logits become scale * (softmax(logits) - one_hot(target)).
template <typename T>
double cross_entropy_backward(std::span<T> logits, int32_t target, T scale) noexcept;

}  // namespace fathom
