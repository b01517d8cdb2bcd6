// SPDX-License-Identifier: MIT
#include "engine/model_fingerprint.h"

#include <algorithm>
#include <span>

#include "base/concat.h"
#include "engine/builtin_model.h"
#include "io/directory.h"
#include "io/read_file.h"

namespace fathom {
namespace {

constexpr int64_t kMaxTokenizerBytes = 64 << 20;
constexpr size_t kSampleBytes = 4096;
constexpr size_t kSamplesPerFile = 256;

// A chain: each part is bound to its place and its length.
class Chain {
 public:
  void add(std::span<const std::byte> part) {
    const uint64_t size = part.size();
    digest_ = sha256({std::as_bytes(std::span(digest_)), std::as_bytes(std::span(&size, 1)), part});
  }
  void add(std::string_view part) { add(std::as_bytes(std::span(part))); }
  const Digest& digest() const noexcept { return digest_; }

 private:
  Digest digest_{};
};

Result<std::string> tokenizer_text(IoEnv& env, const std::string& name) {
  if (name == kBuiltinModelName) return std::string(builtin_model().tokenizer);
  FATHOM_ASSIGN_OR_RETURN(const Directory directory, Directory::open(env, name));
  return read_file(directory, "tokenizer.json", kMaxTokenizerBytes);
}

Result<std::string> config_text(IoEnv& env, const std::string& name) {
  if (name == kBuiltinModelName) return std::string(builtin_model().config);
  return read_config_text(env, name);
}

void add_tensors(Chain& chain, const WeightStore& store) {
  const std::span<const StoredTensor> tensors = store.tensors();
  const size_t stride =
      std::max<size_t>(1, tensors.size() / (kSamplesPerFile * std::max<size_t>(1, store.file_count())));
  for (size_t i = 0; i < tensors.size(); ++i) {
    const StoredTensor& tensor = tensors[i];
    std::string head = concat(tensor.name, ' ', static_cast<int>(tensor.dtype), ' ', tensor.bytes.size());
    for (const int64_t size : tensor.shape) head += concat(' ', size);
    chain.add(head);
    if (i % stride == 0) chain.add(tensor.bytes.first(std::min(tensor.bytes.size(), kSampleBytes)));
  }
}

}  // namespace

Result<Digest> model_fingerprint(IoEnv& env, const std::string& name, const WeightStore& store) {
  Chain chain;
  FATHOM_ASSIGN_OR_RETURN(const std::string config, config_text(env, name));
  chain.add(config);
  FATHOM_ASSIGN_OR_RETURN(const std::string tokenizer, tokenizer_text(env, name));
  chain.add(tokenizer);
  add_tensors(chain, store);
  return chain.digest();
}

}  // namespace fathom
