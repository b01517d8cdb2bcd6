// SPDX-License-Identifier: MIT
// The chat page and its files: open to everyone, revalidated by their digests (api.md 1).
#include "base/check.h"
#include "server/routes.h"
#include "server/web_assets.h"

namespace fathom {
namespace {

// Whether one of the entity tags of an If-None-Match is this one; "W/" makes no difference here (RFC
// 9110 13.1.2).
bool lists_tag(std::string_view list, std::string_view tag) {
  return list == "*" || list.find(tag) != std::string_view::npos;
}

const WebAsset* find_asset(std::string_view path) {
  for (const WebAsset& asset : web_assets()) {
    if (asset.path == path) return &asset;
  }
  return nullptr;
}

void answer_asset(Exchange& exchange) {
  const HttpHead& head = exchange.facts().head;
  const WebAsset* asset = find_asset(head.path);
  FATHOM_CHECK(asset != nullptr);  // the route's paths are the assets'
  HttpResponse response;
  response.content_type = asset->content_type;
  response.headers.push_back({"ETag", std::string(asset->etag)});
  for (const WebHeader& header : web_headers()) {
    response.headers.push_back({std::string(header.name), std::string(header.value)});
  }
  const std::string* seen = head.find("if-none-match");
  if (seen != nullptr && lists_tag(*seen, asset->etag)) {
    response.status = 304;
  } else {
    response.body = asset->body;
  }
  exchange.respond(response);
}

}  // namespace

void add_page_routes(ServerContext& context) {
  Route route{.name = "page",
              .method = "GET",
              .access = RouteAccess::kOpen,
              .thread = RouteThread::kIo,
              .handler = [](const std::shared_ptr<Exchange>& exchange) { answer_asset(*exchange); }};
  for (const WebAsset& asset : web_assets()) route.paths.emplace_back(asset.path);
  context.routes.add(std::move(route));
}

}  // namespace fathom
