// SPDX-License-Identifier: MIT
// Digests and checksums: SHA-256 and HMAC where somebody might forge (keys, names), XXH3 against accidents
// (design.md 16). Pure functions; any thread. Adapter to OpenSSL's libcrypto and to libxxhash.
#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

namespace fathom {

using Digest = std::array<uint8_t, 32>;

// SHA-256 of the parts one after the other.
Digest sha256(std::initializer_list<std::span<const std::byte>> parts);
// HMAC-SHA-256 of RFC 2104.
Digest hmac_sha256(std::string_view key, std::string_view message);
// 64 lower-case hexadecimal digits.
std::string hex(const Digest& digest);

// Its inverse; digits that are none count as 0.
Digest digest_from_hex(std::string_view text) noexcept;

// XXH3 with seed 0, canonical (big-endian) bytes.
std::array<uint8_t, 16> xxh3_128(std::span<const std::byte> bytes) noexcept;
std::array<uint8_t, 8> xxh3_64(std::span<const std::byte> bytes) noexcept;

}  // namespace fathom
