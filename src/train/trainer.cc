// SPDX-License-Identifier: MIT
#include "train/trainer.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "base/concat.h"
#include "io/atomic_file.h"
#include "io/directory.h"
#include "io/read_file.h"
#include "train/hash_table.h"
#include "train/initialise.h"
#include "train/report.h"
#include "weights/bind_model.h"

namespace fathom {
namespace {

constexpr int64_t kMaxTokenizerBytes = int64_t{64} << 20;
constexpr int64_t kMaxSkippedInARow = 10;
// Sequences whose tokens decide the tables of hash layers.
constexpr int64_t kSampledSequences = 256;

Result<std::string> read_text(IoEnv& env, const std::string& path, int64_t max_bytes) {
  FATHOM_ASSIGN_OR_RETURN(const File file, open_path(env, path));
  return read_file(file, path, max_bytes);
}

// Makes a directory and those above it.
Status make_directories(IoEnv& env, const std::string& path) {
  for (size_t end = path.find('/', 1);; end = path.find('/', end + 1)) {
    FATHOM_RETURN_IF_ERROR(make_directory(env, path.substr(0, end)));
    if (end == std::string::npos) return {};
  }
}

// Largest over mean load of a router; 0 without tokens.
double load_ratio(const std::vector<int64_t>& loads) {
  const int64_t total = std::accumulate(loads.begin(), loads.end(), int64_t{0});
  const int64_t most = *std::max_element(loads.begin(), loads.end());
  return total == 0
             ? 0.0
             : static_cast<double>(most) * static_cast<double>(loads.size()) / static_cast<double>(total);
}

std::string bias_name(const ModelConfig& config, size_t router) {
  return router < config.layers.size() ? concat("layers.", router, ".ffn.gate.bias") : "mtp.0.ffn.gate.bias";
}

}  // namespace

Result<std::unique_ptr<Trainer>> Trainer::open(IoEnv& env, const Recipe& recipe,
                                               const TrainerOptions& options, RunStart start) {
  std::unique_ptr<Trainer> trainer(new Trainer(env, recipe, options));
  FATHOM_ASSIGN_OR_RETURN(trainer->pool_, ThreadPool::create(options.threads));
  FATHOM_RETURN_IF_ERROR(trainer->open_model());
  FATHOM_RETURN_IF_ERROR(trainer->open_data());
  FATHOM_RETURN_IF_ERROR(trainer->start_run(start));
  return trainer;
}

Status Trainer::open_model() {
  FATHOM_ASSIGN_OR_RETURN(config_text_, read_text(env_, recipe_.config_file, kMaxConfigBytes));
  FATHOM_ASSIGN_OR_RETURN(config_, parse_model_config_text(config_text_));
  FATHOM_ASSIGN_OR_RETURN(tokenizer_text_, read_text(env_, recipe_.tokenizer_file, kMaxTokenizerBytes));
  FATHOM_ASSIGN_OR_RETURN(Tokenizer tokenizer, Tokenizer::from_json(tokenizer_text_));
  tokenizer_.emplace(std::move(tokenizer));
  if (tokenizer_->size() > config_.vocab_size) {
    return Status(StatusCode::kInvalidArgument,
                  concat(recipe_.tokenizer_file, ": expected at most ", config_.vocab_size,
                         " tokens (vocab_size of the config), found ", tokenizer_->size()));
  }
  const DraftModule draft =
      config_.num_nextn_predict_layers > 0 ? DraftModule::kPresent : DraftModule::kAbsent;
  FATHOM_ASSIGN_OR_RETURN(set_, ParameterSet::create(config_, draft, recipe_.quantised_weights));
  FATHOM_ASSIGN_OR_RETURN(Optimiser optimiser, Optimiser::create(set_, recipe_.optimiser, options_.threads));
  optimiser_.emplace(std::move(optimiser));
  return {};
}

Status Trainer::open_data() {
  FATHOM_RETURN_IF_ERROR(make_directories(env_, recipe_.run_directory));
  FATHOM_RETURN_IF_ERROR(make_directories(env_, recipe_.data.cache_directory));
  const MarkerIds markers(*tokenizer_);
  const Digest digest = sha256({std::as_bytes(std::span(tokenizer_text_))});
  FATHOM_ASSIGN_OR_RETURN(
      TrainingData data,
      TrainingData::open(env_, recipe_.data, {*tokenizer_, markers, Dialect::kPreview}, digest));
  data_.emplace(std::move(data));
  return {};
}

Status Trainer::fill_expert_tables() {
  if (set_.tables.empty()) return {};
  std::vector<int64_t> counts(static_cast<size_t>(config_.vocab_size), 0);
  for (int64_t i = 0; i < kSampledSequences; ++i) {
    for (const DocumentView& document : data_->sequence(i)) {
      for (const int32_t id : document.ids) ++counts[static_cast<size_t>(id)];
    }
  }
  for (ExpertTable& table : set_.tables) {
    fill_expert_table(counts, config_.n_routed_experts, table.experts.view());
  }
  return {};
}

Status Trainer::start_run(RunStart start) {
  const std::string checkpoints = recipe_.run_directory + "/checkpoints";
  const std::string digest = hex(data_->digest());
  if (start == RunStart::kResume) {
    FATHOM_ASSIGN_OR_RETURN(state_, read_newest_checkpoint(env_, checkpoints, set_, *optimiser_));
    if (state_.data_digest != digest) {
      return Status(StatusCode::kInvalidArgument,
                    concat(recipe_.run_directory, ": expected the data that the run began with (",
                           state_.data_digest, "), found other data (", digest, ")"));
    }
    return {};
  }
  if (Directory::open(env_, checkpoints).ok()) {
    return Status(StatusCode::kInvalidArgument,
                  concat(recipe_.run_directory,
                         ": expected a directory without checkpoints, found some; --resume "
                         "goes on with them"));
  }
  state_.data_digest = digest;
  if (recipe_.initial_model.empty()) {
    initialise(config_, recipe_.seed, set_);
    return fill_expert_tables();
  }
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_config_text(env_, recipe_.initial_model));
  FATHOM_ASSIGN_OR_RETURN(const ModelConfig stored, parse_model_config_text(text));
  ModelConfig config = config_;  // our shapes, their formats
  config.quantized = stored.quantized;
  config.expert_dtype = stored.expert_dtype;
  FATHOM_ASSIGN_OR_RETURN(WeightStore store, WeightStore::open(env_, recipe_.initial_model));
  FATHOM_ASSIGN_OR_RETURN(const ModelWeights weights, bind_model(config, store));
  if (set_.weights.mtp.has_value() != weights.mtp.has_value()) {
    return Status(StatusCode::kInvalidArgument,
                  concat(recipe_.initial_model, ": expected an MTP layer as the config says, found none"));
  }
  return set_.load(config_, weights);
}

