// SPDX-License-Identifier: MIT
#include "base/base64.h"

#include <gtest/gtest.h>

namespace fathom {
namespace {

// Vectors of RFC 4648 section 10.
TEST(Base64, AgreesWithTheRfc) {
  const std::pair<const char*, const char*> cases[] = {{"", ""},
                                                       {"f", "Zg=="},
                                                       {"fo", "Zm8="},
                                                       {"foo", "Zm9v"},
                                                       {"foob", "Zm9vYg=="},
                                                       {"fooba", "Zm9vYmE="},
                                                       {"foobar", "Zm9vYmFy"}};
  for (const auto& [bytes, text] : cases) {
    EXPECT_EQ(encode_base64(bytes), text);
    EXPECT_EQ(*decode_base64(text), bytes);
  }
}

TEST(Base64, RefusesWhatIsNotPaddedBase64) {
  for (const char* text : {"Zg", "Zg=", "Z===", "Zg==Zg==", "Z*==", "====", "Zm9v\n"}) {
    EXPECT_FALSE(decode_base64(text).ok()) << text;
  }
}

}  // namespace
}  // namespace fathom
