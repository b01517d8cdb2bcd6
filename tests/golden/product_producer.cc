// SPDX-License-Identifier: MIT
#include "golden/product_producer.h"

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <memory>

#include "engine/score.h"

namespace fathom {
namespace {

template <typename T>
reference::Matrix<T> matrix_of(MatView<const T> from) {
  reference::Matrix<T> out(from.rows, from.cols);
  for (int64_t row = 0; row < from.rows; ++row) std::copy_n(from.row(row), from.cols, out.row(row).begin());
  return out;
}

template <typename T>
reference::Matrix<T> matrix_of(const MatBuf<T>& from) {
  return matrix_of<T>(from.view());
}

void copy_trace(const ScoreOutput& scored, const ModelConfig& config, int64_t tokens,
                reference::Output<float>& out) {
  for (size_t i = 0; i <= config.layers.size(); ++i) {
    out.streams.push_back(
        matrix_of<float>(scored.streams.view().slice_rows(static_cast<int64_t>(i) * tokens, tokens)));
  }
  out.choices.resize(config.layers.size());
  for (const TracedChoice& choice : scored.experts) {
    if (choice.layer == "mtp.0") {
      out.mtp_choices.emplace();
      out.mtp_choices->experts = matrix_of(choice.chosen);
    } else {
      out.choices[std::stoi(choice.layer)].experts = matrix_of(choice.chosen);
    }
  }
  for (const TracedChoice& choice : scored.index) {
    out.choices[std::stoi(choice.layer)].entries.entries = matrix_of(choice.chosen);
  }
}

}  // namespace

Producer product_producer(const Checkpoint& checkpoint, int threads) {
  const auto model = std::make_shared<const Model>(checkpoint.config, checkpoint.weights);
  return [model, threads](std::span<const int32_t> tokens, const ForwardRequest& request) {
    const bool exact = request.rounding == reference::Rounding::kNone;
    const bool draft = request.mtp && model->weights.mtp.has_value();
    const auto count = static_cast<int64_t>(tokens.size());
    const auto scored = score(*model, MatView<const int32_t>(tokens.data(), 1, count),
                              {.threads = threads,
                               .rounding = exact ? Rounding::kNone : Rounding::kAsDeployed,
                               .chunk = request.chunk,
                               .draft = draft ? DraftLogits::kWanted : DraftLogits::kSkip,
                               .trace = request.trace ? Trace::kFirstSequence : Trace::kOff});
    if (!scored.ok()) {
      std::fprintf(stderr, "score: %s\n", std::string(scored.status().message()).c_str());
      std::abort();
    }
    reference::Output<float> out;
    out.logits = matrix_of(scored->logits);
    out.mtp_logits = matrix_of(scored->draft_logits);
    if (request.trace) copy_trace(*scored, model->config, count, out);
    return out;
  };
}

}  // namespace fathom
