// SPDX-License-Identifier: MIT
#include "train/token_file.h"

#include <array>
#include <utility>

#include "base/concat.h"
#include "io/atomic_file.h"
#include "io/directory.h"
#include "weights/safetensors.h"
#include "weights/safetensors_writer.h"

namespace fathom {
namespace {

// Raised when documents of the same source would become other tokens.
constexpr std::string_view kFormat = "fathom token file 1";

std::span<const std::byte> bytes_of(std::string_view text) { return std::as_bytes(std::span(text)); }

Result<Digest> digest_of(IoEnv& env, const std::string& source, const DocumentEncoding& encoding,
                         const Digest& tokenizer_digest) {
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(env, source));
  FATHOM_ASSIGN_OR_RETURN(const MappedFile mapping, MappedFile::map(file, source));
  // The kind of a file is in its name.
  const bool text = source.ends_with(".txt") || source.ends_with(".txt.zst");
  const bool compressed = source.ends_with(".zst");
  const std::array<uint8_t, 1> dialect = {static_cast<uint8_t>(encoding.dialect)};
  const Digest content = sha256({mapping.bytes()});
  return sha256({bytes_of(kFormat), std::as_bytes(std::span(dialect)),
                 std::as_bytes(std::span(tokenizer_digest)), bytes_of(text ? "text" : "lines"),
                 bytes_of(compressed ? "zstd" : "plain"), std::as_bytes(std::span(content))});
}

struct Tokens {
  Document all;
  std::vector<int64_t> ends;
};

Result<Tokens> tokenise(IoEnv& env, const std::string& source, const DocumentEncoding& encoding) {
  Tokens tokens;
  FATHOM_RETURN_IF_ERROR(for_each_document(env, source, encoding, [&](const Document& document) -> Status {
    tokens.all.ids.insert(tokens.all.ids.end(), document.ids.begin(), document.ids.end());
    tokens.all.predicted.insert(tokens.all.predicted.end(), document.predicted.begin(),
                                document.predicted.end());
    tokens.ends.push_back(static_cast<int64_t>(tokens.all.ids.size()));
    return {};
  }));
  if (tokens.ends.empty()) {
    return Status(StatusCode::kInvalidArgument,
                  concat(source, ": expected at least one document, found none"));
  }
  return tokens;
}

Status write_tokens(IoEnv& env, const std::string& path, const Tokens& tokens) {
  const std::array<int64_t, 1> token_shape = {static_cast<int64_t>(tokens.all.ids.size())};
  const std::array<int64_t, 1> document_shape = {static_cast<int64_t>(tokens.ends.size())};
  const std::array<StoredTensor, 3> tensors = {
      StoredTensor{"ends", Dtype::kI64, document_shape, std::as_bytes(std::span(tokens.ends))},
      StoredTensor{"ids", Dtype::kI32, token_shape, std::as_bytes(std::span(tokens.all.ids))},
      StoredTensor{"predicted", Dtype::kU8, token_shape, std::as_bytes(std::span(tokens.all.predicted))}};
  return write_file_atomically(env, path, safetensors_bytes(tensors));
}

Status refused(std::string_view tensor, std::string_view expected) {
  return {StatusCode::kCorrupt, concat(tensor, ": expected ", expected, ", found another")};
}

template <typename T>
Result<std::span<const T>> values(const SafetensorsFile& file, std::string_view name, Dtype dtype) {
  const StoredTensor* tensor = file.find(name);
  if (tensor == nullptr || tensor->dtype != dtype || tensor->shape.size() != 1) {
    return refused(name, concat("a vector of ", dtype_name(dtype)));
  }
  return std::span(reinterpret_cast<const T*>(tensor->bytes.data()), tensor->bytes.size() / sizeof(T));
}

}  // namespace

Result<TokenFile> TokenFile::open(IoEnv& env, const std::string& source, const std::string& cache_directory,
                                  const DocumentEncoding& encoding, const Digest& tokenizer_digest) {
  FATHOM_ASSIGN_OR_RETURN(const Digest digest, digest_of(env, source, encoding, tokenizer_digest));
  const std::string path = concat(cache_directory, "/", hex(digest), ".safetensors");
  Result<TokenFile> cached = map(env, path, digest, encoding.tokenizer.size());
  if (cached.ok()) return cached;
  FATHOM_ASSIGN_OR_RETURN(const Tokens tokens, tokenise(env, source, encoding));
  FATHOM_RETURN_IF_ERROR(write_tokens(env, path, tokens));
  return map(env, path, digest, encoding.tokenizer.size());
}

Result<TokenFile> TokenFile::map(IoEnv& env, const std::string& path, const Digest& digest,
                                 int64_t vocab_size) {
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(env, path));
  FATHOM_ASSIGN_OR_RETURN(MappedFile mapping, MappedFile::map(file, path));
  TokenFile tokens(std::move(mapping), digest);
  if (const Status status = tokens.bind(vocab_size); !status.ok()) return status.in(path);
  return tokens;
}

Status TokenFile::bind(int64_t vocab_size) {
  FATHOM_ASSIGN_OR_RETURN(const SafetensorsFile file, SafetensorsFile::parse(mapping_.bytes()));
  FATHOM_ASSIGN_OR_RETURN(ids_, values<int32_t>(file, "ids", Dtype::kI32));
  FATHOM_ASSIGN_OR_RETURN(predicted_, values<uint8_t>(file, "predicted", Dtype::kU8));
  FATHOM_ASSIGN_OR_RETURN(ends_, values<int64_t>(file, "ends", Dtype::kI64));
  if (predicted_.size() != ids_.size()) return refused("predicted", "one value a token");
  int64_t begin = 0;
  for (const int64_t end : ends_) {
    if (end <= begin) return refused("ends", "rising ends of documents");
    begin = end;
  }
  if (begin != token_count()) return refused("ends", "the last end at the last token");
  for (const int32_t id : ids_) {
    if (id < 0 || id >= vocab_size) return refused("ids", concat("ids below ", vocab_size));
  }
  return {};
}

DocumentView TokenFile::document(int64_t index) const noexcept {
  const auto begin = static_cast<size_t>(index == 0 ? 0 : ends_[index - 1]);
  const size_t count = static_cast<size_t>(ends_[index]) - begin;
  return {ids_.subspan(begin, count), predicted_.subspan(begin, count)};
}

}  // namespace fathom
