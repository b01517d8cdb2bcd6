// SPDX-License-Identifier: MIT
#include "train/batch.h"

#include <algorithm>

namespace fathom {

void TrainingBatch::begin_sequence() { sequences.push_back({rows(), rows()}); }

void TrainingBatch::add_document(std::span<const int32_t> document) {
  const std::vector<uint8_t> all(document.size(), 1);
  add_document(document, all);
}

void TrainingBatch::add_document(std::span<const int32_t> document, std::span<const uint8_t> predicted) {
  if (sequences.empty()) begin_sequence();
  const int64_t first = rows();
  const auto target = [&](size_t at) {
    return at < document.size() && predicted[at] != 0 ? document[at] : kNoTarget;
  };
  for (size_t i = 0; i < document.size(); ++i) {
    tokens.push_back(document[i]);
    targets.push_back(target(i + 1));
    draft_targets.push_back(target(i + 2));
  }
  documents.push_back({first, rows()});
  sequences.back().end = rows();
}

void TrainingBatch::clear() noexcept {
  tokens.clear();
  targets.clear();
  draft_targets.clear();
  documents.clear();
  sequences.clear();
}

void StepCounts::add(const TrainingBatch& batch, const ModelConfig& config) {
  const auto present = [](const std::vector<int32_t>& targets) {
    return static_cast<int64_t>(targets.size()) - std::count(targets.begin(), targets.end(), kNoTarget);
  };
  predicted += present(batch.targets);
  draft_predicted += present(batch.draft_targets);
  sequences += static_cast<int64_t>(batch.sequences.size());
  indexed.resize(config.layers.size());
  for (size_t layer = 0; layer < config.layers.size(); ++layer) {
    if (config.layers[layer].kind != LayerKind::kCsa) continue;
    // The token that closes the first block is the first that sees an entry.
    for (const RowRange& document : batch.documents) {
      indexed[layer] += std::max<int64_t>(0, document.size() - config.layers[layer].compress_ratio + 1);
    }
  }
}

}  // namespace fathom
