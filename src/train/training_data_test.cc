// SPDX-License-Identifier: MIT
// The order of training sequences, and the token files behind it (training.md 10, reliability.md T-6).
#include "train/training_data.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <map>
#include <memory>

#include "base/concat.h"
#include "tests/support/jsonl.h"

namespace fathom {
namespace {

namespace fs = std::filesystem;
using ::testing::HasSubstr;

class TrainingDataTest : public testing::Test {
 protected:
  TrainingDataTest() : root_(fs::path(testing::TempDir()) / "training_data"), text_(load_text()) {
    fs::remove_all(root_);
    fs::create_directories(root_ / "cache");
    auto loaded = Tokenizer::from_json(text_);
    if (!loaded.ok()) ADD_FAILURE() << loaded.status().message();
    tokenizer_ = std::make_unique<Tokenizer>(std::move(loaded).value());
    markers_ = std::make_unique<MarkerIds>(*tokenizer_);
  }
  ~TrainingDataTest() override { fs::remove_all(root_); }

  static std::string load_text() {
    return test::read_text_file(FATHOM_SOURCE_DIR "/models/tiny-chat/tokenizer.json");
  }

  // `count` documents of differing length, each of which names itself.
  std::string lines(const std::string& name, int count) {
    const std::string path = root_ / (name + ".jsonl");
    std::ofstream out(path);
    for (int i = 0; i < count; ++i) {
      out << "{\"text\": \"" << name << " " << i;
      for (int k = 0; k < i % 23; ++k) out << " and";
      out << "\"}\n";
    }
    return path;
  }

  Result<TrainingData> open(const DataOptions& options) {
    return TrainingData::open(system_io(), options, {*tokenizer_, *markers_},
                              sha256({std::as_bytes(std::span(text_))}));
  }
  TrainingData opened(const DataOptions& options) {
    auto data = open(options);
    if (!data.ok()) ADD_FAILURE() << data.status().message();
    return std::move(data).value();
  }
  DataOptions options(std::vector<DataSource> sources) {
    return {
        .sources = std::move(sources), .cache_directory = root_ / "cache", .sequence_tokens = 96, .seed = 5};
  }
  std::string text(const std::vector<DocumentView>& documents) const {
    std::string out;
    for (const DocumentView& document : documents) out += tokenizer_->decode(document.ids) + "\n";
    return out;
  }

