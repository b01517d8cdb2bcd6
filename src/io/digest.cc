// SPDX-License-Identifier: MIT
#include "io/digest.h"

#include <openssl/evp.h>
#include <openssl/hmac.h>
#include <xxhash.h>

#include <algorithm>
#include <memory>

#include "base/check.h"

namespace fathom {
namespace {

struct ContextFree {
  void operator()(EVP_MD_CTX* context) const noexcept { EVP_MD_CTX_free(context); }
};

// Fetched once: a look-up by name costs more than a block's digest.
const EVP_MD* sha256_method() noexcept {
  static EVP_MD* const method = EVP_MD_fetch(nullptr, "SHA256", nullptr);
  FATHOM_CHECK(method != nullptr);
  return method;
}

}  // namespace

Digest sha256(std::initializer_list<std::span<const std::byte>> parts) {
  thread_local const std::unique_ptr<EVP_MD_CTX, ContextFree> context(EVP_MD_CTX_new());
  FATHOM_CHECK(context != nullptr && EVP_DigestInit_ex2(context.get(), sha256_method(), nullptr) == 1);
  for (const auto part : parts) EVP_DigestUpdate(context.get(), part.data(), part.size());
  Digest digest{};
  FATHOM_CHECK(EVP_DigestFinal_ex(context.get(), digest.data(), nullptr) == 1);
  return digest;
}

Digest hmac_sha256(std::string_view key, std::string_view message) {
  Digest digest{};
  unsigned size = 0;
  const auto* text = reinterpret_cast<const unsigned char*>(message.data());
  FATHOM_CHECK(HMAC(EVP_sha256(), key.data(), static_cast<int>(key.size()), text, message.size(),
                    digest.data(), &size) != nullptr);
  return digest;
}

std::string hex(const Digest& digest) {
  std::string out;
  out.reserve(2 * digest.size());
  for (const uint8_t byte : digest) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

Digest digest_from_hex(std::string_view text) noexcept {
  Digest out{};
  for (size_t i = 0; i < std::min(text.size(), 2 * out.size()); ++i) {
    const char c = text[i];
    const int digit = c >= '0' && c <= '9' ? c - '0' : c >= 'a' && c <= 'f' ? c - 'a' + 10 : 0;
    out[i / 2] = static_cast<uint8_t>(out[i / 2] << 4 | digit);
  }
  return out;
}

std::array<uint8_t, 16> xxh3_128(std::span<const std::byte> bytes) noexcept {
  XXH128_canonical_t canonical;
  XXH128_canonicalFromHash(&canonical, XXH3_128bits(bytes.data(), bytes.size()));
  return std::to_array(canonical.digest);
}

std::array<uint8_t, 8> xxh3_64(std::span<const std::byte> bytes) noexcept {
  XXH64_canonical_t canonical;
  XXH64_canonicalFromHash(&canonical, XXH3_64bits(bytes.data(), bytes.size()));
  return std::to_array(canonical.digest);
}

}  // namespace fathom
