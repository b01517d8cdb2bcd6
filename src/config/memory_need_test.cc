// SPDX-License-Identifier: MIT
#include "config/memory_need.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "base/concat.h"
#include "config/state_bytes.h"
#include "io/directory.h"
#include "io/read_file.h"

namespace fathom {
namespace {

ModelConfig flash() {
  const Result<File> file =
      open_path(system_io(), concat(FATHOM_SOURCE_DIR, "/tests/fixtures/configs/flash.json"));
  return parse_model_config_text(read_file(*file, "flash.json", 1 << 20).value()).value();
}

TEST(MemoryNeed, FitsExactlyUpToItsLastByte) {
  const ModelConfig config = flash();
  const MemoryParts parts{
      .weights_bytes = 1'000'000, .activation_bytes = 70'001, .state_bytes_per_sequence = 19'000'003};
  const int64_t needed = 1'000'000 + 70'001 + 3 * int64_t{19'000'003};
  // The smallest memory whose 92 % hold the need.
  const int64_t memory = (needed * 100 + 91) / 92;
  const MemoryNeed fits = plan_memory(config, parts, {4096, 3, memory}).value();
  EXPECT_EQ(fits.needed_bytes, needed);
  EXPECT_EQ(fits.state_bytes, 3 * int64_t{19'000'003});
  EXPECT_EQ(fits.published_state_bytes, deployed_state_bytes(config, 4096));
  EXPECT_TRUE(fits.fits());
  const MemoryNeed not_quite = plan_memory(config, parts, {4096, 3, memory - 2}).value();
  EXPECT_FALSE(not_quite.fits());
  EXPECT_EQ(not_quite.missing_bytes, needed - not_quite.usable_bytes);
}

TEST(MemoryNeed, RequestsOutOfBoundsAreRefused) {
  const ModelConfig config = flash();
  for (const MemoryRequest& request :
       {MemoryRequest{0, 1, 1}, MemoryRequest{-1, 1, 1}, MemoryRequest{1048577, 1, 1},
        MemoryRequest{INT64_MAX, 1, 1}, MemoryRequest{1, 0, 1}, MemoryRequest{1, -1, 1},
        MemoryRequest{1, 1, 0}}) {
    EXPECT_EQ(check_memory_request(config, request).code(), StatusCode::kInvalidArgument);
  }
  EXPECT_TRUE(check_memory_request(config, {1048576, 1, 1}).ok());
  EXPECT_EQ(plan_memory(config, {1, 1, 4'000'000'000}, {1048576, INT64_MAX, INT64_MAX}).status().code(),
            StatusCode::kOutOfRange);
  EXPECT_EQ(plan_memory(config, {INT64_MAX, 1, 0}, {1048576, 1, 1}).status().code(), StatusCode::kOutOfRange);
}

TEST(MemoryNeed, JsonAndTextSayWhetherItFits) {
  const MemoryNeed need =
      plan_memory(flash(), {160'000'000'000, 1'000'000'000, 4'000'000'000}, {1048576, 2, 128'000'000'000})
          .value();
  EXPECT_FALSE(memory_need_json(need).find("fits")->as_bool());
  EXPECT_GT(*memory_need_json(need).find("missing_bytes")->as_int64(), 40'000'000'000);
  const std::string text = memory_need_text(need);
  EXPECT_THAT(text, testing::HasSubstr("does not fit"));
  EXPECT_THAT(text, testing::HasSubstr("160,000,000,000 B   160.00 GB\n"));
  EXPECT_THAT(memory_need_text(plan_memory(flash(), {1, 1, 1}, {1, 1, 1'000'000'000}).value()),
              testing::HasSubstr("fits"));
}

}  // namespace
}  // namespace fathom
