// SPDX-License-Identifier: MIT
// SHA-256 of a text in hex, for tests that compare with a published sum.
#pragma once

#include <gtest/gtest.h>
#include <openssl/evp.h>

#include <array>
#include <string>
#include <string_view>

namespace fathom::test {

inline std::string sha256_hex(std::string_view text) {
  std::array<unsigned char, EVP_MAX_MD_SIZE> digest{};
  unsigned size = 0;
  EXPECT_EQ(EVP_Digest(text.data(), text.size(), digest.data(), &size, EVP_sha256(), nullptr), 1);
  std::string out;
  for (unsigned i = 0; i < size; ++i) {
    out.push_back("0123456789abcdef"[digest[i] >> 4]);
    out.push_back("0123456789abcdef"[digest[i] & 15]);
  }
  return out;
}

}  // namespace fathom::test
