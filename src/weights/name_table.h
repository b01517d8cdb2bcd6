// SPDX-License-Identifier: MIT
// NameTable: tensor name -> place in a list, for up to 2^32 - 1 names; open addressing, 16 to 32 bytes a
// name. The names live elsewhere. Built by one thread, then read by any.
#pragma once

#include <cstdint>
#include <functional>
#include <string_view>
#include <vector>

namespace fathom {

class NameTable {
 public:
  static constexpr uint32_t kNone = UINT32_MAX;

  // Adds `name`, whose text is list[place]; `name_of(place)` gives the text of a place added before. Returns
  // false, and changes nothing, when the name is there already.
  template <typename NameOf>
  bool insert(std::string_view name, uint32_t place, NameOf name_of) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    const uint64_t hash = std::hash<std::string_view>{}(name);
    size_t slot = first_slot(hash);
    for (; slots_[slot] != kFree; slot = next_slot(slot)) {
      if (tag(slots_[slot]) == tag(hash) && name_of(place_in(slots_[slot])) == name) return false;
    }
    slots_[slot] = (hash & ~kPlaceMask) | place;
    ++size_;
    return true;
  }

  // The place of `name`, or kNone.
  template <typename NameOf>
  uint32_t find(std::string_view name, NameOf name_of) const noexcept {
    if (slots_.empty()) return kNone;
    const uint64_t hash = std::hash<std::string_view>{}(name);
    for (size_t slot = first_slot(hash); slots_[slot] != kFree; slot = next_slot(slot)) {
      if (tag(slots_[slot]) == tag(hash) && name_of(place_in(slots_[slot])) == name)
        return place_in(slots_[slot]);
    }
    return kNone;
  }

 private:
  // A slot: upper half of the name's hash, then the place. The upper half also chooses the first slot, so
  // that growing needs no names.
  static constexpr uint64_t kPlaceMask = 0xffffffffu;
  static constexpr uint64_t kFree = ~uint64_t{0};

  static uint64_t tag(uint64_t slot_or_hash) noexcept { return slot_or_hash >> 32; }
  static uint32_t place_in(uint64_t slot) noexcept { return static_cast<uint32_t>(slot & kPlaceMask); }
  size_t first_slot(uint64_t slot_or_hash) const noexcept { return tag(slot_or_hash) & (slots_.size() - 1); }
  size_t next_slot(size_t slot) const noexcept { return (slot + 1) & (slots_.size() - 1); }

  void grow() {
    std::vector<uint64_t> old(slots_.empty() ? 64 : 2 * slots_.size(), kFree);
    old.swap(slots_);
    for (const uint64_t entry : old) {
      if (entry == kFree) continue;
      size_t slot = first_slot(entry);
      while (slots_[slot] != kFree) slot = next_slot(slot);
      slots_[slot] = entry;
    }
  }

  std::vector<uint64_t> slots_;  // a power of two of them, at most half used
  size_t size_ = 0;
};

}  // namespace fathom
