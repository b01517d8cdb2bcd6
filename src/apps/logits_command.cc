// SPDX-License-Identifier: MIT
// `fathom logits`: the forward pass from token ids to a safetensors file (conformance.md).
#include <algorithm>

#include "apps/commands.h"
#include "apps/reference_logits.h"
#include "apps/standard_streams.h"
#include "base/concat.h"
#include "engine/compute.h"
#include "engine/loaded_model.h"
#include "engine/score.h"
#include "weights/safetensors_writer.h"

namespace fathom {
namespace {

// `tokens` I32 [B, T] of a safetensors file, in place.
Result<MatBuf<int32_t>> read_tokens(const std::string& path) {
  FATHOM_ASSIGN_OR_RETURN(const std::string bytes, read_input(path));
  const auto parsed = SafetensorsFile::parse(std::as_bytes(std::span(bytes)));
  if (!parsed.ok()) return parsed.status().in(path);
  const StoredTensor* tokens = parsed->find("tokens");
  if (tokens == nullptr)
    return Status(StatusCode::kNotFound, concat(path, ": expected a tensor tokens, found none"));
  if (tokens->dtype != Dtype::kI32 || tokens->shape.size() != 2) {
    return Status(StatusCode::kInvalidArgument,
                  concat(path, ": tokens: expected I32[B,T], found ",
                         dtype_and_shape(dtype_name(tokens->dtype), tokens->shape)));
  }
  FATHOM_ASSIGN_OR_RETURN(auto out, MatBuf<int32_t>::allocate(tokens->shape[0], tokens->shape[1]));
  std::copy(tokens->bytes.begin(), tokens->bytes.end(), reinterpret_cast<std::byte*>(out.data()));
  return out;
}

// The tensors of the answer; shapes live here because StoredTensor only views them.
class TensorList {
 public:
  template <typename T>
  void add(std::string name, Dtype dtype, std::vector<int64_t> shape, const MatBuf<T>& data) {
    items_.push_back({std::move(name), dtype, std::move(shape),
                      std::as_bytes(std::span(data.data(), data.size_bytes() / sizeof(T)))});
  }

  std::string bytes() const {
    std::vector<StoredTensor> views;
    for (const Item& item : items_) views.push_back({item.name, item.dtype, item.shape, item.bytes});
    return safetensors_bytes(views);
  }

 private:
  struct Item {
    std::string name;
    Dtype dtype;
    std::vector<int64_t> shape;
    std::span<const std::byte> bytes;
  };
  std::vector<Item> items_;
};

void add_choices(TensorList& out, std::string_view kind, const std::vector<TracedChoice>& choices) {
  for (const TracedChoice& choice : choices) {
    out.add(concat(kind, ".", choice.layer, ".chosen"), Dtype::kI32,
            {choice.chosen.rows(), choice.chosen.cols()}, choice.chosen);
  }
}

std::string result_file(const ScoreOutput& scored, const ModelConfig& config, MatView<const int32_t> tokens,
                        const ScoreOptions& options) {
  TensorList out;
  out.add("logits", Dtype::kF32, {tokens.rows, tokens.cols, config.vocab_size}, scored.logits);
  if (options.draft == DraftLogits::kWanted) {
    out.add("mtp_logits", Dtype::kF32, {tokens.rows, tokens.cols - 1, config.vocab_size},
            scored.draft_logits);
  }
  if (options.trace == Trace::kFirstSequence) {
    out.add("streams", Dtype::kF32,
            {static_cast<int64_t>(config.layers.size()) + 1, tokens.cols, config.hc_mult, config.hidden_size},
            scored.streams);
    add_choices(out, "router", scored.experts);
    add_choices(out, "indexer", scored.index);
  }
  return out.bytes();
}

}  // namespace

Status run_logits(const LogitsCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const Compute compute,
                          configure_compute(command.compute.isa, command.compute.threads));
  FATHOM_ASSIGN_OR_RETURN(const auto tokens, read_tokens(command.tokens_file));
  FATHOM_ASSIGN_OR_RETURN(const auto loaded, LoadedModel::open(system_io(), command.model));
  const ScoreOptions options{.threads = compute.threads,
                             .rounding = command.exact ? Rounding::kNone : Rounding::kAsDeployed,
                             .chunk = command.chunk,
                             .draft = command.mtp ? DraftLogits::kWanted : DraftLogits::kSkip,
                             .trace = command.trace ? Trace::kFirstSequence : Trace::kOff};
  FATHOM_ASSIGN_OR_RETURN(const ScoreOutput scored,
                          command.reference ? score_with_reference(loaded->model(), tokens.view(), options)
                                            : score(loaded->model(), tokens.view(), options));
  return write_output(command.out_file, result_file(scored, loaded->model().config, tokens.view(), options));
}

}  // namespace fathom
