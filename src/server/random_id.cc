// SPDX-License-Identifier: MIT
#include "server/random_id.h"

#include <random>

namespace fathom {

uint64_t random_seed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

std::string random_id(std::string_view prefix, size_t length) {
  constexpr std::string_view kLetters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
  // 10 letters of 62 use 59.5 of 64 random bits; the rest makes them even to within 1 in 20.
  constexpr size_t kLettersPerDraw = 10;
  std::string id(prefix);
  uint64_t bits = 0;
  for (size_t i = 0; i < length; ++i) {
    if (i % kLettersPerDraw == 0) bits = random_seed();
    id += kLetters[bits % kLetters.size()];
    bits /= kLetters.size();
  }
  return id;
}

}  // namespace fathom
