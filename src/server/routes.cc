// SPDX-License-Identifier: MIT
#include "server/routes.h"

namespace fathom {

void add_routes(ServerContext& context) {
  add_health_routes(context);
  add_model_routes(context);
  add_chat_routes(context);
  add_completion_routes(context);
  add_responses_routes(context);
  add_messages_routes(context);
  add_text_routes(context);
  add_openapi_routes(context);
  add_page_routes(context);
}

}  // namespace fathom
