// SPDX-License-Identifier: MIT
// A mapped file that is cut short under its reader (reliability.md F-7).
#include "io/mapping_guard.h"

#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <thread>

#include "io/mapped_file.h"
#include "io/read_file.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;

// A file of `pages` pages of the letter x, mapped.
class MappingGuardTest : public testing::Test {
 protected:
  MappingGuardTest() : page_(sysconf(_SC_PAGESIZE)), root_(fs::path(testing::TempDir()) / "mapping_guard") {
    install_mapping_guard();
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~MappingGuardTest() override { fs::remove_all(root_); }

  Result<MappedFile> map(const char* name, int64_t pages) {
    std::ofstream(root_ / name, std::ios::binary) << std::string(static_cast<size_t>(pages * page_), 'x');
    FATHOM_ASSIGN_OR_RETURN(Directory directory, Directory::open(system_io(), root_.string()));
    FATHOM_ASSIGN_OR_RETURN(File file, directory.open_file(name));
    return MappedFile::map(file, name);
  }

  static int64_t count(const MappedFile& file, char letter) {
    const auto bytes = file.bytes();
    return std::count(bytes.begin(), bytes.end(), static_cast<std::byte>(letter));
  }

  int64_t page_;
  fs::path root_;
};

TEST_F(MappingGuardTest, AReaderOfACutFileGoesOnWithZerosAndTheFileIsMarked) {
  auto cut = map("cut", 6);
  auto whole = map("whole", 6);
  ASSERT_TRUE(cut.ok() && whole.ok());
  EXPECT_EQ(count(*cut, 'x'), 6 * page_);
  EXPECT_FALSE(cut->damaged());

  fs::resize_file(root_ / "cut", static_cast<uintmax_t>(2 * page_));
  EXPECT_EQ(count(*cut, 'x'), 2 * page_);
  EXPECT_EQ(count(*cut, '\0'), 4 * page_);
  EXPECT_TRUE(cut->damaged());
  EXPECT_EQ(count(*whole, 'x'), 6 * page_);
  EXPECT_FALSE(whole->damaged());
}

TEST_F(MappingGuardTest, TheMarkMovesWithTheFileAndIsGoneWithIt) {
  {
    auto cut = map("cut", 3);
    ASSERT_TRUE(cut.ok());
    fs::resize_file(root_ / "cut", 0);
    EXPECT_EQ(count(*cut, '\0'), 3 * page_);
    const MappedFile moved = std::move(cut).value();
    EXPECT_TRUE(moved.damaged());
  }
  auto next = map("next", 3);
  ASSERT_TRUE(next.ok());
  EXPECT_EQ(count(*next, 'x'), 3 * page_);
  EXPECT_FALSE(next->damaged());
}

TEST_F(MappingGuardTest, ThreadsMayMeetTheCutAtTheSameTime) {
  auto cut = map("cut", 64);
  ASSERT_TRUE(cut.ok());
  fs::resize_file(root_ / "cut", 0);
  std::array<int64_t, 4> zeros{};
  std::array<std::thread, 4> readers;
  for (size_t i = 0; i < readers.size(); ++i) {
    readers[i] = std::thread([&, i] { zeros[i] = count(*cut, '\0'); });
  }
  for (std::thread& reader : readers) reader.join();
  for (const int64_t seen : zeros) EXPECT_EQ(seen, 64 * page_);
  EXPECT_TRUE(cut->damaged());
}

TEST_F(MappingGuardTest, OtherBusErrorsStillEndTheProcess) {
  EXPECT_DEATH(
      {
        install_mapping_guard();
        std::raise(SIGBUS);
        std::raise(SIGBUS);
      },
      "");
}

}  // namespace
}  // namespace fathom
