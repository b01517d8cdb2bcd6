// SPDX-License-Identifier: MIT
// `fathom gradients`: a loss and its derivative by every parameter, as a safetensors file (conformance.md;
// training.md 2, 3).
#include <algorithm>
#include <charconv>
#include <optional>

#include "apps/commands.h"
#include "apps/standard_streams.h"
#include "apps/token_input.h"
#include "base/concat.h"
#include "engine/compute.h"
#include "engine/loaded_model.h"
#include "train/gradient_pass.h"
#include "train/parameter_set.h"
#include "weights/tensor_list.h"

namespace fathom {
namespace {

Status wrong_option(std::string_view option, std::string_view expected, std::string_view found) {
  return Status(StatusCode::kInvalidArgument,
                concat(option, ": expected ", expected, ", found \"", found, "\""));
}

std::vector<std::string_view> split(std::string_view text, char separator) {
  std::vector<std::string_view> parts;
  while (true) {
    const size_t end = text.find(separator);
    parts.push_back(text.substr(0, end));
    if (end == std::string_view::npos) return parts;
    text.remove_prefix(end + 1);
  }
}

std::optional<double> number(std::string_view text) {
  double value = 0.0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size() || !(value >= 0.0 && value <= 1e6)) return {};
  return value;
}

struct WantedLoss {
  LossCoefficients coefficients{.lm = 0.0};
  std::optional<CsaAttention> attention;  // what indexer=C:dense or :sparse said
};

// "lm,mtp=0.3,indexer=0.01:dense,balance=1e-4": a name alone has coefficient 1.
Result<WantedLoss> parse_loss(std::string_view text) {
  WantedLoss wanted;
  LossCoefficients& c = wanted.coefficients;
  for (std::string_view term : split(text, ',')) {
    const std::string_view whole = term;
    const size_t colon = term.find(':');
    const std::string_view mode = colon == std::string_view::npos ? "" : term.substr(colon + 1);
    term = term.substr(0, colon);
    const size_t equals = term.find('=');
    const auto value = equals == std::string_view::npos ? 1.0 : number(term.substr(equals + 1));
    const std::string_view name = term.substr(0, equals);
    double* place = name == "lm"        ? &c.lm
                    : name == "mtp"     ? &c.mtp
                    : name == "indexer" ? &c.index
                    : name == "balance" ? &c.balance
                                        : nullptr;
    if (place == nullptr || !value || (colon != std::string_view::npos && name != "indexer")) {
      return wrong_option("--loss", "lm, mtp, indexer (:dense or :sparse) or balance, each with =COEFFICIENT",
                          whole);
    }
    *place = *value;
    if (mode == "dense") {
      wanted.attention = CsaAttention::kDense;
    } else if (mode == "sparse") {
      wanted.attention = CsaAttention::kSparse;
    } else if (colon != std::string_view::npos) {
      return wrong_option("--loss", "indexer=C:dense or indexer=C:sparse", whole);
    }
  }
  return wanted;
}

Result<QuantisationAware> parse_qat(std::string_view text) {
  QuantisationAware formats;
  if (text.empty()) return formats;
  for (const std::string_view word : split(text, ',')) {
    if (word == "fp8") {
      formats.fp8 = true;
    } else if (word == "fp4") {
      formats.fp4 = true;
    } else {
      return wrong_option("--qat", "fp4, fp8 or both", word);
    }
  }
  return formats;
}

// The file's sequences as documents; sequence 0 alone where doc_lengths says how it is packed.
Result<TrainingBatch> read_batch(const std::string& path, const ModelConfig& config) {
  FATHOM_ASSIGN_OR_RETURN(const TokenInput file, read_token_input(path, config.vocab_size));
  TrainingBatch batch;
  const auto tokens = file.tokens.view();
  if (file.doc_lengths.empty()) {
    for (int64_t sequence = 0; sequence < tokens.rows; ++sequence) {
      batch.begin_sequence();
      batch.add_document(tokens.row_span(sequence));
    }
    return batch;
  }
  int64_t first = 0;
  for (const int32_t length : file.doc_lengths) {
    batch.add_document(tokens.row_span(0).subspan(static_cast<size_t>(first), static_cast<size_t>(length)));
    first += length;
  }
  return batch;
}

std::string result_file(const ParameterSet& set, const MatBuf<float>& loss) {
  TensorList out;
  out.add("loss", Dtype::kF32, {1}, loss);
  for (const Parameter& p : set.parameters) {
    const std::span<const float> gradient(p.gradient.data(), p.gradient.size_bytes() / sizeof(float));
    const bool zero = std::all_of(gradient.begin(), gradient.end(), [](float g) { return g == 0.0F; });
    if (!zero) out.add(concat("grad.", p.name), Dtype::kF32, p.shape, p.gradient);
  }
  return out.bytes();
}

}  // namespace

Status run_gradients(const GradientsCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const Compute compute,
                          configure_compute(command.compute.isa, command.compute.threads));
  FATHOM_ASSIGN_OR_RETURN(const WantedLoss wanted, parse_loss(command.loss));
  FATHOM_ASSIGN_OR_RETURN(const QuantisationAware formats, parse_qat(command.qat));
  if (command.dense && wanted.attention == CsaAttention::kSparse) {
    return wrong_option("--loss", "indexer=C:dense with --dense", command.loss);
  }
  FATHOM_ASSIGN_OR_RETURN(const auto loaded, LoadedModel::open(system_io(), command.model));
  const ModelConfig& config = loaded->model().config;
  FATHOM_ASSIGN_OR_RETURN(const TrainingBatch batch, read_batch(command.tokens_file, config));
  const DraftModule draft = loaded->model().weights.mtp ? DraftModule::kPresent : DraftModule::kAbsent;
  FATHOM_ASSIGN_OR_RETURN(ParameterSet set, ParameterSet::create(config, draft, formats));
  FATHOM_RETURN_IF_ERROR(set.load(config, loaded->model().weights));

  const bool dense = command.dense || wanted.attention == CsaAttention::kDense;
  FATHOM_ASSIGN_OR_RETURN(
      GradientPass pass,
      GradientPass::create(config, set.weights,
                           {.rows = batch.rows(),
                            .workers = compute.threads,
                            .attention = dense ? CsaAttention::kDense : CsaAttention::kSparse,
                            .rounding = formats.any() ? Rounding::kAsDeployed : Rounding::kNone}));
  FATHOM_ASSIGN_OR_RETURN(const auto pool, ThreadPool::create(compute.threads));
  StepCounts counts;
  counts.add(batch, config);
  LossValues losses;
  ExpertLoads loads = pass.no_loads();
  FATHOM_RETURN_IF_ERROR(pass.run(*pool, batch, counts, wanted.coefficients, {set.gradients, losses, loads}));
  FATHOM_ASSIGN_OR_RETURN(MatBuf<float> loss, MatBuf<float>::allocate(1, 1));
  loss.data()[0] = static_cast<float>(losses.total(wanted.coefficients));
  return write_output(command.out_file, result_file(set, loss));
}

}  // namespace fathom
