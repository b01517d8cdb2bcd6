// SPDX-License-Identifier: MIT
// Directory, read_file and MappedFile on good, odd and failing files (reliability.md 2, F-2).
#include <gmock/gmock.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "io/directory.h"
#include "io/mapped_file.h"
#include "io/read_file.h"
#include "io/system_memory.h"
#include "support/failing_io.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

// A directory "model" with files of all sorts, and a secret beside it.
class FileTest : public testing::Test {
 protected:
  FileTest() : root_(fs::path(testing::TempDir()) / "fathom_file_test"), model_(root_ / "model") {
    fs::remove_all(root_);
    fs::create_directories(model_ / "folder");
    write(model_ / "good", "twelve bytes");
    write(model_ / "empty", "");
    write(root_ / "secret", "secret");
    fs::create_symlink("good", model_ / "link");
    fs::create_symlink("link", model_ / "link2");
    fs::create_symlink("../secret", model_ / "out");
    fs::create_symlink("out", model_ / "out2");
    fs::create_symlink("/etc/hostname", model_ / "absolute");
    fs::create_symlink("loop", model_ / "loop");
    fs::create_symlink("nowhere", model_ / "dangling");
    fs::create_symlink("folder/x", model_ / "below");
    EXPECT_EQ(mkfifo((model_ / "fifo").c_str(), 0600), 0);
  }
  ~FileTest() override { fs::remove_all(root_); }

  static void write(const fs::path& path, const std::string& text) {
    std::ofstream(path, std::ios::binary) << text;
  }
  Directory open_model(IoEnv& env) { return Directory::open(env, model_).value(); }

  fs::path root_;
  fs::path model_;
};

TEST_F(FileTest, PlainNamesAndLinksInsideAreRead) {
  const Directory directory = open_model(system_io());
  for (const char* name : {"good", "link", "link2"}) {
    Result<std::string> text = read_file(directory, name, 100);
    ASSERT_TRUE(text.ok()) << name << ": " << text.status().message();
    EXPECT_EQ(*text, "twelve bytes");
  }
  EXPECT_EQ(read_file(directory, "empty", 100).value(), "");
}

TEST_F(FileTest, NothingLeavesTheDirectory) {
  FailingIo env;
  {
    const Directory directory = open_model(env);
    for (const std::string& name : std::vector<std::string>{
             "../secret", "/etc/hostname", "..", ".", "", "folder/x", "folder/../good", "./good", "out",
             "out2", "absolute", "below", "loop", std::string("good\0x", 6), std::string(256, 'n')}) {
      const Status status = directory.open_file(name).status();
      EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << name << ": " << status.message();
    }
  }
  for (const std::string& name : env.opened()) EXPECT_TRUE(is_plain_file_name(name)) << name;
  EXPECT_EQ(env.open_descriptors(), 0);
}

