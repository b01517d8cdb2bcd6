// SPDX-License-Identifier: MIT
// Published answers of the digests and checksums.
#include "io/digest.h"

#include <gtest/gtest.h>

#include <string>

namespace fathom {
namespace {

std::span<const std::byte> bytes(std::string_view text) { return std::as_bytes(std::span(text)); }

template <size_t n>
std::string hex_of(const std::array<uint8_t, n>& digest) {
  std::string out;
  for (const uint8_t byte : digest) {
    out.push_back("0123456789abcdef"[byte >> 4]);
    out.push_back("0123456789abcdef"[byte & 15]);
  }
  return out;
}

// FIPS 180-4, examples of NIST.
TEST(Digest, Sha256GivesThePublishedAnswers) {
  EXPECT_EQ(hex(sha256({})), "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  EXPECT_EQ(hex(sha256({bytes("abc")})), "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  EXPECT_EQ(
      hex(sha256({bytes("abcdbcdecdefdefgefghfghighijhijk"), bytes(""), bytes("ijkljklmklmnlmnomnopnopq")})),
      "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
}

TEST(Digest, HexIsReadBack) {
  const Digest digest = sha256({bytes("abc")});
  EXPECT_EQ(digest_from_hex(hex(digest)), digest);
}

// RFC 4231, test cases 2 and 6.
TEST(Digest, HmacGivesThePublishedAnswers) {
  EXPECT_EQ(hex(hmac_sha256("Jefe", "what do ya want for nothing?")),
            "5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843");
  EXPECT_EQ(
      hex(hmac_sha256(std::string(131, '\xaa'), "Test Using Larger Than Block-Size Key - Hash Key First")),
      "60e431591ee0b67f0d8a26aacbf5b77f8e0bc6213728c5140546040f0ee37f54");
}

// The empty input's values in the XXH3 specification.
TEST(Digest, ChecksumsGiveThePublishedAnswers) {
  EXPECT_EQ(hex_of(xxh3_64({})), "2d06800538d394c2");
  EXPECT_EQ(hex_of(xxh3_128({})), "99aa06d3014798d86001c324468d497f");
  EXPECT_NE(xxh3_128(bytes("a")), xxh3_128(bytes("b")));
}

}  // namespace
}  // namespace fathom
