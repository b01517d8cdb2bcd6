// SPDX-License-Identifier: MIT
#include "cache/disk_image.h"

#include <algorithm>
#include <fstream>

namespace fathom {

void DiskLog::watch(HookedIo& env) {
  env.set_after([this](const IoEvent& event, int64_t result) {
    switch (event.call) {
      case IoCall::kOpen:
        if (event.file == -1) directory_ = static_cast<int>(result);
        return;
      case IoCall::kCreate:
        file_of_descriptor_[static_cast<int>(result)] = ++files_;
        file_of_name_[std::string(event.name)] = files_;
        operations_.push_back({.kind = Kind::kCreate, .file = files_, .name = std::string(event.name)});
        return;
      case IoCall::kWrite:
        operations_.push_back({.kind = Kind::kWrite,
                               .file = file_of_descriptor_[event.file],
                               .bytes = std::string(event.bytes.substr(0, static_cast<size_t>(result)))});
        return;
      case IoCall::kSync:
        if (event.file == directory_) {
          operations_.push_back({.kind = Kind::kSyncNames});
        } else {
          operations_.push_back({.kind = Kind::kSyncFile, .file = file_of_descriptor_[event.file]});
        }
        return;
      case IoCall::kRename: {
        const int file = file_of_name_[std::string(event.name)];
        file_of_name_[std::string(event.new_name)] = file;
        operations_.push_back({.kind = Kind::kRename,
                               .file = file,
                               .name = std::string(event.name),
                               .new_name = std::string(event.new_name)});
        return;
      }
      case IoCall::kRemove:
        operations_.push_back({.kind = Kind::kRemove, .name = std::string(event.name)});
        return;
      case IoCall::kStat:
      case IoCall::kRead:
      case IoCall::kMakeDirectory:
      case IoCall::kList:
      case IoCall::kLock: return;
    }
  });
}

std::vector<std::pair<int, int>> DiskLog::acknowledged(size_t length) const {
  std::vector<std::pair<int, int>> out;
  for (size_t i = 0; i < length; ++i) {
    if (operations_[i].kind == Kind::kAcknowledge) out.push_back(operations_[i].what);
  }
  return out;
}

void DiskLog::change(Names& names, const Operation& operation) {
  if (operation.kind == Kind::kCreate) names[operation.name] = operation.file;
  if (operation.kind == Kind::kRemove) names.erase(operation.name);
  if (operation.kind != Kind::kRename) return;
  names.erase(operation.name);
  names[operation.new_name] = operation.file;
}

// The synced bytes, and of the rest nothing, a part, or all its length with some sectors never written.
std::string DiskLog::image_of(const File& file, RandomNumbers& random) {
  std::string bytes = file.bytes;
  const auto rest = static_cast<int>(bytes.size() - file.synced);
  switch (random.whole(0, 3)) {
    case 0: bytes.resize(file.synced); return bytes;
    case 1: bytes.resize(file.synced + static_cast<size_t>(random.whole(0, rest))); return bytes;
    case 2: return bytes;
    default: break;
  }
  const auto sector = static_cast<size_t>(random.one_of({512, 4096}));
  for (size_t at = 0; at < bytes.size(); at += sector) {
    if (random.whole(0, 1) == 0) continue;
    const size_t from = std::max(at, file.synced);
    for (size_t i = from; i < std::min(at + sector, bytes.size()); ++i) bytes[i] = 0;
  }
  return bytes;
}

void DiskLog::write_image(size_t length, Fsync fsync, RandomNumbers& random,
                          const std::filesystem::path& to) const {
  std::map<int, File> files;
  Names names;
  std::vector<const Operation*> pending;
  for (size_t i = 0; i < length; ++i) {
    const Operation& operation = operations_[i];
    switch (operation.kind) {
      case Kind::kWrite: files[operation.file].bytes += operation.bytes; break;
      case Kind::kSyncFile:
        if (fsync == Fsync::kKept) files[operation.file].synced = files[operation.file].bytes.size();
        break;
      case Kind::kSyncNames:
        for (const Operation* change_of_name : pending) change(names, *change_of_name);
        pending.clear();
        break;
      case Kind::kCreate:
      case Kind::kRename:
      case Kind::kRemove: pending.push_back(&operation); break;
      case Kind::kAcknowledge: break;
    }
  }
  for (const Operation* change_of_name : pending) {
    if (random.whole(0, 1) == 1) change(names, *change_of_name);
  }
  for (const auto& [name, file] : names) {
    std::ofstream(to / name, std::ios::binary) << image_of(files[file], random);
  }
}

}  // namespace fathom