TEST_F(FileTest, WhatIsNoRegularFileIsRefusedWithoutWaiting) {
  const Directory directory = open_model(system_io());
  for (const char* name : {"folder", "fifo"}) {
    const Status status = directory.open_file(name).status();
    EXPECT_EQ(status.code(), StatusCode::kInvalidArgument) << name;
    EXPECT_THAT(std::string(status.message()), HasSubstr("expected a regular file")) << name;
  }
  EXPECT_EQ(open_path(system_io(), "/dev/zero").status().code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(open_path(system_io(), model_ / "fifo").status().code(), StatusCode::kInvalidArgument);
}

TEST_F(FileTest, AbsentThingsAreNotFound) {
  const Directory directory = open_model(system_io());
  EXPECT_EQ(directory.open_file("nothing").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(directory.open_file("dangling").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Directory::open(system_io(), root_ / "nothing").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(Directory::open(system_io(), model_ / "good").status().code(), StatusCode::kNotFound);
  EXPECT_EQ(open_path(system_io(), root_ / "nothing").status().code(), StatusCode::kNotFound);
}

TEST_F(FileTest, TheUsersOwnPathMayBeALink) {
  Result<File> file = open_path(system_io(), model_ / "out");
  ASSERT_TRUE(file.ok()) << file.status().message();
  EXPECT_EQ(read_file(*file, "out", 6).value(), "secret");
}

TEST_F(FileTest, TheCapIsExact) {
  const Directory directory = open_model(system_io());
  EXPECT_TRUE(read_file(directory, "good", 12).ok());
  const Status status = read_file(directory, "good", 11).status();
  EXPECT_EQ(status.code(), StatusCode::kInvalidArgument);
  EXPECT_EQ(status.message(), "good: expected at most 11 bytes, found 12");
}

TEST_F(FileTest, ShortReadsAreContinuedAndAnEarlyEndIsNoticed) {
  FailingIo env;
  const Directory directory = open_model(env);
  env.set_read_limit(5);
  EXPECT_EQ(read_file(directory, "good", 100).value(), "twelve bytes");
  env.set_read_limit(0);
  EXPECT_EQ(read_file(directory, "good", 100).status().code(), StatusCode::kCorrupt);
}

TEST_F(FileTest, MappingShowsTheBytesAndSurvivesMoving) {
  FailingIo env;
  {
    const Directory directory = open_model(env);
    MappedFile mapped = MappedFile::map(*directory.open_file("good"), "good").value();
    const void* where = mapped.bytes().data();
    const MappedFile moved = std::move(mapped);
    EXPECT_EQ(moved.bytes().data(), where);
    EXPECT_EQ(moved.bytes().size(), 12u);
    EXPECT_EQ(static_cast<char>(moved.bytes()[0]), 't');
    EXPECT_TRUE(MappedFile::map(*directory.open_file("empty"), "empty")->bytes().empty());
    EXPECT_EQ(env.live_mappings(), 1);
  }
  EXPECT_EQ(env.live_mappings(), 0);
  EXPECT_EQ(env.open_descriptors(), 0);
}

// Every call made to read and map a file fails once, with every errno that matters; nothing leaks, nothing
// crashes.
TEST_F(FileTest, EveryCallMayFail) {
  const auto use = [&](IoEnv& env) -> Status {
    FATHOM_ASSIGN_OR_RETURN(const Directory directory, Directory::open(env, model_));
    FATHOM_ASSIGN_OR_RETURN(const std::string text, read_file(directory, "link2", 100));
    FATHOM_ASSIGN_OR_RETURN(const File file, directory.open_file("good"));
    return MappedFile::map(file, "good").status();
  };
  FailingIo counter;
  EXPECT_TRUE(use(counter).ok());
  EXPECT_GE(counter.calls(), 10);
  for (const int error : {EIO, ENOSPC, EMFILE, EACCES, ENOMEM, EINTR}) {
    for (int call = 1; call <= counter.calls(); ++call) {
      FailingIo env(call, error);
      const Status status = use(env);
      // A signal is no failure, except in mmap, which the system never interrupts.
      EXPECT_EQ(status.ok(), error == EINTR && call < counter.calls()) << error << " at " << call;
      const bool exhausted = error == EMFILE || error == ENOMEM;
      const StatusCode expected = exhausted ? StatusCode::kResourceExhausted : StatusCode::kIo;
      EXPECT_TRUE(status.ok() || status.code() == expected) << status.message();
      EXPECT_EQ(env.open_descriptors(), 0) << error << " at " << call;
      EXPECT_EQ(env.live_mappings(), 0) << error << " at " << call;
    }
  }
}

// The control group's limit may be anything up to the machine's memory, and absent.
TEST(SystemMemory, IsNeverMoreThanTheMachineHas) {
  FailingIo env;
  const int64_t bytes = system_memory_bytes(env);
  EXPECT_GT(bytes, 1 << 20);
  EXPECT_LE(bytes, sysconf(_SC_PHYS_PAGES) * sysconf(_SC_PAGESIZE));
  EXPECT_EQ(env.open_descriptors(), 0);
}

}  // namespace
}  // namespace fathom
