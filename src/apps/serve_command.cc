// SPDX-License-Identifier: MIT
// `fathom serve`: the HTTP server (conformance.md; docs/serving.md).
#include <poll.h>

#include <chrono>
#include <csignal>
#include <cstdlib>

#include "apps/commands.h"
#include "apps/signal_events.h"
#include "apps/standard_streams.h"
#include "apps/version.h"
#include "base/concat.h"
#include "base/log.h"
#include "engine/builtin_model.h"
#include "io/read_file.h"
#include "io/toml.h"
#include "server/server.h"
#include "server/server_settings.h"

namespace fathom {
namespace {

constexpr int64_t kMaxConfigFileBytes = 1 << 20;

std::optional<std::string> environment(const std::string& name) {
  const char* text = std::getenv(name.c_str());
  return text == nullptr || *text == '\0' ? std::nullopt : std::optional<std::string>(text);
}

Result<std::string> file_text(const std::string& path) {
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(system_io(), path));
  return read_file(file, path, kMaxConfigFileBytes);
}

Result<ResolvedSettings> settings_of(const ServeCommand& command) {
  const std::string path =
      command.config_file.empty() ? environment("FATHOM_CONFIG").value_or("") : command.config_file;
  if (path.empty()) return resolve_settings(command.settings, environment, nullptr);
  FATHOM_ASSIGN_OR_RETURN(const std::string text, file_text(path));
  auto file = read_toml(text);
  if (!file.ok()) return file.status().in("--config");
  return resolve_settings(command.settings, environment, &*file);
}

Result<KeyRing> keys_of(const ServerOptions& options) {
  KeyRing keys;
  if (!options.api_key_file.empty()) {
    FATHOM_ASSIGN_OR_RETURN(const std::string text, file_text(options.api_key_file));
    FATHOM_RETURN_IF_ERROR(keys.add_file_text(text));
  }
  if (const auto key = environment("FATHOM_API_KEY")) {
    FATHOM_RETURN_IF_ERROR(keys.add("environment", *key).in("FATHOM_API_KEY"));
  }
  return keys;
}

bool ends_service(int signal) noexcept { return signal == SIGTERM || signal == SIGINT || signal == SIGHUP; }

// Waits until a signal that ends the service came (true) or `time` is over.
bool wait_for_end(SignalEvents& signals, std::chrono::milliseconds time) {
  pollfd waited{signals.descriptor(), POLLIN, 0};
  ::poll(&waited, 1, static_cast<int>(time.count()));
  for (int signal = signals.take(); signal != 0; signal = signals.take()) {
    if (ends_service(signal)) return true;
  }
  return false;
}

// Lets what runs finish; a second signal ends at once.
void drain(Server& server, SignalEvents& signals, double seconds) {
  log_line(LogLevel::kInfo, "draining", {{"seconds", seconds}});
  server.begin_drain();
  const auto due = std::chrono::steady_clock::now() + std::chrono::duration<double>(seconds);
  while (!server.idle() && std::chrono::steady_clock::now() < due) {
    if (wait_for_end(signals, std::chrono::milliseconds(20))) std::_Exit(0);
  }
}

}  // namespace

// What follows from other settings. Without keys all clients are one tenant, which the queue alone bounds.
void settle(ServerOptions& options, const KeyRing& keys) {
  if (keys.empty()) {
    options.per_key = options.queue + options.parallel;
    options.cache_share = 1.0;
  }
  // The engine ends a request in time; the connection only makes sure.
  const std::chrono::duration<double> longest(options.queue_time_s + options.request_time_s + 60.0);
  options.http.connection.request_time = std::chrono::duration_cast<ConnectionOptions::Duration>(longest);
}

Status run_serve(const ServeCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(ResolvedSettings settings, settings_of(command));
  if (command.print_config) return write_stdout(settings.listing);
  FATHOM_ASSIGN_OR_RETURN(KeyRing keys, keys_of(settings.options));
  settle(settings.options, keys);
  // Before any thread starts, so that none of them is struck by a signal.
  FATHOM_ASSIGN_OR_RETURN(const auto signals, SignalEvents::open());
  FATHOM_ASSIGN_OR_RETURN(const auto server,
                          Server::listen(settings.options, std::move(keys),
                                         {.version = version_number(), .commit = commit_text()}));
  const std::string name = command.model.empty() ? std::string(kBuiltinModelName) : command.model;
  FATHOM_ASSIGN_OR_RETURN(auto model, open_served_model(name, settings.options));
  server->serve(std::move(model));
  ignore_status(write_stdout(concat("fathom: listening on ", server->url(), "\n")),
                "nobody needs to read it");
  while (!wait_for_end(*signals, std::chrono::hours(1))) {
  }
  drain(*server, *signals, settings.options.drain_s);
  server->stop();
  return {};
}

}  // namespace fathom
