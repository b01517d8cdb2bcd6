// SPDX-License-Identifier: MIT
// No allocation per decoded token: counts operator new while the generator decodes (design.md rule 6).
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "engine/generator.h"
#include "engine/loaded_model.h"

namespace {

std::atomic<int64_t> allocations = 0;

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  const std::size_t rounded = (size + alignment - 1) / alignment * alignment;
  return std::aligned_alloc(alignment, rounded == 0 ? alignment : rounded);
}

void* counted_or_throw(std::size_t size, std::size_t alignment) {
  if (void* p = counted(size, alignment)) return p;
  throw std::bad_alloc();
}

constexpr std::size_t kAlign = alignof(std::max_align_t);

}  // namespace

void* operator new(std::size_t size) { return counted_or_throw(size, kAlign); }
void* operator new[](std::size_t size) { return counted_or_throw(size, kAlign); }
void* operator new(std::size_t size, std::align_val_t a) {
  return counted_or_throw(size, static_cast<std::size_t>(a));
}
void* operator new(std::size_t size, const std::nothrow_t&) noexcept { return counted(size, kAlign); }
void* operator new(std::size_t size, std::align_val_t a, const std::nothrow_t&) noexcept {
  return counted(size, static_cast<std::size_t>(a));
}
void operator delete(void* p) noexcept { std::free(p); }
void operator delete[](void* p) noexcept { std::free(p); }
void operator delete(void* p, std::size_t) noexcept { std::free(p); }
void operator delete[](void* p, std::size_t) noexcept { std::free(p); }
void operator delete(void* p, std::align_val_t) noexcept { std::free(p); }
void operator delete(void* p, std::size_t, std::align_val_t) noexcept { std::free(p); }

namespace fathom {
namespace {

TEST(Allocation, DecodingATokenAllocatesNothing) {
  const auto loaded = LoadedModel::open(system_io(), "builtin:tiny-chat");
  ASSERT_TRUE(loaded.ok());
  auto generator = Generator::create((*loaded)->model(), {.threads = 2});
  ASSERT_TRUE(generator.ok());
  for (const double temperature : {0.0, 0.8}) {
    Request request;
    for (int32_t i = 0; i < 100; ++i) request.prompt.push_back(300 + i);
    request.max_tokens = 300;  // past every window, entry and page border of the first 400 positions
    request.sampling = {.temperature = temperature, .top_k = 50, .top_p = 0.9, .seed = 3};
    int64_t at_first_token = 0;
    int64_t at_last_token = 0;
    const auto result = (*generator)
                            ->generate(request,
                                       [&](const GeneratedToken&) {
                                         at_last_token = allocations.load();
                                         if (at_first_token == 0) at_first_token = at_last_token;
                                         return true;
                                       },
                                       {});
    ASSERT_TRUE(result.ok());
    EXPECT_EQ(result->output_tokens, 300);
    EXPECT_EQ(at_last_token - at_first_token, 0) << "temperature " << temperature;
  }
}

}  // namespace
}  // namespace fathom