  fs::path root_;
  std::string text_;
  std::unique_ptr<Tokenizer> tokenizer_;
  std::unique_ptr<MarkerIds> markers_;
};

TEST_F(TrainingDataTest, ASequenceIsAFunctionOfItsIndex) {
  const DataOptions both = options({{lines("alpha", 60), 3.0}, {lines("beta", 25), 1.0}});
  TrainingData in_order = opened(both);
  std::vector<std::string> texts;
  for (int64_t i = 0; i < 80; ++i) texts.push_back(text(in_order.sequence(i)));
  TrainingData jumping = opened(both);
  for (const int64_t i : {79, 3, 40, 39, 0, 78, 5, 5}) EXPECT_EQ(text(jumping.sequence(i)), texts[i]) << i;
  EXPECT_EQ(in_order.digest(), jumping.digest());

  DataOptions reseeded = both;
  reseeded.seed = 6;
  TrainingData other = opened(reseeded);
  EXPECT_NE(text(other.sequence(0)) + text(other.sequence(1)), texts[0] + texts[1]);
  EXPECT_NE(other.digest(), in_order.digest());
}

TEST_F(TrainingDataTest, AnEpochHoldsEveryDocumentOnce) {
  TrainingData data = opened(options({{lines("alpha", 60)}}));
  std::map<std::string, int> seen;
  int64_t sequences = 0;
  while (seen.size() < 60) {
    for (const DocumentView& document : data.sequence(sequences++)) ++seen[tokenizer_->decode(document.ids)];
    ASSERT_LT(sequences, 200);
  }
  std::string first_epoch;
  for (const auto& [document, count] : seen) EXPECT_EQ(count, 1) << document;
  for (int64_t i = 0; i < sequences; ++i) first_epoch += text(data.sequence(i));
  std::string second_epoch;
  for (int64_t i = sequences; i < 2 * sequences; ++i) {
    for (const DocumentView& document : data.sequence(i)) ++seen[tokenizer_->decode(document.ids)];
    second_epoch += text(data.sequence(i));
  }
  for (const auto& [document, count] : seen) EXPECT_EQ(count, 2) << document;
  EXPECT_NE(first_epoch, second_epoch);
}

TEST_F(TrainingDataTest, EverySourceHasItsShareOfEveryStretch) {
  TrainingData data = opened(options({{lines("alpha", 60), 3.0}, {lines("beta", 25), 1.0}}));
  int alphas = 0;
  for (int64_t i = 1; i <= 200; ++i) {
    alphas += tokenizer_->decode(data.sequence(i - 1)[0].ids).find("alpha") != std::string::npos;
    EXPECT_NEAR(alphas, 0.75 * static_cast<double>(i), 1.0);
  }
}

TEST_F(TrainingDataTest, HeldOutDocumentsAreNeverTrainedOn) {
  DataOptions split = options({{lines("alpha", 400)}});
  split.validation_fraction = 0.2;
  TrainingData data = opened(split);
  std::map<std::string, int> held_out;
  for (int64_t i = 0; i < data.validation_sequences(); ++i) {
    for (const DocumentView& document : data.validation_sequence(i))
      ++held_out[tokenizer_->decode(document.ids)];
  }
  // 400 draws at 0.2: five standard deviations are 40.
  EXPECT_NEAR(static_cast<double>(held_out.size()), 80.0, 40.0);
  for (int64_t i = 0; i < 200; ++i) {
    for (const DocumentView& document : data.sequence(i)) {
      EXPECT_EQ(held_out.count(tokenizer_->decode(document.ids)), 0u);
    }
  }
}

TEST_F(TrainingDataTest, ATokenFileIsMadeOnceAndAgainWhenInDoubt) {
  const std::string path = lines("alpha", 30);
  const DataOptions one = options({{path}});
  const std::string before = text(opened(one).sequence(0));
  std::vector<fs::path> files;
  for (const auto& entry : fs::directory_iterator(root_ / "cache")) files.push_back(entry.path());
  ASSERT_EQ(files.size(), 1u);
  const auto made = fs::last_write_time(files[0]);
  EXPECT_EQ(text(opened(one).sequence(0)), before);
  EXPECT_EQ(fs::last_write_time(files[0]), made);

  const std::string whole = test::read_text_file(files[0]);
  for (const size_t length : {size_t{0}, size_t{7}, whole.size() / 2, whole.size() - 1}) {
    std::ofstream(files[0], std::ios::binary | std::ios::trunc) << whole.substr(0, length);
    EXPECT_EQ(text(opened(one).sequence(0)), before) << length;
    EXPECT_EQ(test::read_text_file(files[0]), whole);
  }
  const Digest of_thirty = opened(one).digest();
  lines("alpha", 31);
  EXPECT_NE(opened(one).digest(), of_thirty);
}

TEST_F(TrainingDataTest, OptionsOutOfRangeAreRefused) {
  const std::string path = lines("alpha", 5);
  const auto refused = [&](auto change, const char* words) {
    DataOptions bad = options({{path}});
    change(bad);
    const auto data = open(bad);
    EXPECT_EQ(data.status().code(), StatusCode::kInvalidArgument);
    EXPECT_THAT(data.status().message(), HasSubstr(words));
  };
  refused([](DataOptions& o) { o.sources.clear(); }, "data.sources: expected at least one");
  refused([](DataOptions& o) { o.sources[0].weight = 0; }, "data.weight: expected a number above 0");
  refused([](DataOptions& o) { o.sources[0].weight = NAN; }, "data.weight");
  refused([](DataOptions& o) { o.sequence_tokens = 1; }, "data.sequence_tokens: expected 2 to");
  refused([](DataOptions& o) { o.validation_fraction = 1; }, "data.validation_fraction");
  refused([this](DataOptions& o) { o.sources[0].path = lines("none", 0); }, "expected at least one document");
}

}  // namespace
}  // namespace fathom
