// SPDX-License-Identifier: MIT
// What the tests of the prefix cache share: a cache of stamped states in a directory of its own, and clocks.
#pragma once

#include <gtest/gtest.h>
#include <unistd.h>

#include <chrono>
#include <filesystem>
#include <memory>
#include <string>
#include <vector>

#include "base/concat.h"
#include "cache/prefix_cache.h"
#include "cache/stamped_model.h"

namespace fathom {

class ManualClock final : public Clock {
 public:
  std::chrono::milliseconds now() const noexcept override { return now_; }
  void advance(std::chrono::milliseconds by) noexcept { now_ += by; }

 private:
  std::chrono::milliseconds now_{1000};
};

// A directory that is empty at first and gone at the end; in memory where there is such a place, because
// these tests wait for thousands of fsyncs.
class ScratchDirectory {
 public:
  explicit ScratchDirectory(std::string_view name)
      : path_(root() / concat("fathom_cache_", name, "_", ::getpid())) {
    std::filesystem::remove_all(path_);
  }
  ~ScratchDirectory() { std::filesystem::remove_all(path_); }
  ScratchDirectory(const ScratchDirectory&) = delete;
  ScratchDirectory& operator=(const ScratchDirectory&) = delete;

  const std::filesystem::path& path() const noexcept { return path_; }
  // Names of all files.
  std::vector<std::string> names() const {
    std::vector<std::string> out;
    if (!std::filesystem::exists(path_)) return out;
    for (const auto& entry : std::filesystem::directory_iterator(path_))
      out.push_back(entry.path().filename());
    return out;
  }
  int64_t bytes() const {
    int64_t sum = 0;
    for (const std::string& name : names())
      sum += static_cast<int64_t>(std::filesystem::file_size(path_ / name));
    return sum;
  }

 private:
  static std::filesystem::path root() {
    return ::access("/dev/shm", W_OK) == 0 ? "/dev/shm" : testing::TempDir();
  }

  std::filesystem::path path_;
};

inline CacheIdentity stamped_identity() {
  CacheIdentity identity;
  identity.fingerprint = sha256({});
  identity.numerics = "generic ranks=1 deployed revision=1";
  identity.draft_layer = true;
  return identity;
}

inline CacheTenant tenant(std::string_view key) { return cache_tenant("secret", key); }

inline std::unique_ptr<PrefixCache> open_cache(const PrefixCacheOptions& options, const ModelConfig& config,
                                               const CacheIdentity& identity = stamped_identity()) {
  auto cache = PrefixCache::create(options, config, identity);
  FATHOM_CHECK(cache.ok());
  return std::move(cache).value();
}

// `count` tokens: `shared` ones that all sequences have, then those of `branch`.
inline std::vector<int32_t> branch_tokens(int count, int shared, int branch) {
  std::vector<int32_t> tokens;
  for (int i = 0; i < count; ++i) tokens.push_back(i < shared ? i % 7 : (i * 13 + branch * 101) % 1000);
  return tokens;
}

}  // namespace fathom