Status Trainer::use_stage(const TrainingStage& stage) {
  if (pass_ && pass_attention_ == stage.attention) return {};
  pass_.reset();
  FATHOM_ASSIGN_OR_RETURN(GradientPass pass, GradientPass::create(config_, set_.weights,
                                                                  {.rows = recipe_.sequences_per_pass *
                                                                           recipe_.data.sequence_tokens,
                                                                   .workers = options_.threads,
                                                                   .attention = stage.attention,
                                                                   .rounding = recipe_.rounding}));
  pass_.emplace(std::move(pass));
  pass_attention_ = stage.attention;
  return {};
}

TrainingBatch Trainer::batch_of(int64_t first_sequence, int64_t count) {
  TrainingBatch batch;
  for (int64_t i = first_sequence; i < first_sequence + count; ++i) {
    batch.begin_sequence();
    for (const DocumentView& document : data_->sequence(i))
      batch.add_document(document.ids, document.predicted);
  }
  return batch;
}

Status Trainer::gradients_of_step(const std::vector<TrainingBatch>& batches, const LossCoefficients& c,
                                  StepReport& report) {
  StepCounts counts;
  for (const TrainingBatch& batch : batches) counts.add(batch, config_);
  loads_ = pass_->no_loads();
  set_.clear_gradients();
  step_tokens_ = 0;
  for (const TrainingBatch& batch : batches) {
    FATHOM_RETURN_IF_ERROR(pass_->run(*pool_, batch, counts, c, {set_.gradients, report.losses, loads_}));
    step_tokens_ += batch.rows();
  }
  report.total_loss = report.losses.total(c);
  return {};
}

