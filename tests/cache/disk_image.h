// SPDX-License-Identifier: MIT
// What a disk may hold after the power went: built from a log of all writes and syncs (reliability.md C-4).
//
// Certain are the bytes of a file up to its last fsync and the names up to the last fsync of the directory.
// Of everything later any part may be there: sectors of 512 or 4,096 bytes, any subset of the names' changes.
// One thread.
#pragma once

#include <cstdint>
#include <filesystem>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "support/hooked_io.h"
#include "support/random_numbers.h"

namespace fathom {

class DiskLog {
 public:
  // Notes what succeeds from now on in `env`, whose only directory is the one that it opens.
  void watch(HookedIo& env);
  // Notes that something was acknowledged at this point.
  void acknowledge(std::pair<int, int> what) {
    operations_.push_back({.kind = Kind::kAcknowledge, .what = what});
  }

  size_t size() const noexcept { return operations_.size(); }
  // Everything acknowledged within the first `length` operations.
  std::vector<std::pair<int, int>> acknowledged(size_t length) const;

  enum class Fsync : uint8_t { kKept, kLies };
  // Writes one of the images that are possible after the first `length` operations into an empty directory.
  void write_image(size_t length, Fsync fsync, RandomNumbers& random, const std::filesystem::path& to) const;

 private:
  enum class Kind : uint8_t { kCreate, kWrite, kSyncFile, kSyncNames, kRename, kRemove, kAcknowledge };
  struct Operation {
    Kind kind = Kind::kCreate;
    int file = 0;  // number of the file, in order of creation
    std::string name = {};
    std::string new_name = {};
    std::string bytes = {};
    std::pair<int, int> what = {};
  };
  struct File {
    std::string bytes;
    size_t synced = 0;
  };
  using Names = std::map<std::string, int>;

  static std::string image_of(const File& file, RandomNumbers& random);
  static void change(Names& names, const Operation& operation);

  std::vector<Operation> operations_;
  std::map<int, int> file_of_descriptor_;
  std::map<std::string, int> file_of_name_;
  int directory_ = -1;
  int files_ = 0;
};

}  // namespace fathom
