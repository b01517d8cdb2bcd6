// SPDX-License-Identifier: MIT
#include "cache/prefix_keys.h"

#include "base/concat.h"

namespace fathom {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }
std::span<const std::byte> bytes(const Digest& digest) { return std::as_bytes(std::span(digest)); }

}  // namespace

CacheTenant cache_tenant(std::string_view server_secret, std::string_view key_id,
                         std::string_view client_salt) {
  CacheTenant tenant;
  tenant.account = hmac_sha256(server_secret, concat("account\n", key_id));
  const Digest key = hmac_sha256(server_secret, concat("salt\n", key_id));
  tenant.salt = hmac_sha256({reinterpret_cast<const char*>(key.data()), key.size()}, client_salt);
  return tenant;
}

Digest root_key(const CacheIdentity& identity, const CacheTenant& tenant) {
  const Digest numerics = sha256({bytes(identity.numerics)});
  return sha256({bytes("fathom prefix 1"), bytes(identity.fingerprint), bytes(numerics),
                 bytes(identity.draft_layer ? "d" : "-"), bytes(tenant.salt)});
}

PrefixKeys::PrefixKeys(const Digest& root, int64_t block_tokens, std::span<const int32_t> tokens)
    : tokens_(tokens), block_tokens_(block_tokens) {
  const size_t blocks = tokens.size() / static_cast<size_t>(block_tokens);
  blocks_.reserve(blocks + 1);
  blocks_.push_back(root);
  for (size_t i = 0; i < blocks; ++i) {
    const auto block =
        tokens.subspan(i * static_cast<size_t>(block_tokens), static_cast<size_t>(block_tokens));
    blocks_.push_back(sha256({bytes(blocks_.back()), std::as_bytes(block)}));
  }
}

Digest PrefixKeys::at(int64_t position) const {
  const Digest& block = block_key(position / block_tokens_);
  const auto rest = static_cast<size_t>(position % block_tokens_);
  if (rest == 0) return block;
  return sha256({bytes(block), std::as_bytes(tokens_.subspan(static_cast<size_t>(position) - rest, rest))});
}

}  // namespace fathom
