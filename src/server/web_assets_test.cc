// SPDX-License-Identifier: MIT
#include "server/web_assets.h"

#include <gtest/gtest.h>

#include <set>
#include <string>

namespace fathom {
namespace {

const WebAsset* find(std::string_view path) {
  for (const WebAsset& asset : web_assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

TEST(WebAssets, ThePageAndWhatItAsksForAreThere) {
  const WebAsset* page = find("/");
  ASSERT_NE(page, nullptr);
  EXPECT_EQ(page->content_type, "text/html; charset=utf-8");
  EXPECT_TRUE(page->body.starts_with("<!doctype html>"));
  for (const char* path : {"/page.js", "/page.css", "/icon.svg"}) {
    EXPECT_NE(page->body.find(std::string("\"") + path + '"'), std::string_view::npos) << path;
    ASSERT_NE(find(path), nullptr) << path;
    EXPECT_FALSE(find(path)->body.empty()) << path;
  }
}

TEST(WebAssets, TagsAreStrongAndDiffer) {
  std::set<std::string_view> tags;
  for (const WebAsset& asset : web_assets()) {
    EXPECT_EQ(asset.etag.size(), 34u) << asset.path;
    EXPECT_EQ(asset.etag.front(), '"') << asset.path;
    EXPECT_EQ(asset.etag.back(), '"') << asset.path;
    EXPECT_TRUE(tags.insert(asset.etag).second) << asset.path;
  }
}

// A file may hold inline scripts or handlers only if the policy allowed them, which it must not.
TEST(WebAssets, ThePolicyAllowsNothingInlineAndNoOtherHost) {
  std::string_view policy;
  for (const WebHeader& header : web_headers()) {
    if (header.name == "Content-Security-Policy") policy = header.value;
  }
  EXPECT_TRUE(policy.starts_with("default-src 'none'; ")) << policy;
  EXPECT_NE(policy.find("require-trusted-types-for 'script'"), std::string_view::npos);
  for (const char* loose : {"unsafe", "http:", "https:", "data:", "blob:", "*"}) {
    EXPECT_EQ(policy.find(loose), std::string_view::npos) << loose;
  }
}

}  // namespace
}  // namespace fathom
