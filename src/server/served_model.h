// SPDX-License-Identifier: MIT
// ServedModel: the model behind the API with everything that turns requests into its tokens and back.
//
// Immutable after opening, but for the engine inside; any thread.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "engine/engine.h"
#include "engine/generation_defaults.h"
#include "engine/loaded_model.h"
#include "server/reply_constraints.h"
#include "server/server_options.h"
#include "text/chat_markers.h"
#include "text/chat_request.h"
#include "text/tokenizer.h"

namespace fathom {

struct ServedModel {
  std::string id;
  std::vector<std::string> aliases;  // may end in *
  int64_t created = 0;               // seconds since 1970
  std::string tier;
  std::string fingerprint = {};  // 12 hexadecimal digits; changes with weights, dialect, numerics or tier

  std::unique_ptr<LoadedModel> loaded;
  Tokenizer tokenizer;
  MarkerIds markers;
  std::unique_ptr<ReplyConstraints> constraints = {};
  Status chat;  // why conversations cannot be encoded, if so
  RequestDefaults request_defaults;
  GenerationDefaults sampling_defaults;
  int64_t context = 0;
  std::optional<std::chrono::milliseconds> request_time = {};  // the longest a request may run
  int64_t parameters = 0;
  std::unique_ptr<Engine> engine = {};  // uses what stands above

  int32_t eos() const noexcept { return loaded->model().config.eos_token_id; }

  // Whether a request may call the model so.
  bool answers_to(std::string_view name) const;
};

// Opens MODEL and starts its engine. Errors are those of the parts.
Result<std::unique_ptr<ServedModel>> open_served_model(const std::string& name, const ServerOptions& options);

}  // namespace fathom
