// SPDX-License-Identifier: MIT
// A start with 100,000 files (reliability.md C-8). Its figure is the time of this process, which others on
// the machine do not change.
#include <gtest/gtest.h>

#include <chrono>
#include <cstdio>
#include <ctime>
#include <filesystem>
#include <fstream>

#include "cache/cache_fixture.h"
#include "cache/segment.h"
#include "cache/stamped_model.h"

namespace fathom {
namespace {

constexpr int kFiles = 100'000;

double cpu_seconds() { return static_cast<double>(std::clock()) / CLOCKS_PER_SEC; }

TEST(StartUp, IndexesAHundredThousandFilesInTwoSeconds) {
  const StampedModel model;
  // On a disk, not in memory: the files take 400 MB.
  const auto path = std::filesystem::path(testing::TempDir()) / concat("fathom_start_up_", ::getpid());
  std::filesystem::create_directories(path);
  const SequenceState state = model.evaluate(branch_tokens(1, 0, 0));
  const CacheIdentity identity = stamped_identity();
  for (int i = 0; i < kFiles; ++i) {
    SegmentHeader header;
    header.fingerprint = identity.fingerprint;
    header.numerics = sha256({std::as_bytes(std::span(identity.numerics))});
    header.range = {0, 1, 1};
    header.key = hmac_sha256("key", concat(i));
    const auto bytes = encode_segment(header, state);
    ASSERT_TRUE(bytes.ok());
    std::ofstream(path / hex(header.key), std::ios::binary)
        .write(reinterpret_cast<const char*>(bytes->data()),
               static_cast<std::streamsize>(bytes->size_bytes()));
  }
  const auto start = std::chrono::steady_clock::now();
  const double cpu_start = cpu_seconds();
  {
    const auto cache = open_cache({.disk_dir = path, .disk_bytes = int64_t{1} << 40, .tenant_share = 1.0},
                                  model.config(), identity);
    const double cpu = cpu_seconds() - cpu_start;
    const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - start;
    std::printf("index of %d files: %.2f s, of it %.2f s of this process\n", kFiles, wall.count(), cpu);
    EXPECT_EQ(cache->stats().disk_segments, kFiles);
    EXPECT_LE(cpu, 2.0);
  }
  std::filesystem::remove_all(path);
}

}  // namespace
}  // namespace fathom
