// SPDX-License-Identifier: MIT
#include "cache/prefix_cache.h"

#include <algorithm>
#include <system_error>
#include <utility>

#include "base/concat.h"
#include "cache/border_finder.h"
#include "cache/disk_tier.h"
#include "cache/segment_index.h"

namespace fathom {
namespace {

Status check_options(const PrefixCacheOptions& options) {
  const auto refuse = [](std::string_view what, std::string_view expected) {
    return Status(StatusCode::kInvalidArgument, concat("prefix cache: ", what, ": expected ", expected));
  };
  if (options.ram_bytes < 0) return refuse("RAM", "0 bytes or more");
  if (options.disk_bytes < 0) return refuse("disk", "0 bytes or more");
  if (!(options.tenant_share > 0.0 && options.tenant_share <= 1.0)) {
    return refuse("share of a tenant", "more than 0 and at most 1");
  }
  if (options.io_env == nullptr || options.clock == nullptr) return refuse("seams", "files and a clock");
  return Status();
}

// Oldest first; a segment counts as used when the last of its followers was, and before it when it comes
// first in a chain (segment_index.h).
void order_by_use(std::vector<FoundSegment>& found) {
  std::unordered_map<Digest, size_t, DigestHash> place;
  for (size_t i = 0; i < found.size(); ++i) place.emplace(found[i].header.key, i);
  std::ranges::sort(found, std::greater(), [](const FoundSegment& f) { return f.header.range.last; });
  std::unordered_map<Digest, int64_t, DigestHash> used;
  for (FoundSegment& segment : found) {
    if (const auto follower = used.find(segment.header.key); follower != used.end()) {
      segment.modified_ns = std::max(segment.modified_ns, follower->second);
    }
    int64_t& parent = used[segment.header.parent_key];
    parent = std::max(parent, segment.modified_ns);
  }
  std::ranges::stable_sort(found, std::less(), [](const FoundSegment& f) {
    return std::pair(f.foreign ? INT64_MIN : f.modified_ns, -f.header.range.last);
  });
}

// A segment's bytes and what they say.
struct LoadedSegment {
  SharedSegment bytes;
  ParsedSegment parsed;
};

}  // namespace

class PrefixCache::Parts {
 public:
  Parts(const PrefixCacheOptions& options, const ModelConfig& config, const CacheIdentity& identity)
      : identity_(identity),
        numerics_(sha256({std::as_bytes(std::span(identity.numerics))})),
        block_tokens_(::fathom::border_tokens(config)),
        index_(TierBudget(options.ram_bytes, options.tenant_share, &StoredSegment::ram_order),
               TierBudget(options.disk_bytes, options.tenant_share, &StoredSegment::disk_order)) {}

  void open_disk(const PrefixCacheOptions& options);

  Result<CacheHit> restore(const CacheTenant& tenant, std::span<const int32_t> tokens, SequenceState& state);
  void store(const CacheTenant& tenant, const SequenceState& state);
  std::vector<int64_t> borders(const CacheTenant& tenant, std::span<const int32_t> prompt, int64_t from,
                               std::span<const int64_t> ends) {
    return finder_.borders(keys_of(tenant, prompt), from, ends);
  }
  int64_t block_tokens() const noexcept { return block_tokens_; }
  CacheStats stats();
  void flush() {
    if (disk_) disk_->wait();
    collect();
  }

 private:
  PrefixKeys keys_of(const CacheTenant& tenant, std::span<const int32_t> tokens) const {
    return PrefixKeys(root_key(identity_, tenant), block_tokens_, tokens);
  }
  void count(CacheError error) noexcept { ++stats_.errors[static_cast<size_t>(error)]; }
  void adopt(const FoundSegment& found, std::vector<SegmentRef>& victims);
  void collect();
  void collect(const FileWork& work);
  std::vector<SegmentRef> make_disk_room(const Digest& account, int64_t bytes);
  void keep_in_ram(const SegmentRef& segment, const SharedSegment& bytes);
  void keep_on_disk(const SegmentRef& segment, const SharedSegment& bytes, std::vector<SegmentRef> victims);
  std::vector<SegmentRef> forget_key(const Digest& key);
  bool load(const SegmentRef& segment, const PrefixKeys& keys, LoadedSegment& out);
  bool is_same(const SegmentRef& segment, const PrefixKeys& keys, const ParsedSegment& parsed) const;
  void drop(const SegmentRef& segment, CacheError error);
  size_t read_chain(const SegmentChain& chain, const PrefixKeys& keys, SequenceState& state);

