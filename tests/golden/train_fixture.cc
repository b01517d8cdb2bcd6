// SPDX-License-Identifier: MIT
#include "golden/train_fixture.h"

#include <cmath>

#include "io/io_env.h"
#include "weights/bind_model.h"

namespace fathom {

TrainFixture::TrainFixture(QuantisationAware formats) {
  const std::string directory = fixture_path("train");
  config_ = parse_model_config_text(read_config_text(system_io(), directory).value()).value();
  WeightStore store = WeightStore::open(system_io(), directory).value();
  const ModelWeights weights = bind_model(config_, store).value();
  set_.emplace(ParameterSet::create(config_, DraftModule::kPresent, formats).value());
  FATHOM_CHECK(set_->load(config_, weights).ok());
}

TrainingBatch TrainFixture::batch(BatchKind kind) const {
  const FixtureFile file("train/batch.safetensors");
  const std::span<const int32_t> tokens = file.i32("tokens");
  const size_t length = static_cast<size_t>(file.dim("tokens", 1));
  TrainingBatch batch;
  if (kind == BatchKind::kTwoSequences) {
    for (size_t first = 0; first < tokens.size(); first += length) {
      batch.begin_sequence();
      batch.add_document(tokens.subspan(first, length));
    }
    return batch;
  }
  size_t first = 0;
  for (const int32_t document : file.i32("doc_lengths")) {
    batch.add_document(tokens.subspan(first, static_cast<size_t>(document)));
    first += static_cast<size_t>(document);
  }
  return batch;
}

TrainFixture::Run TrainFixture::run(const LossCoefficients& coefficients, const PassOptions& options,
                                    const TrainingBatch& batch, int threads) {
  PassOptions sized = options;
  sized.rows = batch.rows();
  sized.workers = threads;
  const auto pool = ThreadPool::create(threads).value();
  GradientPass pass = GradientPass::create(config_, set_->weights, sized).value();
  StepCounts counts;
  counts.add(batch, config_);
  Run result{{}, pass.no_loads()};
  set_->clear_gradients();
  const Status status =
      pass.run(*pool, batch, counts, coefficients, {set_->gradients, result.losses, result.loads});
  FATHOM_CHECK(status.ok());
  return result;
}

double relative_difference(std::span<const float> a, std::span<const float> b) {
  double difference = 0.0;
  double norm = 0.0;
  for (size_t i = 0; i < a.size(); ++i) {
    difference += std::pow(static_cast<double>(a[i]) - b[i], 2);
    norm += std::pow(static_cast<double>(b[i]), 2);
  }
  return std::sqrt(difference / norm);
}

}  // namespace fathom
