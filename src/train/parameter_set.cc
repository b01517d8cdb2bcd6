// SPDX-License-Identifier: MIT
#include "train/parameter_set.h"

#include <algorithm>

#include "base/concat.h"
#include "train/dequantise.h"

namespace fathom {
namespace {

// What the backward of the router keeps on the stack (model/router_backward.cc).
constexpr int kMaxExpertsPerToken = 64;

WeightFormat shadow_format(Storage storage, QuantisationAware formats) noexcept {
  switch (storage) {
    case Storage::kF32:
    case Storage::kBf16: return WeightFormat::kF32;
    case Storage::kDense:
    case Storage::kDenseRaw: return formats.fp8 ? WeightFormat::kFp8E4m3 : WeightFormat::kF32;
    case Storage::kExpert:
      if (formats.fp4) return WeightFormat::kFp4E2m1;
      return formats.fp8 ? WeightFormat::kFp8E4m3 : WeightFormat::kF32;
  }
  return WeightFormat::kF32;
}

Status allocate_shadow(Parameter& p) {
  if (!p.quantised()) return {};
  const int64_t rows = p.rows();
  const int64_t cols = p.cols();
  FATHOM_ASSIGN_OR_RETURN(p.shadow, MatBuf<float>::allocate(rows, cols));
  if (p.format == WeightFormat::kFp8E4m3) {
    FATHOM_ASSIGN_OR_RETURN(p.codes, MatBuf<uint8_t>::allocate(rows, cols));
    FATHOM_ASSIGN_OR_RETURN(p.scales, MatBuf<uint8_t>::allocate((rows + 127) / 128, (cols + 127) / 128));
  } else {
    FATHOM_ASSIGN_OR_RETURN(p.codes, MatBuf<uint8_t>::allocate(rows, cols / 2));
    FATHOM_ASSIGN_OR_RETURN(p.scales, MatBuf<uint8_t>::allocate(rows, cols / 32));
  }
  return {};
}

// The weight as the model's products read it.
WeightView view_of(const Parameter& p) noexcept {
  WeightView view{.format = p.format,
                  .block = {},
                  .data = p.master.data(),
                  .scales = nullptr,
                  .rows = p.rows(),
                  .cols = p.cols()};
  if (!p.quantised()) return view;
  view.data = p.codes.data();
  view.scales = p.scales.data();
  view.block = p.format == WeightFormat::kFp8E4m3 ? ScaleBlock{128, 128} : ScaleBlock{1, 32};
  return view;
}

// Gives each parameter its memory and the structs their views.
class Binder final : public ParameterVisitor {
 public:
  Binder(ParameterSet& set, const ModelConfig& config, QuantisationAware formats)
      : set_(set), config_(config), formats_(formats) {}

  Status matrix(const ParameterKind& kind, WeightView& w, MatrixGradient& d_w) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, add(kind));
    w = view_of(*p);
    d_w = {p->used(), p->gradient.view()};
    return {};
  }
  // What enters wo_a is not rounded, so the model reads the values of its shadow.
  Status grouped(const ParameterKind& kind, std::span<WeightView> w, std::span<MatrixGradient> d_w) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, add(kind));
    p->groups = static_cast<int>(w.size());
    const int64_t rows = p->rows() / p->groups;
    for (size_t g = 0; g < w.size(); ++g) {
      const auto first = static_cast<int64_t>(g) * rows;
      const MatView<const float> part = p->used().slice_rows(first, rows);
      w[g] = {.format = WeightFormat::kF32,
              .block = {},
              .data = part.data,
              .scales = nullptr,
              .rows = rows,
              .cols = p->cols()};
      d_w[g] = {part, p->gradient.view().slice_rows(first, rows)};
    }
    return {};
  }
  Status plain_matrix(const ParameterKind& kind, MatView<const float>& w, MatrixGradient& d_w) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, add(kind));
    w = p->used();
    d_w = {p->used(), p->gradient.view()};
    return {};
  }
  Status vector(const ParameterKind& kind, std::span<const float>& w, std::span<float>& d_w) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, add(kind));
    w = {p->master.data(), static_cast<size_t>(kind.rows)};
    if (kind.update != Update::kBalancingRule) d_w = {p->gradient.data(), static_cast<size_t>(kind.rows)};
    return {};
  }
  Status expert_table(const std::string& name, MatView<const int32_t>& table) override {
    FATHOM_ASSIGN_OR_RETURN(auto experts,
                            MatBuf<int32_t>::allocate(config_.vocab_size, config_.num_experts_per_tok));
    set_.tables.push_back({name, std::move(experts)});
    table = std::as_const(set_.tables.back().experts).view();
    return {};
  }

 private:
  Result<Parameter*> add(const ParameterKind& kind) {
    Parameter p;
    p.name = kind.name;
    p.update = kind.update;
    p.storage = kind.storage;
    p.format = shadow_format(kind.storage, formats_);
    const bool vector = kind.cols == 0;
    p.shape = vector ? std::vector<int64_t>{kind.rows} : std::vector<int64_t>{kind.rows, kind.cols};
    const int64_t rows = vector ? 1 : kind.rows;
    const int64_t cols = vector ? kind.rows : kind.cols;
    if (p.format == WeightFormat::kFp4E2m1 && cols % 32 != 0) {
      return Status(StatusCode::kUnsupported,
                    concat(kind.name, ": expected a multiple of 32 inputs for FP4, found ", cols));
    }
    FATHOM_ASSIGN_OR_RETURN(p.master, MatBuf<float>::allocate(rows, cols));
    if (kind.update != Update::kBalancingRule) {
      FATHOM_ASSIGN_OR_RETURN(p.gradient, MatBuf<float>::allocate(rows, cols));
    }
    FATHOM_RETURN_IF_ERROR(allocate_shadow(p));
    set_.parameters.push_back(std::move(p));
    return &set_.parameters.back();
  }

  ParameterSet& set_;
  const ModelConfig& config_;
  QuantisationAware formats_;
};

