// SPDX-License-Identifier: MIT
// The chat page and its files: open to everyone, revalidated by their digests (api.md 1).
#include "server/routes.h"
#include "server/web_assets.h"

namespace fathom {
namespace {

// Whether one of the entity tags of an If-None-Match is this one; "W/" makes no difference here (RFC
// 9110 13.1.2).
bool lists_tag(std::string_view list, std::string_view tag) {
  return list == "*" || list.find(tag) != std::string_view::npos;
}

void answer_asset(const WebAsset& asset, Exchange& exchange) {
  HttpResponse response;
  response.content_type = asset.content_type;
  response.headers.push_back({"etag", std::string(asset.etag)});
  for (const WebHeader& header : web_headers()) {
    response.headers.push_back({std::string(header.name), std::string(header.value)});
  }
  const std::string* seen = exchange.facts().head.find("if-none-match");
  if (seen != nullptr && lists_tag(*seen, asset.etag)) {
    response.status = 304;
  } else {
    response.body = asset.body;
  }
  exchange.respond(response);
}

}  // namespace

void add_page_routes(ServerContext& context) {
  for (const WebAsset& asset : web_assets()) {
    context.routes.add(
        {.name = "page",
         .method = "GET",
         .paths = {std::string(asset.path)},
         .access = RouteAccess::kOpen,
         .thread = RouteThread::kIo,
         .summary = "The chat page",
         .handler = [&asset](const std::shared_ptr<Exchange>& exchange) { answer_asset(asset, *exchange); }});
  }
}

}  // namespace fathom
