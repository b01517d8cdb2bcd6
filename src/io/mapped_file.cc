// SPDX-License-Identifier: MIT
#include "io/mapped_file.h"

#include <utility>

namespace fathom {

Result<MappedFile> MappedFile::map(const File& file, std::string_view name) {
  IoEnv& env = file.env();
  if (file.bytes() == 0) return MappedFile(env, {});
  const size_t size = static_cast<size_t>(file.bytes());
  const void* data = nullptr;
  if (const int error = env.map(file.descriptor(), size, data); error < 0) return system_error(-error, name);
  return MappedFile(env, {static_cast<const std::byte*>(data), size});
}

MappedFile::MappedFile(MappedFile&& other) noexcept
    : env_(other.env_), bytes_(std::exchange(other.bytes_, {})), guard_(std::move(other.guard_)) {}

MappedFile& MappedFile::operator=(MappedFile&& other) noexcept {
  std::swap(env_, other.env_);
  std::swap(bytes_, other.bytes_);
  std::swap(guard_, other.guard_);
  return *this;
}

MappedFile::~MappedFile() {
  guard_ = MappingGuard();  // before the addresses can become another mapping's
  if (!bytes_.empty()) env_->unmap(bytes_.data(), bytes_.size());
}

}  // namespace fathom