// Reads a bound model in the order of the walk.
class Loader final : public ParameterVisitor {
 public:
  explicit Loader(ParameterSet& set) : set_(set) {}

  Status matrix(const ParameterKind& kind, WeightView& w, MatrixGradient&) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, next(kind));
    dequantise(w, p->master.view());
    return {};
  }
  Status grouped(const ParameterKind& kind, std::span<WeightView> w, std::span<MatrixGradient>) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, next(kind));
    const int64_t rows = p->rows() / p->groups;
    for (size_t g = 0; g < w.size(); ++g) {
      dequantise(w[g], p->master.view().slice_rows(static_cast<int64_t>(g) * rows, rows));
    }
    return {};
  }
  Status plain_matrix(const ParameterKind& kind, MatView<const float>& w, MatrixGradient&) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, next(kind));
    for (int64_t r = 0; r < w.rows; ++r) std::copy_n(w.row(r), w.cols, p->master.view().row(r));
    return {};
  }
  Status vector(const ParameterKind& kind, std::span<const float>& w, std::span<float>&) override {
    FATHOM_ASSIGN_OR_RETURN(Parameter * p, next(kind));
    std::copy(w.begin(), w.end(), p->master.data());
    return {};
  }
  Status expert_table(const std::string&, MatView<const int32_t>& table) override {
    MatBuf<int32_t>& to = set_.tables[next_table_++].experts;
    for (int64_t r = 0; r < table.rows; ++r) std::copy_n(table.row(r), table.cols, to.view().row(r));
    return {};
  }

 private:
  Result<Parameter*> next(const ParameterKind& kind) {
    Parameter& p = set_.parameters[next_++];
    FATHOM_CHECK(p.name == kind.name);
    return &p;
  }

  ParameterSet& set_;
  size_t next_ = 0;
  size_t next_table_ = 0;
};

// Counts, so that the lists never move once views point into them.
class Counter final : public ParameterVisitor {
 public:
  Status matrix(const ParameterKind&, WeightView&, MatrixGradient&) override { return count(); }
  Status grouped(const ParameterKind&, std::span<WeightView>, std::span<MatrixGradient>) override {
    return count();
  }
  Status plain_matrix(const ParameterKind&, MatView<const float>&, MatrixGradient&) override {
    return count();
  }
  Status vector(const ParameterKind&, std::span<const float>&, std::span<float>&) override { return count(); }
  Status expert_table(const std::string&, MatView<const int32_t>&) override {
    ++tables;
    return {};
  }
  size_t parameters = 0;
  size_t tables = 0;

 private:
  Status count() {
    ++parameters;
    return {};
  }
};

}  // namespace

Result<ParameterSet> ParameterSet::create(const ModelConfig& config, DraftModule draft,
                                          QuantisationAware formats) {
  if (config.num_experts_per_tok > kMaxExpertsPerToken) {
    return Status(StatusCode::kUnsupported,
                  concat("config.json: num_experts_per_tok: expected at most ", kMaxExpertsPerToken,
                         " in training, found ", config.num_experts_per_tok));
  }
  ParameterSet set;
  Counter counter;
  FATHOM_RETURN_IF_ERROR(walk_model(config, draft, set.weights, set.gradients, counter));
  set.parameters.reserve(counter.parameters);
  set.tables.reserve(counter.tables);
  Binder binder(set, config, formats);
  FATHOM_RETURN_IF_ERROR(walk_model(config, draft, set.weights, set.gradients, binder));
  return set;
}

Status ParameterSet::load(const ModelConfig& config, const ModelWeights& from) {
  Loader loader(*this);
  ModelWeights source = from;
  ModelGradients unused;
  FATHOM_RETURN_IF_ERROR(walk_model(config, draft(), source, unused, loader));
  refresh_shadows();
  return {};
}

void ParameterSet::refresh_shadows() noexcept {
  for (Parameter& p : parameters) refresh_shadow(p);
}

void ParameterSet::clear_gradients() noexcept {
  for (Parameter& p : parameters) std::fill_n(p.gradient.data(), p.gradient.rows() * p.gradient.cols(), 0.0F);
}

Parameter* ParameterSet::find(std::string_view name) noexcept {
  for (Parameter& p : parameters) {
    if (p.name == name) return &p;
  }
  return nullptr;
}

}  // namespace fathom