  const CacheIdentity identity_;
  const Digest numerics_;
  const int64_t block_tokens_;
  SegmentIndex index_;
  BorderFinder finder_;
  std::unique_ptr<DiskTier> disk_;
  CacheStats stats_;
};

// A directory that cannot be opened or listed leaves the tier off for good: what lies there is unknown, so
// its budget could not be kept.
void PrefixCache::Parts::open_disk(const PrefixCacheOptions& options) {
  auto directory = SegmentDirectory::open(*options.io_env, options.disk_dir);
  if (!directory.ok()) return count(CacheError::kWrite);
  auto scan = (*directory)->scan();
  if (!scan.ok()) return count(CacheError::kRead);
  stats_.errors[static_cast<size_t>(CacheError::kCorrupt)] += scan->corrupt;
  stats_.errors[static_cast<size_t>(CacheError::kRead)] += scan->unread;
  for (FoundSegment& found : scan->segments) {
    found.foreign = found.foreign || found.header.fingerprint != identity_.fingerprint ||
                    found.header.numerics != numerics_;
  }
  order_by_use(scan->segments);
  try {
    disk_ = std::make_unique<DiskTier>(std::move(directory).value(), *options.clock);
  } catch (const std::system_error&) {  // no thread to be had
    return count(CacheError::kWrite);
  }
  std::vector<SegmentRef> victims;
  for (const FoundSegment& found : scan->segments) adopt(found, victims);
  disk_->remove(std::move(victims));
}

void PrefixCache::Parts::adopt(const FoundSegment& found, std::vector<SegmentRef>& victims) {
  auto segment = std::make_shared<StoredSegment>();
  segment->header = found.header;
  segment->foreign = found.foreign;
  segment->bytes = found.bytes;
  // Foreign files share one account: of those one only wants to know how much room they take.
  if (found.foreign) segment->header.account = {};
  for (const SegmentRef& victim : make_disk_room(segment->header.account, segment->bytes)) {
    victims.push_back(victim);
  }
  if (!index_.disk().fits(segment->bytes)) return victims.push_back(segment);
  index_.add_to_disk(segment);
  if (segment->foreign) ++stats_.foreign_files;
}

void PrefixCache::Parts::collect(const FileWork& work) {
  for (const SegmentRef& segment : work.stayed) {
    count(CacheError::kRemove);
    const SegmentRef known = index_.find(segment->header.key);
    if ((known == nullptr || known == segment) && !segment->on_disk()) index_.add_to_disk(segment);
  }
  if (!work.written) return;
  if (!work.outcome) {
    ++stats_.written;
    return;
  }
  if (*work.outcome != CacheError::kRemove) count(*work.outcome);
  if (work.written->on_disk() && work.written->write_number == work.write_number) {
    index_.remove_from_disk(work.written);
  }
}

void PrefixCache::Parts::collect() {
  if (!disk_) return;
  for (const FileWork& work : disk_->take_done()) collect(work);
}

std::vector<SegmentRef> PrefixCache::Parts::make_disk_room(const Digest& account, int64_t bytes) {
  std::vector<SegmentRef> victims;
  if (!index_.disk().fits(bytes)) return victims;
  while (const SegmentRef victim = index_.disk().victim(account, bytes)) {
    index_.remove_from_disk(victim);
    if (victim->foreign) --stats_.foreign_files;
    ++stats_.disk_evictions;
    victims.push_back(victim);
  }
  return victims;
}

void PrefixCache::Parts::keep_in_ram(const SegmentRef& segment, const SharedSegment& bytes) {
  if (!index_.ram().fits(segment->bytes) || segment->ram) return;
  while (const SegmentRef victim = index_.ram().victim(segment->header.account, segment->bytes)) {
    index_.remove_from_ram(victim);
    ++stats_.ram_evictions;
  }
  index_.add_to_ram(segment, bytes);
}

void PrefixCache::Parts::keep_on_disk(const SegmentRef& segment, const SharedSegment& bytes,
                                      std::vector<SegmentRef> victims) {
  if (!disk_) return;
  const bool taken =
      disk_->accepts() && disk_->has_queue_room(segment->bytes) && index_.disk().fits(segment->bytes);
  if (!taken) {
    if (!index_.disk().fits(segment->bytes))
      count(CacheError::kTooLarge);
    else if (disk_->accepts())
      count(CacheError::kQueueFull);
    return disk_->remove(std::move(victims));
  }
  std::ranges::copy(make_disk_room(segment->header.account, segment->bytes), std::back_inserter(victims));
  ++segment->write_number;
  index_.add_to_disk(segment);
  disk_->write(segment, bytes, std::move(victims));
}

// Makes room for another segment of the same key: one whose chain is broken, else it would have been found.
std::vector<SegmentRef> PrefixCache::Parts::forget_key(const Digest& key) {
  const SegmentRef old = index_.find(key);
  if (!old) return {};
  std::vector<SegmentRef> victims;
  if (old->ram) index_.remove_from_ram(old);
  if (old->on_disk()) {
    index_.remove_from_disk(old);
    victims.push_back(old);
  }
  return victims;
}

void PrefixCache::Parts::store(const CacheTenant& tenant, const SequenceState& state) {
  collect();
  if (state.position() == 0 || (state.draft_tokens() > 0) != identity_.draft_layer) return;
  const PrefixKeys keys = keys_of(tenant, state.tokens());
  SegmentChain chain = index_.longest_chain(keys, state.position());
  index_.touch(chain);
  const int64_t first = chain.empty() ? 0 : chain.back()->header.range.last;
  if (first == state.position()) {
    const SegmentRef& segment = chain.back();
    if (segment->ram && !segment->on_disk()) keep_on_disk(segment, segment->ram, {});
    return index_.touch(chain);
  }
  auto segment = std::make_shared<StoredSegment>();
  SegmentHeader& header = segment->header;
  header.fingerprint = identity_.fingerprint;
  header.numerics = numerics_;
  header.account = tenant.account;
  header.parent_key = keys.at(first);
  header.block_key = keys.block_key(keys.full_blocks());
  header.key = keys.at(state.position());
  header.range = {first, state.position(), state.draft_tokens()};
  auto encoded = encode_segment(header, state);
  if (!encoded.ok()) return count(CacheError::kOutOfMemory);
  segment->bytes = header.file_bytes();
  const auto bytes = std::make_shared<const SegmentBytes>(std::move(encoded).value());
  ++stats_.stored;
  std::vector<SegmentRef> victims = forget_key(header.key);
  keep_in_ram(segment, bytes);
  keep_on_disk(segment, bytes, std::move(victims));
  chain.push_back(segment);
  index_.touch(chain);
}

bool PrefixCache::Parts::is_same(const SegmentRef& segment, const PrefixKeys& keys,
                                 const ParsedSegment& parsed) const {
  const SegmentHeader& header = segment->header;
  const SegmentHeader& found = parsed.header;
  return found.key == header.key && found.parent_key == header.parent_key &&
         found.range.first == header.range.first && found.range.last == header.range.last &&
         found.fingerprint == identity_.fingerprint && found.numerics == numerics_ &&
         (found.range.draft_tokens > 0) == identity_.draft_layer &&
         std::ranges::equal(parsed.tokens, keys.tokens().subspan(static_cast<size_t>(found.range.first),
                                                                 parsed.tokens.size()));
}

// A segment that cannot be used is not asked for again; only a read that the system refused may go better.
void PrefixCache::Parts::drop(const SegmentRef& segment, CacheError error) {
  count(error);
  if (error == CacheError::kRead || error == CacheError::kOutOfMemory) return;
  if (segment->ram) index_.remove_from_ram(segment);
  if (!segment->on_disk()) return;
  index_.remove_from_disk(segment);
  if (error == CacheError::kUnusable) disk_->remove({segment});
}

bool PrefixCache::Parts::load(const SegmentRef& segment, const PrefixKeys& keys, LoadedSegment& out) {
  out.bytes = segment->ram;
  if (!out.bytes) {
    SegmentBytes bytes;
    if (const FileOutcome outcome = disk_->read(*segment, bytes)) {
      drop(segment, *outcome);
      return false;
    }
    out.bytes = std::make_shared<const SegmentBytes>(std::move(bytes));
  }
  auto parsed = parse_segment(bytes_of(*out.bytes), Checksum::kTrust);
  if (parsed.ok() && is_same(segment, keys, *parsed)) {
    out.parsed = std::move(parsed).value();
    if (!segment->ram) keep_in_ram(segment, out.bytes);
    return true;
  }
  // A file may have been replaced by another process that cut the same prefix differently.
  drop(segment, segment->ram ? CacheError::kUnusable : CacheError::kGone);
  return false;
}

// Restores the chain into the state; returns how many of its segments were good: all of them, or the number
// before the first bad one, which was dropped.
size_t PrefixCache::Parts::read_chain(const SegmentChain& chain, const PrefixKeys& keys,
                                      SequenceState& state) {
  SnapshotReader reader(state);
  LoadedSegment loaded;
  for (size_t i = 0; i < chain.size(); ++i) {
    if (!load(chain[i], keys, loaded)) return i;
    Status status = reader.append(loaded.parsed.snapshot());
    if (status.ok() && i + 1 == chain.size()) status = reader.finish(loaded.parsed.snapshot());
    if (status.ok()) continue;
    const bool memory = status.code() == StatusCode::kResourceExhausted;
    drop(chain[i], memory ? CacheError::kOutOfMemory : CacheError::kUnusable);
    return i;
  }
  return chain.size();
}

Result<CacheHit> PrefixCache::Parts::restore(const CacheTenant& tenant, std::span<const int32_t> tokens,
                                             SequenceState& state) {
  collect();
  state.clear();
  FATHOM_RETURN_IF_ERROR(state.reserve(static_cast<int64_t>(tokens.size())));
  const PrefixKeys keys = keys_of(tenant, tokens);
  SegmentChain chain = index_.longest_chain(keys, static_cast<int64_t>(tokens.size()));
  CacheHit hit;
  while (!chain.empty()) {
    index_.touch(chain);
    const bool in_ram = std::ranges::all_of(chain, [](const SegmentRef& s) { return s->ram != nullptr; });
    const size_t good = read_chain(chain, keys, state);
    if (good == chain.size()) {
      hit = {state.position(), in_ram ? CacheTier::kRam : CacheTier::kDisk};
      index_.touch(chain);
      break;
    }
    chain.resize(good);
    state.clear();
  }
  ++(hit.tokens > 0 ? stats_.hits : stats_.misses);
  stats_.hit_tokens += hit.tokens;
  return hit;
}

CacheStats PrefixCache::Parts::stats() {
  collect();
  CacheStats out = stats_;
  out.ram_bytes = index_.ram().bytes();
  out.ram_segments = index_.ram().segments();
  out.disk_bytes = index_.disk().bytes();
  out.disk_segments = index_.disk().segments();
  out.disk_on = disk_ != nullptr && disk_->on();
  return out;
}

PrefixCache::PrefixCache(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
PrefixCache::~PrefixCache() = default;

Result<std::unique_ptr<PrefixCache>> PrefixCache::create(const PrefixCacheOptions& options,
                                                         const ModelConfig& config,
                                                         const CacheIdentity& identity) {
  FATHOM_RETURN_IF_ERROR(check_options(options));
  auto parts = std::make_unique<Parts>(options, config, identity);
  if (!options.disk_dir.empty()) parts->open_disk(options);
  return std::unique_ptr<PrefixCache>(new PrefixCache(std::move(parts)));
}

Result<CacheHit> PrefixCache::restore(const CacheTenant& tenant, std::span<const int32_t> tokens,
                                      SequenceState& state) {
  return parts_->restore(tenant, tokens, state);
}
void PrefixCache::store(const CacheTenant& tenant, const SequenceState& state) {
  parts_->store(tenant, state);
}
std::vector<int64_t> PrefixCache::borders(const CacheTenant& tenant, std::span<const int32_t> prompt,
                                          int64_t from, std::span<const int64_t> ends) {
  return parts_->borders(tenant, prompt, from, ends);
}
int64_t PrefixCache::border_tokens() const noexcept { return parts_->block_tokens(); }
CacheStats PrefixCache::stats() { return parts_->stats(); }
void PrefixCache::flush() { parts_->flush(); }

}  // namespace fathom
