// SPDX-License-Identifier: MIT
#include "train/optimiser.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "numeric/math.h"

namespace fathom {
namespace {

// Rough arithmetic of a parameter's update, to share parameters out evenly.
double update_cost(const Parameter& p) {
  const auto rows = static_cast<double>(p.rows() / p.groups);
  const auto cols = static_cast<double>(p.cols());
  const double small = std::min(rows, cols);
  const double large = std::max(rows, cols);
  return p.update == Update::kMuon ? p.groups * 10.0 * small * small * (2.0 * large + small) + rows * cols
                                   : 10.0 * rows * cols;
}

// Largest first to the worker with the least so far.
std::vector<int> share_out(const ParameterSet& set, int workers) {
  std::vector<size_t> order(set.parameters.size());
  std::iota(order.begin(), order.end(), size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](size_t a, size_t b) {
    return update_cost(set.parameters[a]) > update_cost(set.parameters[b]);
  });
  std::vector<double> load(static_cast<size_t>(workers), 0.0);
  std::vector<int> worker_of(set.parameters.size());
  for (const size_t i : order) {
    const auto least = std::min_element(load.begin(), load.end());
    worker_of[i] = static_cast<int>(least - load.begin());
    *least += update_cost(set.parameters[i]);
  }
  return worker_of;
}

double sum_of_squares(const MatBuf<float>& x) noexcept {
  double sum = 0.0;
  const int64_t count = x.rows() * x.cols();
  for (int64_t i = 0; i < count; ++i) sum += static_cast<double>(x.data()[i]) * x.data()[i];
  return sum;
}

// base^exponent for a base in (0, 1).
double power(double base, int64_t exponent) noexcept {
  return exp_f64(static_cast<double>(exponent) * log_f64(base));
}

}  // namespace

bool is_trained(const Parameter& parameter, Trained trained) noexcept {
  return trained == Trained::kAll || parameter.name.find(".indexer.") != std::string::npos;
}

Result<Optimiser> Optimiser::create(const ParameterSet& set, const OptimiserSettings& settings, int workers) {
  Optimiser o;
  o.settings_ = settings;
  int64_t elements = 1;
  int64_t small_side = 1;
  for (const Parameter& p : set.parameters) {
    Moments m;
    if (p.update != Update::kBalancingRule) {
      FATHOM_ASSIGN_OR_RETURN(m.first, MatBuf<float>::allocate(p.rows(), p.cols()));
    }
    if (p.update == Update::kAdamW || p.update == Update::kAdamWDecayed) {
      FATHOM_ASSIGN_OR_RETURN(m.second, MatBuf<float>::allocate(p.rows(), p.cols()));
    }
    o.moments_.push_back(std::move(m));
    if (p.update != Update::kMuon) continue;
    elements = std::max(elements, p.size() / p.groups);
    small_side = std::max(small_side, std::min(p.rows() / p.groups, p.cols()));
  }
  for (int w = 0; w < workers; ++w) {
    FATHOM_ASSIGN_OR_RETURN(NewtonSchulz ns, NewtonSchulz::create(elements, small_side));
    o.newton_schulz_.push_back(std::move(ns));
    FATHOM_ASSIGN_OR_RETURN(auto update, MatBuf<float>::allocate(1, elements));
    o.updates_.push_back(std::move(update));
  }
  o.worker_of_ = share_out(set, workers);
  return o;
}

// M <- mu M + G; W <- W (1 - lr decay) - lr gamma sqrt(max(n, m)) NS(mu M + G), for every matrix of the
// tensor.
void Optimiser::muon(Parameter& p, Moments& m, const UpdateStep& step, int worker) noexcept {
  const auto mu = static_cast<float>(settings_.muon.momentum);
  const auto scale = static_cast<float>(step.gradient_scale);
  const int64_t rows = p.rows() / p.groups;
  const MatView<float> update(updates_[worker].data(), rows, p.cols());
  const auto longest = static_cast<double>(std::max(rows, p.cols()));
  const auto keep = static_cast<float>(1.0 - step.learning_rate * settings_.muon.decay);
  const auto rate = static_cast<float>(step.learning_rate * settings_.muon.update_rms * std::sqrt(longest));
  for (int64_t first = 0; first < p.rows(); first += rows) {
    const int64_t offset = first * p.cols();
    const int64_t count = rows * p.cols();
    float* moment = m.first.data() + offset;
    const float* gradient = p.gradient.data() + offset;
    for (int64_t i = 0; i < count; ++i) {
      const float g = scale * gradient[i];
      moment[i] = mu * moment[i] + g;
      update.data[i] = mu * moment[i] + g;
    }
    newton_schulz_[worker].orthogonalise(update);
    float* w = p.master.data() + offset;
    for (int64_t i = 0; i < count; ++i) w[i] = w[i] * keep - rate * update.data[i];
  }
}

