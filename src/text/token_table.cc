// SPDX-License-Identifier: MIT
#include "text/token_table.h"

#include <algorithm>
#include <bit>
#include <cstring>

#include "base/check.h"

namespace fathom {
namespace {

constexpr uint64_t kMultiplier = 0x9E3779B97F4A7C15u;  // 2^64 / golden ratio, odd: spreads neighbouring keys

uint64_t load(const char* p, size_t count) noexcept {
  uint64_t word = 0;
  std::memcpy(&word, p, count);
  return word;
}

uint64_t mix(uint64_t word) noexcept {
  word *= kMultiplier;
  return word ^ word >> 32;
}

}  // namespace

// Up to 8 bytes: the bytes themselves. More: a hash of all of them.
uint64_t TokenTable::key_of(std::string_view bytes) noexcept {
  const char* p = bytes.data();
  const size_t n = bytes.size();
  // Two loads of a fixed size instead of one of a variable size, which would be a call.
  if (n < 4) {
    uint64_t key = static_cast<uint8_t>(p[0]);
    if (n > 1) key |= load(p + n - 2, 2) << 8 * (n - 2);
    return key;
  }
  if (n <= 8) return load(p, 4) | load(p + n - 4, 4) << 8 * (n - 4);
  uint64_t hash = load(p + n - 8, 8);
  for (size_t i = 0; i + 8 < n; i += 8) hash = mix(hash ^ load(p + i, 8));
  return hash;
}

// The upper bits of a product depend on all bits of the key.
size_t TokenTable::home_of(uint64_t key) const noexcept { return (key * kMultiplier) >> shift_; }

const TokenTable::Slot* TokenTable::find_slot(std::string_view wanted) const noexcept {
  const uint64_t key = key_of(wanted);
  for (size_t i = home_of(key); slots_[i].length != 0; i = (i + 1) & (slots_.size() - 1)) {
    const Slot& slot = slots_[i];
    if (slot.key != key || slot.length != wanted.size()) continue;
    if (wanted.size() <= 8 ||
        std::memcmp(pool_.data() + starts_[slot.id], wanted.data(), wanted.size()) == 0) {
      return &slot;
    }
  }
  return nullptr;
}

void TokenTable::append(std::string_view bytes, Kind kind) {
  FATHOM_CHECK(size() < kMaxTokens);
  pool_.append(bytes);
  starts_.push_back(static_cast<uint32_t>(pool_.size()));
  kinds_.push_back(kind);
}

void TokenTable::build_index() {
  const auto base_tokens = static_cast<size_t>(std::count(kinds_.begin(), kinds_.end(), Kind::kBase));
  slots_.assign(std::bit_ceil(2 * base_tokens + 2), Slot{});
  shift_ = 64 - std::countr_zero(slots_.size());
  for (int32_t id = 0; id < size(); ++id) {
    if (is_added(id)) continue;
    const uint64_t key = key_of(bytes(id));
    size_t i = home_of(key);
    while (slots_[i].length != 0) i = (i + 1) & (slots_.size() - 1);
    slots_[i] = {.key = key, .id = id, .length = length(id) & 0x7FFFFFFF, .split = 0};
    longest_ = std::max<size_t>(longest_, length(id));
  }
}

void TokenTable::mark_split(int32_t id) noexcept {
  const Slot* slot = find_slot(bytes(id));
  FATHOM_CHECK(slot != nullptr && slot->id == id);
  slots_[static_cast<size_t>(slot - slots_.data())].split = 1;
}

}  // namespace fathom
