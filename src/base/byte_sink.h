// SPDX-License-Identifier: MIT
// ByteSink: where bytes go that are made piece by piece: into memory, a file, a digest (design.md 5).
// One thread at a time.
#pragma once

#include <cstddef>
#include <span>
#include <string>

#include "base/status.h"

namespace fathom {

class ByteSink {
 public:
  virtual ~ByteSink() = default;
  // Takes all of `bytes` or fails; after a failure what has arrived is of no use.
  virtual Status write(std::span<const std::byte> bytes) = 0;
};

// Appends to a string.
class StringSink final : public ByteSink {
 public:
  Status write(std::span<const std::byte> bytes) override {
    text_.append(reinterpret_cast<const char*>(bytes.data()), bytes.size());
    return Status();
  }
  const std::string& text() const noexcept { return text_; }

 private:
  std::string text_;
};

}  // namespace fathom
