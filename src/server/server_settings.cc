// SPDX-License-Identifier: MIT
#include "server/server_settings.h"

#include <algorithm>
#include <charconv>
#include <cmath>

#include "base/concat.h"
#include "base/human_units.h"

namespace fathom {
namespace {

using Kind = Setting::Kind;

Status wrong(const Setting& setting, std::string_view expected, std::string_view text) {
  return Status(StatusCode::kInvalidArgument,
                concat("--", setting.name, ": expected ", expected, ", found \"", text, '"'));
}

template <typename T>
std::optional<T> number_of(std::string_view text) {
  T value{};
  const auto read = std::from_chars(text.data(), text.data() + text.size(), value);
  if (read.ec != std::errc() || read.ptr != text.data() + text.size()) return std::nullopt;
  return value;
}

// Each setter knows where its member lives.
template <auto Get, int64_t Min, int64_t Max>
Status integer(ServerOptions& options, const Setting& setting, std::string_view text) {
  const auto value = number_of<int64_t>(text);
  if (!value || *value < Min || *value > Max)
    return wrong(setting, concat("an integer from ", Min, " to ", Max), text);
  auto& target = Get(options);
  target = static_cast<std::remove_reference_t<decltype(target)>>(*value);
  return {};
}

template <auto Get>
Status bytes(ServerOptions& options, const Setting& setting, std::string_view text) {
  const auto value = text == "0" ? Result<int64_t>(0) : parse_bytes(text);
  if (!value.ok()) return wrong(setting, "a size as 4096, 512MiB or 24G", text);
  auto& target = Get(options);
  target = static_cast<std::remove_reference_t<decltype(target)>>(*value);
  return {};
}

Result<double> seconds_of(const Setting& setting, std::string_view text) {
  const auto value = number_of<double>(text);
  if (!value || !std::isfinite(*value) || *value < 0.001 || *value > 86400.0)
    return wrong(setting, "seconds from 0.001 to 86400", text);
  return *value;
}

template <auto Get>
Status seconds(ServerOptions& options, const Setting& setting, std::string_view text) {
  FATHOM_ASSIGN_OR_RETURN(Get(options), seconds_of(setting, text));
  return {};
}

template <auto Get>
Status duration(ServerOptions& options, const Setting& setting, std::string_view text) {
  FATHOM_ASSIGN_OR_RETURN(const double value, seconds_of(setting, text));
  Get(options) =
      std::chrono::duration_cast<ConnectionOptions::Duration>(std::chrono::duration<double>(value));
  return {};
}

template <auto Get>
Status number(ServerOptions& options, const Setting& setting, std::string_view text) {
  const auto value = number_of<double>(text);
  if (!value || !std::isfinite(*value) || *value < 0.0) return wrong(setting, "a number of 0 or more", text);
  Get(options) = *value;
  return {};
}

template <auto Get>
Status flag(ServerOptions& options, const Setting& setting, std::string_view text) {
  if (text != "true" && text != "false") return wrong(setting, "true or false", text);
  Get(options) = text == "true";
  return {};
}

template <auto Get>
Status text_value(ServerOptions& options, const Setting&, std::string_view text) {
  Get(options) = text;
  return {};
}

template <auto Get>
Status list(ServerOptions& options, const Setting&, std::string_view text) {
  Get(options).emplace_back(text);
  return {};
}

// Where a setting lives.
#define FATHOM_AT(path) [](ServerOptions& o) -> auto& { return o.path; }

constexpr int64_t kMillion = 1'000'000;

const Setting kSettings[] = {
    {"host", Kind::kText, "127.0.0.1", "Address to listen on", text_value<FATHOM_AT(http.host)>},
    {"port", Kind::kInteger, "8080", "Port; 0 picks a free one", integer<FATHOM_AT(http.port), 0, 65535>},
    {"api-key-file", Kind::kText, "", "File with a line `NAME KEY` for each key; or FATHOM_API_KEY",
     text_value<FATHOM_AT(api_key_file)>},
    {"no-key-public", Kind::kFlag, "false", "Serve any address without a key",
     flag<FATHOM_AT(no_key_public)>},
    {"metrics-public", Kind::kFlag, "false", "/metrics asks for no key", flag<FATHOM_AT(metrics_public)>},
    {"cors-origin", Kind::kList, "", "Origin whose pages may call, exact; repeatable",
     list<FATHOM_AT(cors_origins)>},
    {"tls-cert", Kind::kText, "", "PEM file with the certificate chain",
     text_value<FATHOM_AT(http.tls_cert)>},
    {"tls-key", Kind::kText, "", "PEM file with its private key", text_value<FATHOM_AT(http.tls_key)>},
    {"model-id", Kind::kText, "", "Name under which the model is served", text_value<FATHOM_AT(model_id)>},
    {"alias", Kind::kList, "", "Further name of the model, may end in *; repeatable",
     list<FATHOM_AT(aliases)>},
    {"dialect", Kind::kText, "", "preview or official; default: what the checkpoint shows",
     text_value<FATHOM_AT(dialect)>},
    {"default-thinking", Kind::kFlag, "true", "Think when a chat request says nothing",
     flag<FATHOM_AT(default_thinking)>},
    {"default-effort", Kind::kText, "", "Reasoning effort when a request names none",
     text_value<FATHOM_AT(default_effort)>},
    {"threads", Kind::kInteger, "0", "Compute threads; 0: physical cores",
     integer<FATHOM_AT(threads), 0, 1024>},
    {"isa", Kind::kText, "", "Instruction set tier", text_value<FATHOM_AT(isa)>},
    {"context", Kind::kInteger, "0", "Tokens of one sequence; 0: the model's own",
     integer<FATHOM_AT(context), 0, int64_t{1} << 32>},
    {"parallel", Kind::kInteger, "16", "Sequences that run at once", integer<FATHOM_AT(parallel), 1, 4096>},
    {"batch-tokens", Kind::kInteger, "512", "Rows of a prefill step",
     integer<FATHOM_AT(batch_tokens), 1, 65536>},
    {"step-ms", Kind::kInteger, "250", "Longest step while answers are written",
     integer<FATHOM_AT(step_ms), 1, 60'000>},
    {"memory", Kind::kBytes, "0", "Memory to plan with; 0: this machine's", bytes<FATHOM_AT(memory_bytes)>},
    {"cache-ram", Kind::kBytes, "256MiB", "Prefix cache in memory; 0: none",
     bytes<FATHOM_AT(cache_ram_bytes)>},
    {"cache-dir", Kind::kText, "", "Directory of the prefix cache; none: in memory only",
     text_value<FATHOM_AT(cache_dir)>},
    {"cache-bytes", Kind::kBytes, "16GiB", "Size of the prefix cache on disk", bytes<FATHOM_AT(cache_bytes)>},
    {"cache-share", Kind::kNumber, "0.25",
     "Part of the cache that one key may fill, up to 1; without keys: all", number<FATHOM_AT(cache_share)>},
    {"reply-memory", Kind::kBytes, "64MiB", "Memory for exact replies with tool calls",
     bytes<FATHOM_AT(reply_memory_bytes)>},
    {"queue", Kind::kInteger, "256", "Requests that may wait", integer<FATHOM_AT(queue), 1, 65536>},
    {"per-key", Kind::kInteger, "32",
     "Requests of one key at once, waiting and running; without keys: no limit",
     integer<FATHOM_AT(per_key), 1, 65536>},
    {"queue-time", Kind::kSeconds, "600", "Longest wait in the queue", seconds<FATHOM_AT(queue_time_s)>},
    {"request-time", Kind::kSeconds, "3600", "Longest request", seconds<FATHOM_AT(request_time_s)>},
    {"drain", Kind::kSeconds, "30", "What running requests get after SIGTERM", seconds<FATHOM_AT(drain_s)>},
    {"io-threads", Kind::kInteger, "1", "Threads for sockets", integer<FATHOM_AT(http.io_threads), 1, 16>},
    {"text-threads", Kind::kInteger, "1", "Threads that read and tokenise",
     integer<FATHOM_AT(text_threads), 1, 16>},
    {"text-queue", Kind::kInteger, "256", "Requests that may wait for a text thread",
     integer<FATHOM_AT(text_queue), 1, 65536>},
    {"max-connections", Kind::kInteger, "4096", "Connections at once; 64 descriptors are kept back",
     integer<FATHOM_AT(http.max_connections), 1, kMillion>},
    {"max-head", Kind::kBytes, "16KiB", "Request head", bytes<FATHOM_AT(http.connection.limits.head_bytes)>},
    {"max-headers", Kind::kInteger, "100", "Headers of a request",
     integer<FATHOM_AT(http.connection.limits.headers), 1, 10'000>},
    {"max-target", Kind::kBytes, "8KiB", "Request target",
     bytes<FATHOM_AT(http.connection.limits.target_bytes)>},
    {"max-body", Kind::kBytes, "32MiB", "Request body", bytes<FATHOM_AT(max_body_bytes)>},
    {"max-held-bodies", Kind::kBytes, "512MiB", "Bodies of all requests at once",
     bytes<FATHOM_AT(http.connection.max_held_body_bytes)>},
    {"max-unsent", Kind::kBytes, "1MiB", "Bytes kept for a client that reads slowly",
     bytes<FATHOM_AT(http.connection.max_unsent_bytes)>},
    {"head-time", Kind::kSeconds, "10", "Time for a request head",
     duration<FATHOM_AT(http.connection.head_time)>},
    {"body-time", Kind::kSeconds, "60", "Time for a request body",
     duration<FATHOM_AT(http.connection.body_time)>},
    {"idle-time", Kind::kSeconds, "75", "Time between two requests",
     duration<FATHOM_AT(http.connection.idle_time)>},
    {"write-stall-time", Kind::kSeconds, "30", "Time without a byte taken by the client",
     duration<FATHOM_AT(http.connection.write_stall_time)>},
    {"keep-alive", Kind::kSeconds, "10", "Silence in a stream before a comment is sent",
     duration<FATHOM_AT(http.connection.keep_alive)>},
    {"max-json-depth", Kind::kInteger, "64", "Nesting of a body", integer<FATHOM_AT(caps.json_depth), 1, 64>},
    {"max-json-nodes", Kind::kInteger, "1000000", "Values in a body",
     integer<FATHOM_AT(caps.json_nodes), 1, 100 * kMillion>},
    {"max-messages", Kind::kInteger, "4096", "Messages of a conversation",
     integer<FATHOM_AT(caps.messages), 1, 4096>},
    {"max-tools", Kind::kInteger, "256", "Tools of a request", integer<FATHOM_AT(caps.tools), 1, 256>},
    {"max-choices", Kind::kInteger, "8", "n", integer<FATHOM_AT(caps.choices), 1, 8>},
    {"max-top-logprobs", Kind::kInteger, "20", "top_logprobs", integer<FATHOM_AT(caps.top_logprobs), 0, 20>},
    {"max-stop-strings", Kind::kInteger, "16", "Strings in stop",
     integer<FATHOM_AT(caps.stop_strings), 1, 1024>},
    {"max-stop-bytes", Kind::kInteger, "1024", "Bytes of one of them",
     integer<FATHOM_AT(caps.stop_bytes), 1, 65536>},
    {"max-logit-bias", Kind::kInteger, "1024", "Entries of logit_bias",
     integer<FATHOM_AT(caps.logit_bias), 1, kMillion>},
    {"max-prompts", Kind::kInteger, "8", "Prompts of one /v1/completions",
     integer<FATHOM_AT(caps.prompts), 1, 8>},
    {"price-input", Kind::kNumber, "0", "Price of a million prompt tokens; cached ones cost a tenth",
     number<FATHOM_AT(prices.input)>},
    {"price-output", Kind::kNumber, "0", "Price of a million completion tokens",
     number<FATHOM_AT(prices.output)>},
    {"price-currency", Kind::kText, "USD", "Currency of the prices", text_value<FATHOM_AT(prices.currency)>},
};

#undef FATHOM_AT

struct Source {
  std::vector<std::string> texts;
  std::string_view origin;
};

std::string environment_name(std::string_view name) {
  std::string out = "FATHOM_";
  for (const char c : name) {
    if (c == '-') {
      out += '_';
    } else {
      out += c >= 'a' && c <= 'z' ? static_cast<char>(c - 'a' + 'A') : c;
    }
  }
  return out;
}

std::vector<std::string> split_at_commas(std::string_view text) {
  std::vector<std::string> parts;
  while (!text.empty()) {
    const size_t comma = text.find(',');
    parts.emplace_back(text.substr(0, comma));
    text.remove_prefix(comma == std::string_view::npos ? text.size() : comma + 1);
  }
  return parts;
}

Result<std::vector<std::string>> texts_of(const Setting& setting, const JsonValue& value) {
  const auto scalar = [](const JsonValue& item) -> std::optional<std::string> {
    if (item.is_string()) return item.as_string();
    if (item.is_number()) return item.as_number_text();
    if (item.is_bool()) return item.as_bool() ? "true" : "false";
    return std::nullopt;
  };
  std::vector<std::string> texts;
  if (setting.kind == Kind::kList && value.is_array()) {
    for (const JsonValue& item : value.items()) {
      const auto text = scalar(item);
      if (!text) return wrong(setting, "an array of strings", item.kind_name());
      texts.push_back(*text);
    }
    return texts;
  }
  const auto text = scalar(value);
  if (!text) return wrong(setting, "a plain value", value.kind_name());
  texts.push_back(*text);
  return texts;
}

Result<Source> source_of(const Setting& setting, const SettingTexts& flags, const Environment& environment,
                         const JsonValue* file) {
  if (const auto flag_texts = flags.find(setting.name); flag_texts != flags.end()) {
    return Source{flag_texts->second, "flag"};
  }
  if (const auto text = environment(environment_name(setting.name))) {
    return Source{setting.kind == Kind::kList ? split_at_commas(*text) : std::vector{*text}, "environment"};
  }
  if (const JsonValue* value = file != nullptr ? file->find(setting.name) : nullptr) {
    FATHOM_ASSIGN_OR_RETURN(std::vector<std::string> texts, texts_of(setting, *value));
    return Source{std::move(texts), "file"};
  }
  Source source{{}, "default"};
  if (!setting.fallback.empty()) source.texts.emplace_back(setting.fallback);
  return source;
}

std::string listed(const Setting& setting, const Source& source) {
  const auto quoted = [](const std::string& text) {
    std::string out;
    append_json_string(out, text);
    return out;
  };
  std::string value;
  switch (setting.kind) {
    case Kind::kList:
      for (const std::string& text : source.texts) value += concat(value.empty() ? "" : ", ", quoted(text));
      value = concat('[', value, ']');
      break;
    case Kind::kText:
    case Kind::kBytes: value = quoted(source.texts.empty() ? "" : source.texts.front()); break;
    case Kind::kFlag:
    case Kind::kInteger:
    case Kind::kSeconds:
    case Kind::kNumber: value = source.texts.front(); break;
  }
  return concat(setting.name, " = ", value, "  # ", source.origin, '\n');
}

Status check_file_keys(const JsonValue& file) {
  for (const JsonValue::Member& key : file.members()) {
    const auto known = [&](const Setting& setting) { return setting.name == key.first; };
    if (std::none_of(std::begin(kSettings), std::end(kSettings), known)) {
      return Status(
          StatusCode::kInvalidArgument,
          concat("--config: expected a setting of `fathom serve --help`, found \"", key.first, '"'));
    }
  }
  return {};
}

}  // namespace

std::span<const Setting> server_settings() { return kSettings; }

Result<ResolvedSettings> resolve_settings(const SettingTexts& flags, const Environment& environment,
                                          const JsonValue* file) {
  ResolvedSettings resolved;
  if (file != nullptr) FATHOM_RETURN_IF_ERROR(check_file_keys(*file));
  for (const Setting& setting : kSettings) {
    FATHOM_ASSIGN_OR_RETURN(const Source source, source_of(setting, flags, environment, file));
    for (const std::string& text : source.texts) {
      FATHOM_RETURN_IF_ERROR(setting.assign(resolved.options, setting, text));
    }
    resolved.listing += listed(setting, source);
  }
  return resolved;
}

}  // namespace fathom