void Trainer::update(const TrainingStage& stage, StepReport& report) {
  report.gradient_norm = gradient_norm(*pool_, set_, stage.trained);
  report.learning_rate = recipe_.learning_rate.at(report.step);
  if (!std::isfinite(report.total_loss) || !std::isfinite(report.gradient_norm)) {
    const std::string tensor = first_bad_gradient(set_);
    report.skipped =
        tensor.empty() ? "the loss is not finite" : concat("the gradient of ", tensor, " is not finite");
    ++state_.skipped;
    ++skipped_in_a_row_;
    return;
  }
  skipped_in_a_row_ = 0;
  ++state_.updates;
  const double clip =
      report.gradient_norm > recipe_.clip_norm ? recipe_.clip_norm / report.gradient_norm : 1.0;
  optimiser_->step(*pool_, set_,
                   {.learning_rate = report.learning_rate,
                    .gradient_scale = clip,
                    .update = state_.updates,
                    .trained = stage.trained});
  if (stage.trained != Trained::kAll) return;
  for (size_t router = 0; router < loads_.size(); ++router) {
    Parameter* bias = set_.find(bias_name(config_, router));
    if (bias == nullptr) continue;
    balance_router(loads_[router], recipe_.router_bias_rate, {bias->master.data(), loads_[router].size()});
  }
}

Result<StepReport> Trainer::step() {
  StepReport report;
  report.step = state_.step + 1;
  report.steps = recipe_.steps;
  const TrainingStage stage = value_at(recipe_.stages, report.step);
  FATHOM_RETURN_IF_ERROR(use_stage(stage));
  std::vector<TrainingBatch> batches;
  const int64_t first = state_.step * recipe_.sequences_per_step;
  for (int64_t done = 0; done < recipe_.sequences_per_step; done += recipe_.sequences_per_pass) {
    batches.push_back(
        batch_of(first + done, std::min(recipe_.sequences_per_pass, recipe_.sequences_per_step - done)));
  }
  LossCoefficients c{.lm = recipe_.lm, .mtp = stage.mtp, .index = stage.index, .balance = recipe_.balance};
  if (stage.trained == Trained::kIndexerOnly) c = {.lm = 0.0, .index = stage.index};
  FATHOM_RETURN_IF_ERROR(gradients_of_step(batches, c, report));
  update(stage, report);
  ++state_.step;
  if (skipped_in_a_row_ == kMaxSkippedInARow) {
    return Status(StatusCode::kInternal,
                  concat("step ", report.step, ": ", kMaxSkippedInARow,
                         " steps in a row were skipped, the last because ", report.skipped));
  }
  return report;
}

Result<double> Trainer::validate() {
  const int64_t count = std::min(recipe_.validation_sequences, data_->validation_sequences());
  LossValues sums;
  int64_t predicted = 0;
  for (int64_t i = 0; i < count; ++i) {
    TrainingBatch batch;
    for (const DocumentView& document : data_->validation_sequence(i)) {
      batch.add_document(document.ids, document.predicted);
    }
    StepCounts counts;
    counts.add(batch, config_);
    predicted += counts.predicted;
    FATHOM_RETURN_IF_ERROR(pass_->losses(*pool_, batch, sums));
  }
  return predicted == 0 ? 0.0 : sums.lm / static_cast<double>(predicted);
}

