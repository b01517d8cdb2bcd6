// SPDX-License-Identifier: MIT
// The files of the chat page, linked into the program (api.md 1: GET / and its assets, open to everyone).
// Made by web/: each path with content type, strong ETag and bytes. Constant data; any thread.
#pragma once

#include <span>
#include <string_view>

namespace fathom {

struct WebAsset {
  std::string_view path;          // as in the request: "/", "/page.js"
  std::string_view content_type;  // with charset
  std::string_view etag;          // strong, quotes included; changes with the bytes
  std::string_view body;
};

struct WebHeader {
  std::string_view name;
  std::string_view value;
};

// All files, by path.
std::span<const WebAsset> web_assets() noexcept;

// What goes with every one of them: security policy and caching (reliability.md S-13).
std::span<const WebHeader> web_headers() noexcept;

}  // namespace fathom
