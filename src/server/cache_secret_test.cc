// SPDX-License-Identifier: MIT
#include "server/cache_secret.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

namespace fathom {
namespace {

TEST(CacheSecret, OneDirectoryKeepsOneSecretThatNobodyElseReads) {
  const std::string directory = testing::TempDir() + "fathom_cache_secret";
  std::filesystem::remove_all(directory);
  const std::string secret = cache_secret(system_io(), directory);
  EXPECT_EQ(secret.size(), 64U);
  EXPECT_EQ(cache_secret(system_io(), directory), secret);
  struct stat facts{};
  ASSERT_EQ(::stat((directory + "/secret").c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0600U);
  ASSERT_EQ(::stat(directory.c_str(), &facts), 0);
  EXPECT_EQ(facts.st_mode & 0777, 0700U);

  std::ofstream(directory + "/secret") << "cut short";
  const std::string second = cache_secret(system_io(), directory);
  EXPECT_EQ(second.size(), 64U);
  EXPECT_NE(second, secret);
  std::filesystem::remove_all(directory);
}

TEST(CacheSecret, WithoutADirectoryItLivesAsLongAsTheProcess) {
  EXPECT_NE(cache_secret(system_io(), ""), cache_secret(system_io(), ""));
  EXPECT_EQ(cache_secret(system_io(), "/proc/no/such/directory").size(), 64U);
}

}  // namespace
}  // namespace fathom
