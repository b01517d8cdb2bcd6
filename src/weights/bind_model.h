// SPDX-License-Identifier: MIT
// bind_model: from named tensors to the structs that the model reads (architecture.md 9, 10; design.md 6).
//
// Every tensor is checked for dtype and shape. Values are checked too (reliability.md F-4): every small
// tensor and FP8 scale, every tid2eid, and of the large rest (matrices, FP4 scales) the first
// kValueCheckBudgetBytes bytes. That covers models up to the budget wholly, and keeps opening a 160 GB
// checkpoint from reading it; there the model reports non-finite logits for the sequence that meets them.
// Called once, before any thread reads the weights.
#pragma once

#include <cstdint>

#include "base/status.h"
#include "config/model_config.h"
#include "weights/model_weights.h"
#include "weights/weight_store.h"

namespace fathom {

// About 30 ms at memory speed.
inline constexpr int64_t kValueCheckBudgetBytes = int64_t{256} << 20;

enum class ValueChecks : uint8_t {
  kOn,
  kOff,  // dtypes and shapes only; to measure what the checks cost
};

// Views into `store`, which must outlive the result; conversions (F16, small BF16 vectors, tid2eid,
// misaligned data) become resident copies in it. MTP weights are absent when the config or the checkpoint has
// none. Unknown tensors are ignored; store.unbound_tensors() counts them. kCorrupt "NAME: expected
// F8_E4M3[1024,4096], file has F8_E4M3[1536,4096]".
Result<ModelWeights> bind_model(const ModelConfig& config, WeightStore& store,
                                ValueChecks checks = ValueChecks::kOn);

}  // namespace fathom
