// SPDX-License-Identifier: MIT
// No allocation per decoded token: counts operator new while the generator decodes (design.md rule 6); and
// what a model is planned with against what it takes (design.md 9).
#include <gtest/gtest.h>

#include <atomic>
#include <cstdlib>
#include <new>

#include "config/model_config.h"
#include "engine/generator.h"
#include "engine/loaded_model.h"
#include "engine/model_memory.h"
#include "io/directory.h"
#include "io/read_file.h"
#include "model/activations.h"

namespace {

std::atomic<int64_t> allocations = 0;
std::atomic<int64_t> allocated_bytes = 0;

void* counted(std::size_t size, std::size_t alignment) {
  allocations.fetch_add(1, std::memory_order_relaxed);
  allocated_bytes.fetch_add(static_cast<int64_t>(size), std::memory_order_relaxed);
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

ModelConfig flash() {
  const auto file = open_path(system_io(), FATHOM_SOURCE_DIR "/tests/fixtures/configs/flash.json");
  return parse_model_config_text(read_file(*file, "flash.json", 1 << 20).value()).value();
}

// What `make` takes beyond `planned`, as a share of it.
template <typename Make>
double beyond_plan(int64_t planned, const Make& make) {
  const int64_t before = allocated_bytes.load();
  const auto made = make();
  EXPECT_TRUE(made.ok());
  return static_cast<double>(allocated_bytes.load() - before) / static_cast<double>(planned) - 1.0;
}

TEST(Allocation, ActivationsAndStatesTakeWhatIsPlannedForThem) {
  const ModelConfig config = flash();
  constexpr StepMemory kStep{.batch_tokens = 96, .logit_rows = 3, .threads = 2};
  constexpr int64_t kContext = 20'000;
  const MemoryParts parts = model_memory(config, 0, kContext, kStep);
  const double activations = beyond_plan(parts.activation_bytes, [&] {
    return Activations::create(config, {.batch_tokens = 96, .logit_rows = 3, .workers = 2});
  });
  EXPECT_GE(activations, 0.0);
  EXPECT_LT(activations, 1e-4);
  const double state = beyond_plan(parts.state_bytes_per_sequence, [&] {
    return SequenceState::create(config, kContext, RowPrecision::kPacked);
  });
  EXPECT_GE(state, 0.0);
  // The owners of pages: some 100 bytes for each of 20 KB.
  EXPECT_LT(state, 0.02);
}

}  // namespace
}  // namespace fathom
