// SPDX-License-Identifier: MIT
#include "server/cache_secret.h"

#include "base/concat.h"
#include "base/log.h"
#include "io/digest.h"
#include "io/directory.h"
#include "io/read_file.h"
#include "server/random_id.h"

namespace fathom {
namespace {

constexpr int64_t kSecretDigits = 64;
const std::string kName = "secret";
const std::string kTemporary = "secret.new";

std::string fresh_secret() {
  const std::string random = random_id("", 64);
  return hex(sha256({std::as_bytes(std::span(random))}));
}

std::string stored_secret(IoEnv& env, const std::string& directory) {
  const auto opened = Directory::open(env, directory);
  if (!opened.ok()) return {};
  const auto text = read_file(*opened, kName, kSecretDigits);
  return text.ok() && static_cast<int64_t>(text->size()) == kSecretDigits ? *text : std::string();
}

// Whether the file is there now; a half-written one never gets the name.
bool store_secret(IoEnv& env, const std::string& directory, const std::string& secret) {
  env.make_private_directory(directory);
  const int folder = env.open_directory(directory);
  if (folder < 0) return false;
  env.remove(folder, kTemporary);
  const int file = env.create_private_file(folder, kTemporary);
  bool stored =
      file >= 0 && env.write(file, secret.data(), secret.size()) == kSecretDigits && env.sync(file) >= 0;
  if (file >= 0) env.close(file);
  stored = stored && env.rename(folder, kTemporary, kName) >= 0;
  env.close(folder);
  return stored;
}

}  // namespace

std::string cache_secret(IoEnv& env, const std::string& directory) {
  if (directory.empty()) return fresh_secret();
  std::string secret = stored_secret(env, directory);
  if (!secret.empty()) return secret;
  secret = fresh_secret();
  if (!store_secret(env, directory, secret))
    log_line(LogLevel::kWarn, "cache",
             {{"what", "no secret can be stored; nothing is found again after a restart"}});
  return secret;
}

}  // namespace fathom
