// SPDX-License-Identifier: MIT
// What a model is, as one digest (design.md 19): config, tokenizer, names and shapes of all tensors, and
// samples of their bytes. Who changes a weight on purpose between the samples is not found out; another
// checkpoint is.
#pragma once

#include <string>

#include "base/status.h"
#include "io/digest.h"
#include "io/io_env.h"
#include "weights/weight_store.h"

namespace fathom {

// `name` as LoadedModel::open takes it, `store` its weights. Reads at most 256 pages of each file.
Result<Digest> model_fingerprint(IoEnv& env, const std::string& name, const WeightStore& store);

}  // namespace fathom
