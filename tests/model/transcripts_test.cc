// SPDX-License-Identifier: MIT
// The golden transcripts of models/tiny-chat: made in binary64 with all round trips on. Following the
// reference ids, the product must choose the same token wherever the recorded margin is no near-tie (the
// model's README: 1.5, more than twice the largest change of a margin that float32 arithmetic was seen to
// make).
#include <gtest/gtest.h>

#include <algorithm>

#include "engine/generator.h"
#include "engine/loaded_model.h"
#include "engine/score.h"
#include "support/jsonl.h"

namespace fathom {
namespace {

constexpr double kNearTie = 1.5;

const LoadedModel& tiny_chat() {
  static const auto model = LoadedModel::open(system_io(), "builtin:tiny-chat");
  return **model;
}

std::vector<int32_t> ids_of(const JsonValue& line, std::string_view key) {
  std::vector<int32_t> ids;
  for (const JsonValue& item : line.find(key)->items()) ids.push_back(static_cast<int32_t>(*item.as_int64()));
  return ids;
}

int32_t best_token(std::span<const float> logits) {
  return static_cast<int32_t>(std::max_element(logits.begin(), logits.end()) - logits.begin());
}

TEST(Transcripts, EveryClearChoiceIsTheReferences) {
  int steps = 0;
  int near_ties = 0;
  int differing_near_ties = 0;
  for (const JsonValue& line : test::read_jsonl(FATHOM_SOURCE_DIR "/models/tiny-chat/transcripts.jsonl")) {
    std::vector<int32_t> tokens = ids_of(line, "prompt_ids");
    const auto prompt = static_cast<int64_t>(tokens.size());
    const std::vector<int32_t> ids = ids_of(line, "ids");
    tokens.insert(tokens.end(), ids.begin(), ids.end());
    const auto scored =
        score(tiny_chat().model(), MatView<const int32_t>(tokens.data(), 1, std::ssize(tokens)),
              {.threads = 2, .chunk = 64});
    ASSERT_TRUE(scored.ok()) << scored.status().message();
    for (size_t i = 0; i < ids.size(); ++i, ++steps) {
      const int32_t chosen = best_token(scored->logits.view().row_span(prompt - 1 + static_cast<int64_t>(i)));
      const double margin = *line.find("margins")->items()[i].as_double();
      if (margin > kNearTie) {
        EXPECT_EQ(chosen, ids[i]) << line.find("name")->as_string() << " step " << i << ", margin " << margin;
      } else {
        ++near_ties;
        differing_near_ties += chosen != ids[i] ? 1 : 0;
      }
    }
  }
  EXPECT_EQ(steps, 855);
  EXPECT_EQ(near_ties, 66);
  RecordProperty("differing_near_ties", differing_near_ties);
  std::printf("%d of %d near-ties (margin <= %.1f) went the other way\n", differing_near_ties, near_ties,
              kNearTie);
}

TEST(Transcripts, GreedyGenerationReproducesThem) {
  auto generator = Generator::create(tiny_chat().model(), {.threads = 2});
  ASSERT_TRUE(generator.ok());
  int reproduced = 0;
  int total = 0;
  for (const JsonValue& line : test::read_jsonl(FATHOM_SOURCE_DIR "/models/tiny-chat/transcripts.jsonl")) {
    const std::vector<int32_t> expected = ids_of(line, "ids");
    Request request;
    request.prompt = ids_of(line, "prompt_ids");
    request.max_tokens = std::ssize(expected);
    request.sampling.temperature = 0;
    request.stop_tokens = {1};
    std::vector<int32_t> got;
    const auto result = (*generator)
                            ->generate(request,
                                       [&](const GeneratedToken& token) {
                                         got.push_back(token.id);
                                         return true;
                                       },
                                       {});
    ASSERT_TRUE(result.ok()) << result.status().message();
    // Up to the first near-tie every token must be the same; after one the texts may part.
    const auto& margins = line.find("margins")->items();
    const auto tie = std::find_if(margins.begin(), margins.end(),
                                  [](const JsonValue& margin) { return *margin.as_double() <= kNearTie; });
    const auto clear = static_cast<size_t>(tie - margins.begin());
    ASSERT_GE(got.size(), clear);
    EXPECT_TRUE(std::equal(got.begin(), got.begin() + static_cast<ptrdiff_t>(clear), expected.begin()))
        << line.find("name")->as_string();
    reproduced += got == expected ? 1 : 0;
    ++total;
  }
  std::printf("%d of %d transcripts token for token\n", reproduced, total);
  EXPECT_EQ(total, 20);
  EXPECT_GE(reproduced, 18) << "the two stories hold most near-ties";
}

}  // namespace
}  // namespace fathom
