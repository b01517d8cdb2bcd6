// SPDX-License-Identifier: MIT
// What every user of an IoEnv needs: calls that a signal interrupted are made again, descriptors are closed.
#pragma once

#include <cerrno>

#include "io/io_env.h"

namespace fathom {

// The result of `call` once it is not -EINTR.
template <typename Call>
auto retry(Call call) {
  auto result = call();
  while (result == -EINTR) result = call();
  return result;
}

// A descriptor of an IoEnv, or the error that stands in its place; closed at the end of its block.
class Descriptor {
 public:
  Descriptor(IoEnv& env, int descriptor) noexcept : env_(env), descriptor_(descriptor) {}
  ~Descriptor() {
    if (descriptor_ >= 0) env_.close(descriptor_);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
  int get() const noexcept { return descriptor_; }

 private:
  IoEnv& env_;
  int descriptor_;
};

}  // namespace fathom
