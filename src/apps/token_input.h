// SPDX-License-Identifier: MIT
// Safetensors files of token ids, as commands take them (conformance.md).
#pragma once

#include <string>
#include <vector>

#include "base/buffer.h"
#include "base/status.h"

namespace fathom {

struct TokenInput {
  MatBuf<int32_t> tokens;            // [B, T]
  std::vector<int32_t> doc_lengths;  // of sequence 0 when it is packed: positive, T in sum; else empty
};

// `tokens` I32 [B, T], and `doc_lengths` I32 [n] where present. "-" is standard input. Ids outside the
// vocabulary are kInvalidArgument; 0: not checked.
Result<TokenInput> read_token_input(const std::string& path, int vocab_size);

}  // namespace fathom
