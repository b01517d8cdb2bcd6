// SPDX-License-Identifier: MIT
// The Nth allocation fails (reliability.md R-1), on whichever thread: nothing aborts, what is served is
// right, and the next use works. Its own binary, because it replaces operator new.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "cache/cache_fixture.h"
#include "cache/stamped_model.h"

namespace {

// Allocations until one fails; below 0 none does.
std::atomic<int64_t> left = -1;

void* take(std::size_t size, std::size_t alignment) noexcept {
  if (left.load() >= 0 && left.fetch_sub(1) == 0) return nullptr;
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

void* take_or_throw(std::size_t size, std::size_t alignment) {
  if (void* p = take(size, alignment)) return p;
  throw std::bad_alloc();
}

constexpr std::size_t kAlign = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return take_or_throw(size, kAlign); }
void* operator new[](std::size_t size) { return take_or_throw(size, kAlign); }
void* operator new(std::size_t size, std::align_val_t a) {
  return take_or_throw(size, static_cast<std::size_t>(a));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return take(size, kAlign); }
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return take(size, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace fathom {
namespace {

// Runs `use` with its Nth allocation failing; whether it still had allocations to come.
template <typename Use>
bool with_failure(int64_t n, Use use) {
  left = n;
  try {
    use();
  } catch (const std::bad_alloc&) {  // a border's business (design.md 17)
  }
  return left.exchange(-1) < 0;
}

class NoMemoryTest : public testing::Test {
 protected:
  NoMemoryTest() : directory_(testing::UnitTest::GetInstance()->current_test_info()->name()) {
    for (int branch = 0; branch < 4; ++branch) {
      tokens_.push_back(branch_tokens(70, 32, branch));
      states_.push_back(model_.evaluate(tokens_.back()));
      digests_.push_back(digest_of(states_.back()));
    }
  }

  PrefixCacheOptions options() const {
    return {.ram_bytes = 10'000, .disk_dir = directory_.path(), .disk_bytes = 1 << 24, .tenant_share = 1.0};
  }

  StampedModel model_;
  ScratchDirectory directory_;
  CacheTenant tenant_ = tenant("a");
  std::vector<std::vector<int32_t>> tokens_;
  std::vector<SequenceState> states_;
  std::vector<std::string> digests_;
};

TEST_F(NoMemoryTest, AnyAllocationOfTheCacheMayFail) {
  bool failed = true;
  int64_t n = 0;
  for (; failed; ++n) {
    std::filesystem::remove_all(directory_.path());
    const auto cache = open_cache(options(), model_.config());
    SequenceState state = model_.make_state();
    const PrefixCacheOptions again = options();
    const CacheIdentity identity = stamped_identity();
    int64_t found[4] = {};
    failed = with_failure(n, [&] {
      for (int i = 0; i < 3; ++i) cache->store(tenant_, states_[i]);
      cache->flush();
      const auto other = PrefixCache::create(again, model_.config(), identity);
      for (int i = 0; i < 4; ++i) {
        const auto hit = (other.ok() ? *other : cache)->restore(tenant_, tokens_[i], state);
        found[i] = hit.ok() ? hit->tokens : 0;
      }
    });
    // The next uses, of what is left and of what is stored now.
    for (int i = 0; i < 4; ++i) {
      const auto hit = cache->restore(tenant_, tokens_[i], state);
      ASSERT_TRUE(hit.ok());
      if (hit->tokens == 70) {
        ASSERT_EQ(digest_of(state), digests_[i]) << n;
      }
      cache->store(tenant_, states_[i]);
      ASSERT_EQ(cache->restore(tenant_, tokens_[i], state)->tokens, 70) << "allocation " << n << " of " << i;
      ASSERT_EQ(digest_of(state), digests_[i]) << n;
      ASSERT_TRUE(found[i] == 0 || found[i] == 70);
    }
  }
  EXPECT_GT(n, 200) << "every allocation had its turn";
}

TEST_F(NoMemoryTest, AnyAllocationOfAStateMayFail) {
  const std::string blob = saved(states_[0]);
  bool failed = true;
  int64_t n = 0;
  for (; failed; ++n) {
    SequenceState state = model_.evaluate(tokens_[1]);
    auto fork = state.fork(0);
    ASSERT_TRUE(fork.ok());
    const std::string before = digest_of(state);
    failed = with_failure(n, [&] {
      auto copy = state.fork(200);
      if (state.trim(66).ok()) ignore_status(state.reserve(400), "may fail");
      ignore_status(fork->restore(std::as_bytes(std::span(blob))), "may fail");
    });
    ASSERT_TRUE(state.position() == 66 || digest_of(state) == before) << n;
    ASSERT_TRUE(fork->restore(std::as_bytes(std::span(blob))).ok());
    ASSERT_EQ(digest_of(*fork), digests_[0]) << n;
  }
  EXPECT_GT(n, 30);
}

}  // namespace
}  // namespace fathom
