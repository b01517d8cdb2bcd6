// SPDX-License-Identifier: MIT
#include "cache/segment_index.h"

#include <algorithm>
#include <cstring>
#include <new>
#include <utility>

#include "base/check.h"

namespace fathom {

size_t DigestHash::operator()(const Digest& digest) const noexcept {
  size_t hash = 0;
  std::memcpy(&hash, digest.data(), sizeof hash);
  return hash;
}

TierBudget::TierBudget(int64_t budget_bytes, double tenant_share, uint64_t StoredSegment::* order)
    : budget_(budget_bytes),
      account_budget_(static_cast<int64_t>(static_cast<double>(budget_bytes) * tenant_share)),
      order_(order) {}

SegmentRef TierBudget::victim(const Digest& account, int64_t bytes) const {
  const auto found = accounts_.find(account);
  if (found != accounts_.end() && found->second.bytes + bytes > account_budget_) {
    return found->second.by_order.begin()->second;
  }
  if (bytes_ + bytes > budget_ && !by_order_.empty()) return by_order_.begin()->second;
  return nullptr;
}

void TierBudget::add(const SegmentRef& segment, uint64_t order) {
  FATHOM_CHECK((*segment).*order_ == 0);
  Account& account = accounts_[segment->header.account];
  account.by_order.emplace(order, segment);
  try {
    by_order_.emplace(order, segment);
  } catch (const std::bad_alloc&) {
    account.by_order.erase(order);
    throw;
  }
  (*segment).*order_ = order;
  account.bytes += segment->bytes;
  bytes_ += segment->bytes;
}

void TierBudget::remove(StoredSegment& segment) {
  const uint64_t order = std::exchange(segment.*order_, 0);
  bytes_ -= segment.bytes;
  by_order_.erase(order);
  const auto account = accounts_.find(segment.header.account);
  account->second.bytes -= segment.bytes;
  account->second.by_order.erase(order);
  if (account->second.by_order.empty()) accounts_.erase(account);
}

void TierBudget::touch(StoredSegment& segment, uint64_t order) {
  const uint64_t before = std::exchange(segment.*order_, order);
  const auto move = [&](std::map<uint64_t, SegmentRef>& map) {
    auto node = map.extract(before);
    node.key() = order;
    map.insert(map.end(), std::move(node));
  };
  move(by_order_);
  move(accounts_.find(segment.header.account)->second.by_order);
}

// Walks from the end to token 0; a segment that is missing or does not fit breaks the chain.
SegmentChain SegmentIndex::chain_to(const PrefixKeys& keys, int64_t position) const {
  SegmentChain chain;
  while (position > 0) {
    const auto found = by_key_.find(keys.at(position));
    if (found == by_key_.end() || found->second->foreign || found->second->header.range.last != position) {
      return {};
    }
    chain.push_back(found->second);
    const SegmentHeader& header = found->second->header;
    if (header.parent_key != keys.at(header.range.first)) return {};
    position = header.range.first;
  }
  std::ranges::reverse(chain);
  return chain;
}

SegmentChain SegmentIndex::longest_chain(const PrefixKeys& keys, int64_t limit) const {
  const int64_t block_tokens = keys.block_tokens();
  limit = std::min(limit, static_cast<int64_t>(keys.tokens().size()));
  for (int64_t block = std::min(keys.full_blocks(), limit / block_tokens); block >= 0; --block) {
    const int64_t begin = block * block_tokens;
    if (const auto partial = partial_ends_.find(keys.block_key(block)); partial != partial_ends_.end()) {
      for (auto end = partial->second.rbegin(); end != partial->second.rend(); ++end) {
        const int64_t position = end->first;
        if (position <= begin || position >= begin + block_tokens || position > limit) continue;
        if (SegmentChain chain = chain_to(keys, position); !chain.empty()) return chain;
      }
    }
    if (SegmentChain chain = chain_to(keys, begin); !chain.empty()) return chain;
  }
  return {};
}

SegmentRef SegmentIndex::find(const Digest& key) const {
  const auto found = by_key_.find(key);
  return found == by_key_.end() ? nullptr : found->second;
}

void SegmentIndex::know(const SegmentRef& segment) {
  const auto [place, added] = by_key_.emplace(segment->header.key, segment);
  FATHOM_CHECK(added || place->second == segment);
  const SegmentHeader& header = segment->header;
  if (!added || segment->foreign || header.key == header.block_key) return;
  ++partial_ends_[header.block_key][header.range.last];
}

void SegmentIndex::forget_if_nowhere(const SegmentRef& segment) {
  if (segment->ram_order != 0 || segment->disk_order != 0) return;
  const SegmentHeader& header = segment->header;
  // Without memory it may never have been known.
  if (const auto known = by_key_.find(header.key); known == by_key_.end() || known->second != segment) return;
  by_key_.erase(header.key);
  const auto partial = partial_ends_.find(header.block_key);
  if (segment->foreign || header.key == header.block_key || partial == partial_ends_.end()) return;
  if (--partial->second[header.range.last] <= 0) partial->second.erase(header.range.last);
  if (partial->second.empty()) partial_ends_.erase(partial);
}

void SegmentIndex::add_to_ram(const SegmentRef& segment, SharedSegment bytes) {
  ram_.add(segment, ++last_order_);
  segment->ram = std::move(bytes);
  know(segment);
}

void SegmentIndex::add_to_disk(const SegmentRef& segment) {
  disk_.add(segment, ++last_order_);
  know(segment);
}

void SegmentIndex::remove_from_ram(const SegmentRef& segment) {
  ram_.remove(*segment);
  segment->ram = nullptr;
  forget_if_nowhere(segment);
}

void SegmentIndex::remove_from_disk(const SegmentRef& segment) {
  disk_.remove(*segment);
  forget_if_nowhere(segment);
}

void SegmentIndex::touch(const SegmentChain& chain) {
  for (auto segment = chain.rbegin(); segment != chain.rend(); ++segment) {
    if ((*segment)->ram_order != 0) ram_.touch(**segment, ++last_order_);
    if ((*segment)->disk_order != 0) disk_.touch(**segment, ++last_order_);
  }
}

}  // namespace fathom