void Optimiser::adamw(Parameter& p, Moments& m, const UpdateStep& step) const noexcept {
  const AdamWSettings& s = settings_.adamw;
  const double decay = p.update == Update::kAdamWDecayed ? s.decay : 0.0;
  const double keep = 1.0 - step.learning_rate * decay;
  const double first_bias = 1.0 - power(s.beta1, step.update);
  const double second_bias = 1.0 - power(s.beta2, step.update);
  for (int64_t i = 0; i < p.size(); ++i) {
    const double g = step.gradient_scale * static_cast<double>(p.gradient.data()[i]);
    const double first = s.beta1 * static_cast<double>(m.first.data()[i]) + (1.0 - s.beta1) * g;
    const double second = s.beta2 * static_cast<double>(m.second.data()[i]) + (1.0 - s.beta2) * g * g;
    m.first.data()[i] = static_cast<float>(first);
    m.second.data()[i] = static_cast<float>(second);
    // Without a gradient so far 0 / epsilon, which is 0.
    const double update = (first / first_bias) / (std::sqrt(second / second_bias) + s.epsilon);
    float& w = p.master.data()[i];
    w = static_cast<float>(static_cast<double>(w) * keep - step.learning_rate * update);
  }
}

void Optimiser::step(ThreadPool& pool, ParameterSet& set, const UpdateStep& step) noexcept {
  pool.run([&](int worker) {
    for (size_t i = 0; i < set.parameters.size(); ++i) {
      Parameter& p = set.parameters[i];
      if (worker_of_[i] != worker || !is_trained(p, step.trained)) continue;
      switch (p.update) {
        case Update::kMuon: muon(p, moments_[i], step, worker); break;
        case Update::kAdamW:
        case Update::kAdamWDecayed: adamw(p, moments_[i], step); break;
        case Update::kBalancingRule: break;
      }
      refresh_shadow(p);
    }
  });
}

double gradient_norm(ThreadPool& pool, const ParameterSet& set, Trained trained) noexcept {
  std::vector<double> sums(set.parameters.size(), 0.0);
  pool.run([&](int worker) {
    for (size_t i = static_cast<size_t>(worker); i < sums.size(); i += static_cast<size_t>(pool.size())) {
      if (is_trained(set.parameters[i], trained)) sums[i] = sum_of_squares(set.parameters[i].gradient);
    }
  });
  double total = 0.0;
  for (const double sum : sums) total += sum;
  return std::sqrt(total);
}

std::string first_bad_gradient(const ParameterSet& set) {
  for (const Parameter& p : set.parameters) {
    if (!std::isfinite(sum_of_squares(p.gradient))) return p.name;
  }
  return "";
}

std::string first_bad_weight(const ParameterSet& set) {
  for (const Parameter& p : set.parameters) {
    if (!std::isfinite(sum_of_squares(p.master))) return p.name;
  }
  return "";
}

void balance_router(std::span<const int64_t> loads, double rate, std::span<float> bias) noexcept {
  const int64_t total = std::accumulate(loads.begin(), loads.end(), int64_t{0});
  const auto experts = static_cast<int64_t>(loads.size());
  for (size_t e = 0; e < loads.size(); ++e) {
    // sign(total / E - load), without the division.
    const int64_t lack = total - loads[e] * experts;
    if (lack != 0) bias[e] += static_cast<float>(lack > 0 ? rate : -rate);
  }
}

}  // namespace fathom
