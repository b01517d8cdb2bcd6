// SPDX-License-Identifier: MIT
// TokenFile: the documents of one source file as tokens, made once and mapped ever after (training.md 10).
//
// Kept in a cache directory as NAME.safetensors with `ids` I32 [N], `predicted` U8 [N] and `ends` I64 [D];
// NAME is the SHA-256 of the source's bytes and of everything that decides its tokens, so a source that
// changed is another file. Any doubt about a cached file means that it is made anew. Immutable; any thread.
#pragma once

#include <memory>
#include <string>

#include "base/status.h"
#include "io/digest.h"
#include "io/io_env.h"
#include "io/mapped_file.h"
#include "train/document.h"
#include "train/document_reader.h"

namespace fathom {

class TokenFile {
 public:
  // Tokenises `source`, or finds that done. `tokenizer_digest`: of the bytes of tokenizer.json. The cache
  // directory must exist.
  static Result<TokenFile> open(IoEnv& env, const std::string& source, const std::string& cache_directory,
                                const DocumentEncoding& encoding, const Digest& tokenizer_digest);

  int64_t size() const noexcept { return static_cast<int64_t>(ends_.size()); }
  DocumentView document(int64_t index) const noexcept;
  int64_t token_count() const noexcept { return static_cast<int64_t>(ids_.size()); }
  // Name of the cached file: equal digests mean equal documents.
  const Digest& digest() const noexcept { return digest_; }

 private:
  TokenFile(MappedFile mapping, const Digest& digest) : mapping_(std::move(mapping)), digest_(digest) {}
  static Result<TokenFile> map(IoEnv& env, const std::string& path, const Digest& digest, int64_t vocab_size);
  Status bind(int64_t vocab_size);

  MappedFile mapping_;
  Digest digest_;
  std::span<const int32_t> ids_;
  std::span<const uint8_t> predicted_;
  std::span<const int64_t> ends_;  // [D] of each document in ids
};

}  // namespace fathom
