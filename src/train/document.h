// SPDX-License-Identifier: MIT
// A training document as token ids, and which of them a loss asks for (training.md 2, 10). Views and values.
#pragma once

#include <cstdint>
#include <span>
#include <vector>

namespace fathom {

struct DocumentView {
  std::span<const int32_t> ids;
  std::span<const uint8_t> predicted;  // 1: predicting this token is part of the loss; the first never is
};

struct Document {
  std::vector<int32_t> ids;
  std::vector<uint8_t> predicted;

  void add(int32_t id, uint8_t is_predicted) {
    ids.push_back(id);
    predicted.push_back(is_predicted);
  }
  DocumentView view() const noexcept { return {ids, predicted}; }
};

}  // namespace fathom
