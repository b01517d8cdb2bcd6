// SPDX-License-Identifier: MIT
// The routes of the API by topic; each adds its own to the table (api.md 1). A new topic is a new file and a
// line in add_routes.
#pragma once

#include "server/server_context.h"

namespace fathom {

void add_routes(ServerContext& context);

void add_health_routes(ServerContext& context);  // /health, /ready, /metrics
void add_model_routes(ServerContext& context);   // /v1/models
void add_chat_routes(ServerContext& context);    // /v1/chat/completions
void add_completion_routes(ServerContext& context);
void add_responses_routes(ServerContext& context);  // /v1/responses
void add_messages_routes(ServerContext& context);   // /v1/messages
void add_text_routes(ServerContext& context);       // /tokenize, /detokenize, /apply-template
void add_openapi_routes(ServerContext& context);
void add_page_routes(ServerContext& context);  // / and the files of the chat page

}  // namespace fathom
