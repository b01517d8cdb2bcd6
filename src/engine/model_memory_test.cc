// SPDX-License-Identifier: MIT
// What is left for the states of sequences (design.md 9).
#include "engine/model_memory.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "engine/loaded_model.h"

namespace fathom {
namespace {

using ::testing::HasSubstr;

constexpr int64_t kMiB = 1 << 20;

class StateBudget : public testing::Test {
 protected:
  StateBudget() : config_(opened()), parts_(model_memory(config_, 0, serving_.context, serving_.step)) {}

  static ModelConfig opened() {
    auto config = open_config(system_io(), "builtin:tiny-chat");
    if (!config.ok()) ADD_FAILURE() << config.status().message();
    return std::move(config).value();
  }
  // So much memory that 92 % of it are `usable` or a byte more.
  Result<int64_t> budget(int64_t usable) {
    serving_.memory_bytes = usable * 25 / 23 + 1;
    return state_budget(config_, serving_);
  }

  ServingMemory serving_ = {.fixed_bytes = 3 * kMiB,
                            .context = 1000,
                            .parallel = 4,
                            .step = {.batch_tokens = 128, .logit_rows = 40, .threads = 2}};
  ModelConfig config_;
  MemoryParts parts_;
};

TEST_F(StateBudget, IsAllFullContextsWhereTheyFit) {
  EXPECT_EQ(budget(int64_t{1} << 33).value(), 4 * parts_.state_bytes_per_sequence);
}

TEST_F(StateBudget, IsWhatBuffersAndCachesLeaveOtherwise) {
  const int64_t left = 2 * parts_.state_bytes_per_sequence + 12345;
  const auto found = budget(3 * kMiB + parts_.activation_bytes + left);
  ASSERT_TRUE(found.ok()) << found.status().message();
  EXPECT_NEAR(static_cast<double>(*found), static_cast<double>(left), 2.0);
}

TEST_F(StateBudget, OneSequenceMustFit) {
  const auto none = budget(3 * kMiB + parts_.activation_bytes + parts_.state_bytes_per_sequence / 2);
  EXPECT_EQ(none.status().code(), StatusCode::kResourceExhausted);
  EXPECT_THAT(none.status().message(), HasSubstr("are missing"));
}

}  // namespace
}  // namespace fathom
