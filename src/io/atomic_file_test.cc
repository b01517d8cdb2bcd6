// SPDX-License-Identifier: MIT
// write_file_atomically: the file holds the old bytes or the new ones, whichever call fails (design.md 19).
#include "io/atomic_file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <iterator>

#include "support/failing_io.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class AtomicFile : public testing::Test {
 protected:
  AtomicFile() : root_(fs::path(testing::TempDir()) / "fathom_atomic_file"), path_(root_ / "file.json") {
    fs::remove_all(root_);
    fs::create_directories(root_);
  }
  ~AtomicFile() override { fs::remove_all(root_); }

  static std::string content(const fs::path& path) {
    std::ifstream in(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(in), {}};
  }
  int files() const {
    return static_cast<int>(std::distance(fs::directory_iterator(root_), fs::directory_iterator()));
  }

  fs::path root_;
  fs::path path_;
};

TEST_F(AtomicFile, CreatesAndReplaces) {
  for (const std::string& bytes :
       {std::string("one"), std::string(), std::string(100001, 'x') + '\0' + "end"}) {
    const Status status = write_file_atomically(system_io(), path_, bytes);
    ASSERT_TRUE(status.ok()) << status.message();
    EXPECT_EQ(content(path_), bytes);
    EXPECT_EQ(files(), 1);
  }
}

TEST_F(AtomicFile, ShortWritesAndSignalsAreContinued) {
  FailingIo slow(5, EINTR);
  slow.set_write_limit(3);
  ASSERT_TRUE(write_file_atomically(slow, path_, "eleven byte").ok());
  EXPECT_EQ(content(path_), "eleven byte");
  EXPECT_EQ(slow.open_descriptors(), 0);
}

TEST_F(AtomicFile, EveryFailedCallLeavesOneWholeVersionAndNoDebris) {
  ASSERT_TRUE(write_file_atomically(system_io(), path_, "old").ok());
  FailingIo counting;
  ASSERT_TRUE(write_file_atomically(counting, path_, "old").ok());
  ASSERT_GE(counting.calls(), 7);
  for (int n = 1; n <= counting.calls(); ++n) {
    FailingIo failing(n, ENOSPC);
    const Status status = write_file_atomically(failing, path_, "new");
    EXPECT_EQ(status.code(), StatusCode::kIo) << "call " << n;
    EXPECT_THAT(std::string(status.message()), HasSubstr("file.json: No space left")) << "call " << n;
    EXPECT_EQ(content(path_), n == counting.calls() ? "new" : "old") << "call " << n;
    EXPECT_EQ(files(), 1) << "call " << n;
    EXPECT_EQ(failing.open_descriptors(), 0) << "call " << n;
  }
}

TEST_F(AtomicFile, OnlyRegularFilesAreReplaced) {
  ASSERT_TRUE(write_file_atomically(system_io(), path_, "old").ok());
  fs::create_symlink("file.json", root_ / "link");
  fs::create_directory(root_ / "folder");
  ASSERT_EQ(mkfifo((root_ / "fifo").c_str(), 0600), 0);
  for (const char* name : {"link", "folder", "fifo", "folder/..", ".", "", "folder/"}) {
    const Status status = write_file_atomically(system_io(), root_ / name, "new");
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << name << ": " << status.message();
  }
  EXPECT_EQ(write_file_atomically(system_io(), "/dev/null", "new").code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(write_file_atomically(system_io(), root_ / "none/file", "new").code(), StatusCode::kNotFound);
  EXPECT_EQ(content(path_), "old");
  EXPECT_EQ(files(), 4);
}

}  // namespace
}  // namespace fathom