Status Trainer::log_step(const TrainerHooks& hooks, const StepReport& report) {
  MetricsRow row{report.step,
                 {{"loss/total", report.total_loss},
                  {"loss/main", report.losses.lm},
                  {"loss/mtp", report.losses.mtp},
                  {"loss/index", report.losses.index},
                  {"loss/balance", report.losses.balance},
                  {"gradient_norm", report.gradient_norm},
                  {"learning_rate", report.learning_rate},
                  {"tokens_per_second", report.tokens_per_second},
                  {"skipped", static_cast<double>(state_.skipped)}}};
  if (report.validation_loss) row.values.emplace_back("loss/validation", *report.validation_loss);
  for (size_t router = 0; router < loads_.size(); ++router) {
    row.values.emplace_back(concat("load/", router), load_ratio(loads_[router]));
  }
  return log_->append(row, static_cast<double>(hooks.wall_seconds()));
}

Status Trainer::save() {
  const std::string bad = first_bad_weight(set_);
  if (!bad.empty()) {
    return Status(StatusCode::kInternal,
                  concat("step ", state_.step, ": ", bad, ": expected finite weights to save, found others"));
  }
  FATHOM_RETURN_IF_ERROR(
      write_checkpoint(env_, recipe_.run_directory + "/checkpoints", state_, set_, *optimiser_));
  const RunReport report{.title = recipe_.run_directory,
                         .facts = {{"steps", concat(state_.step, " of ", recipe_.steps)},
                                   {"parameters", concat(total_parameters())},
                                   {"active parameters", concat(active_parameters())},
                                   {"tokens a step", concat(step_tokens_)},
                                   {"skipped steps", concat(state_.skipped)}},
                         .samples = {}};
  return write_file_atomically(env_, recipe_.run_directory + "/report.html",
                               report_html(report, log_->rows()));
}

Status Trainer::finish() {
  return export_model(env_, recipe_.run_directory + "/model",
                      {config_text_, tokenizer_text_, recipe_.quantised_weights}, set_);
}

Status Trainer::run(const TrainerHooks& hooks) {
  const int64_t first_row = state_.step == 0 ? 0 : state_.step + 1;
  FATHOM_ASSIGN_OR_RETURN(MetricsLog log,
                          MetricsLog::open(env_, recipe_.run_directory, first_row, hooks.wall_seconds()));
  log_.emplace(std::move(log));
  const double flops_a_token = 6.0 * static_cast<double>(active_parameters());
  while (state_.step < recipe_.steps) {
    const double begin = hooks.seconds();
    FATHOM_ASSIGN_OR_RETURN(StepReport report, step());
    const double seconds = std::max(hooks.seconds() - begin, 1e-9);
    report.tokens_per_second = static_cast<double>(step_tokens_) / seconds;
    report.seconds_left = seconds * static_cast<double>(recipe_.steps - state_.step);
    if (options_.peak_flops > 0.0) {
      report.share_of_peak = flops_a_token * report.tokens_per_second / options_.peak_flops;
    }
    const bool last = state_.step == recipe_.steps;
    if (last || state_.step % recipe_.validate_every == 0) {
      FATHOM_ASSIGN_OR_RETURN(report.validation_loss, validate());
    }
    const bool stop = hooks.should_stop();
    report.checkpointed = last || stop || state_.step % recipe_.checkpoint_every == 0;
    FATHOM_RETURN_IF_ERROR(log_step(hooks, report));
    if (report.checkpointed) FATHOM_RETURN_IF_ERROR(save());
    hooks.on_step(report);
    if (stop && !last) return {};
  }
  return finish();
}

int64_t Trainer::total_parameters() const noexcept {
  int64_t total = 0;
  for (const Parameter& p : set_.parameters) total += p.size();
  return total;
}

int64_t Trainer::active_parameters() const noexcept {
  double active = 0.0;
  for (const Parameter& p : set_.parameters) {
    const double share = p.storage == Storage::kExpert
                             ? static_cast<double>(config_.num_experts_per_tok) / config_.n_routed_experts
                             : 1.0;
    if (p.name != "embed.weight") active += share * static_cast<double>(p.size());
  }
  return static_cast<int64_t>(active);
}

}  // namespace fathom
