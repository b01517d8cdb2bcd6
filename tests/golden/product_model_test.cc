// SPDX-License-Identifier: MIT
// The product's forward against every tiny checkpoint of fixtures/model, on the tier that FATHOM_ISA names.
#include <gtest/gtest.h>

#include <algorithm>
#include <string>

#include "golden/checkpoint.h"
#include "golden/golden_model.h"
#include "golden/product_producer.h"
#include "kernels/dispatch.h"

namespace fathom {
namespace {

class ProductModel : public testing::TestWithParam<std::string> {};

TEST_P(ProductModel, ThePassBarsHoldWholeAndInChunks) {
  SCOPED_TRACE(std::string("tier ") + kernels().name);
  const Checkpoint checkpoint = open_fixture_checkpoint(GetParam());
  for (const int chunk : {0, 1, 7}) {
    const FixtureFigures got = compare_with_fixture(GetParam(), product_producer(checkpoint, 2), chunk);
    EXPECT_TRUE(got.failures.empty()) << "chunk " << chunk << ": " << testing::PrintToString(got.failures);
    EXPECT_GT(got.exact.choices, 0);
  }
}

// Chunk borders and the number of threads must not show, to the last bit (design.md 10).
TEST_P(ProductModel, ChunksAndThreadsGiveTheSameBits) {
  const Checkpoint checkpoint = open_fixture_checkpoint(GetParam());
  std::vector<int32_t> tokens(41);
  for (size_t i = 0; i < tokens.size(); ++i) {
    tokens[i] = static_cast<int32_t>((i * i * 7 + 3) % static_cast<size_t>(checkpoint.config.vocab_size));
  }
  for (const auto rounding : {reference::Rounding::kAsDeployed, reference::Rounding::kNone}) {
    ForwardRequest request{.rounding = rounding, .chunk = 0, .mtp = true, .trace = true};
    const auto whole = product_producer(checkpoint, 1)(tokens, request);
    for (const int threads : {1, 2, 3}) {
      for (const int chunk : {0, 1, 3, 8, 40}) {
        request.chunk = chunk;
        const auto got = product_producer(checkpoint, threads)(tokens, request);
        EXPECT_EQ(got.logits.data, whole.logits.data) << threads << " threads, chunk " << chunk;
        EXPECT_EQ(got.mtp_logits.data, whole.mtp_logits.data) << threads << " threads, chunk " << chunk;
        EXPECT_EQ(got.streams.back().data, whole.streams.back().data);
      }
    }
  }
}

INSTANTIATE_TEST_SUITE_P(Fixtures, ProductModel, testing::ValuesIn(model_fixture_names()),
                         [](const auto& fixture) {
                           std::string name = fixture.param;
                           std::ranges::replace(name, '-', '_');
                           return name;
                         });

}  // namespace
}  // namespace fathom
