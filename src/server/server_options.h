// SPDX-License-Identifier: MIT
// Everything `fathom serve` can be told, and the caps of reliability.md 3. Values.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "server/http_server.h"

namespace fathom {

// How much one request may ask for.
struct RequestCaps {
  int64_t json_depth = 64;
  int64_t json_nodes = 1'000'000;
  int64_t messages = 4096;
  int64_t tools = 256;
  int64_t choices = 8;
  int64_t top_logprobs = 20;
  int64_t stop_strings = 16;
  int64_t stop_bytes = 1024;
  int64_t logit_bias = 1024;
  int64_t prompts = 8;  // of one /v1/completions
};

// Per million tokens; a cached prompt token costs a tenth of an input token (docs/serving.md).
struct Prices {
  double input = 0.0;
  double output = 0.0;
  std::string currency = "USD";

  bool set() const noexcept { return input > 0.0 || output > 0.0; }
};

struct ServerOptions {
  HttpServerOptions http;
  RequestCaps caps;
  Prices prices;

  std::string model_id;  // empty: the last part of the model's name
  std::vector<std::string> aliases;
  std::string dialect;                    // empty: what the checkpoint shows
  bool default_thinking = true;           // of /v1/chat/completions
  std::string default_effort;             // empty: none
  int64_t reply_memory_bytes = 64 << 20;  // chat.md 9

  std::string api_key_file;
  bool no_key_public = false;  // serve another address than loopback without a key
  bool metrics_public = false;
  std::vector<std::string> cors_origins;

  uint64_t max_body_bytes = 32 << 20;
  int text_threads = 1;
  int text_queue = 256;
  double drain_s = 30.0;
  double request_time_s = 3600.0;
  double queue_time_s = 600.0;

  int threads = 0;
  std::string isa;
  int64_t context = 0;
  int parallel = 16;
  int64_t batch_tokens = 512;
  int64_t step_ms = 250;
  int64_t memory_bytes = 0;  // 0: this machine's
  int queue = 256;
  int per_key = 32;
  int64_t cache_ram_bytes = 256 << 20;
  std::string cache_dir;  // empty: no disk tier
  int64_t cache_bytes = int64_t{16} << 30;
  double cache_share = 0.25;  // of one tenant; all of it without keys
};

}  // namespace fathom
