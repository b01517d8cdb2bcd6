// SPDX-License-Identifier: MIT
#include "server/key_ring.h"

#include <gtest/gtest.h>

#include "server/origin_rule.h"

namespace fathom {
namespace {

HttpHead head_with(std::vector<HttpHeader> headers) {
  HttpHead head;
  head.headers = std::move(headers);
  return head;
}

KeyRing two_keys() {
  KeyRing keys;
  EXPECT_TRUE(keys.add_file_text("# people\nada  key-of-ada-1\n\nbob\tkey-of-bob-2\r\n").ok());
  return keys;
}

TEST(KeyRing, EitherHeaderMayHoldTheValidKey) {
  const KeyRing keys = two_keys();
  EXPECT_EQ(keys.authenticate(head_with({{"authorization", "Bearer key-of-ada-1"}}))->name, "ada");
  EXPECT_EQ(keys.authenticate(head_with({{"authorization", "bearer key-of-bob-2"}}))->name, "bob");
  EXPECT_EQ(keys.authenticate(head_with({{"x-api-key", "key-of-bob-2"}}))->name, "bob");
  EXPECT_EQ(
      keys.authenticate(head_with({{"authorization", "Bearer wrong"}, {"x-api-key", "key-of-ada-1"}}))->name,
      "ada");
}

TEST(KeyRing, NothingElseIsAKey) {
  const KeyRing keys = two_keys();
  for (const std::string value : {"Bearer key-of-ada-", "Bearer key-of-ada-11", "Bearer ", "Bearer",
                                  "key-of-ada-1", "Basic key-of-ada-1", "Bearer  key-of-ada-1", ""}) {
    EXPECT_FALSE(keys.authenticate(head_with({{"authorization", value}}))) << value;
  }
  EXPECT_FALSE(keys.authenticate(head_with({})));
}

TEST(KeyRing, TenantsDifferAndAreNotTheKeys) {
  const KeyRing keys = two_keys();
  const std::string ada = keys.find("key-of-ada-1")->tenant;
  EXPECT_EQ(ada.size(), 64U);
  EXPECT_NE(ada, keys.find("key-of-bob-2")->tenant);
}

TEST(KeyRing, BadFilesAreRefusedWithoutShowingTheirText) {
  for (const std::string text :
       {"ada\n", "ada short\n", "ada key-of-ada-1 more\n", "a key-of-ada-1\na key-of-ada-2\n", "# none\n"}) {
    KeyRing keys;
    const Status status = keys.add_file_text(text);
    ASSERT_FALSE(status.ok()) << text;
    EXPECT_EQ(status.message().find("key-of-ada"), std::string_view::npos);
    EXPECT_EQ(status.message().find("short"), std::string_view::npos);
  }
}

TEST(OriginRule, WithoutKeysOnlyThisMachinesPagesMayCall) {
  const OriginRule rule({.bound_host = "127.0.0.1", .allowed_origins = {"https://ok.example"}});
  const auto permits = [&](std::vector<HttpHeader> headers) {
    return rule.permits(head_with(std::move(headers)));
  };
  EXPECT_TRUE(permits({{"host", "127.0.0.1:80"}}));
  EXPECT_TRUE(permits({{"host", "localhost:8080"}}));
  EXPECT_TRUE(permits({{"host", "[::1]:8080"}}));
  EXPECT_TRUE(permits({{"host", "localhost:1"}, {"origin", "http://localhost:1"}}));
  EXPECT_TRUE(permits({{"host", "localhost:1"}, {"origin", "https://ok.example"}}));
  EXPECT_FALSE(permits({{"host", "evil.example"}}));
  EXPECT_FALSE(permits({{"host", "127.evil.example"}}));
  EXPECT_FALSE(permits({{"host", "localhost.evil.example"}}));
  EXPECT_FALSE(permits({{"host", "localhost:1"}, {"origin", "http://localhost:2"}}));
  EXPECT_FALSE(permits({{"host", "localhost:1"}, {"origin", "null"}}));
  EXPECT_FALSE(permits({{"host", "localhost:1"}, {"origin", "https://ok.example.evil"}}));
}

TEST(OriginRule, OnlyAllowedOriginsAreReflected) {
  const OriginRule rule({.bound_host = "127.0.0.1", .allowed_origins = {"https://ok.example"}});
  EXPECT_NE(rule.cors_lines(head_with({{"origin", "https://ok.example"}})).find("https://ok.example"),
            std::string::npos);
  EXPECT_EQ(rule.cors_lines(head_with({{"origin", "https://no.example"}})), "Vary: Origin\r\n");
  EXPECT_EQ(OriginRule({.bound_host = "127.0.0.1"}).cors_lines(head_with({{"origin", "https://ok.example"}})),
            "");
}

}  // namespace
}  // namespace fathom
