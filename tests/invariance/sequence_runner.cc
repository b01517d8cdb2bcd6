// SPDX-License-Identifier: MIT
#include "invariance/sequence_runner.h"

#include <algorithm>
#include <cstring>
#include <utility>

#include "base/check.h"

namespace fathom {
namespace {

template <typename T>
T value_of(Result<T> result) {
  FATHOM_CHECK(result.ok());
  return std::move(result).value();
}

void copy_rows(MatView<const float> from, reference::Matrix<float>& to, int64_t first) {
  for (int64_t row = 0; row < from.rows; ++row) {
    std::copy_n(from.row(row), from.cols, to.row(first + row).begin());
  }
}

}  // namespace

LoadedRandomModel::LoadedRandomModel(RandomModel files)
    : files_(std::move(files)),
      checkpoint_(open_checkpoint_in_memory(files_.config_text, files_.safetensors)),
      model_(checkpoint_.config, checkpoint_.weights) {}

bool same_rows(const reference::Matrix<float>& a, const reference::Matrix<float>& b) {
  if (a.cols != b.cols && a.rows > 0 && b.rows > 0) return false;
  const size_t count = std::min(a.data.size(), b.data.size());
  return count == 0 || std::memcmp(a.data.data(), b.data.data(), count * sizeof(float)) == 0;
}

SequenceRunner::SequenceRunner(const LoadedRandomModel& model, const Options& options)
    : model_(model),
      options_(options),
      pool_(value_of(ThreadPool::create(options.threads))),
      acts_(value_of(Activations::create(
          model.config(),
          {.batch_tokens = options.batch, .logit_rows = options.batch, .workers = options.threads}))),
      state_(value_of(SequenceState::create(
          model.config(), options.tokens,
          options.rounding == Rounding::kNone ? RowPrecision::kF32 : options.precision))) {}

SequenceLogits SequenceRunner::run(std::span<const int32_t> tokens, int64_t chunk) {
  std::vector<int64_t> chunks;
  const auto count = static_cast<int64_t>(tokens.size());
  for (int64_t first = 0; first < count; first += chunk) chunks.push_back(std::min(chunk, count - first));
  return run(tokens, chunks);
}

SequenceLogits SequenceRunner::run(std::span<const int32_t> tokens, std::span<const int64_t> chunks) {
  state_.clear();
  const auto count = static_cast<int64_t>(tokens.size());
  const bool draft = model_.draft() == DraftLayer::kRun;
  SequenceLogits out;
  out.logits = reference::Matrix<float>(count, model_.config().vocab_size);
  out.draft = reference::Matrix<float>(draft ? count - 1 : 0, model_.config().vocab_size);
  const ForwardOptions options{.rounding = options_.rounding, .draft = model_.draft()};
  for (const int64_t chunk : chunks) {
    const int64_t position = state_.position();
    const SequenceSpan span{&state_, tokens.subspan(position, chunk), LogitsWanted::kAll};
    const StepOutput step = forward(model_.model(), *pool_, options, {&span, 1}, acts_);
    copy_rows(step.logits, out.logits, position);
    if (draft) copy_rows(step.draft_logits, out.draft, std::max<int64_t>(0, position - 1));
  }
  FATHOM_CHECK(state_.position() == count);
  return out;
}

}  // namespace fathom
