// SPDX-License-Identifier: MIT
#include "apps/sampling_options.h"

#include <random>

#include "engine/generation_defaults.h"

namespace fathom {
namespace {

uint64_t system_seed() {
  std::random_device device;
  return static_cast<uint64_t>(device()) << 32 | device();
}

template <typename T>
void override_with(const std::optional<T>& given, T& value) {
  if (given) value = *given;
}

}  // namespace

Result<SamplingParams> sampling_params(const std::string& model, const SamplingOptions& options) {
  FATHOM_ASSIGN_OR_RETURN(const GenerationDefaults defaults, open_generation_defaults(system_io(), model));
  SamplingParams params = defaults.sampling;
  // Who cuts the distribution wants to draw from it, even where the model's own way is greedy.
  const bool wants_draws = options.top_p || options.top_k || options.min_p;
  if (defaults.greedy && !wants_draws) params.temperature = 0.0;
  override_with(options.temperature, params.temperature);
  override_with(options.top_p, params.top_p);
  override_with(options.top_k, params.top_k);
  override_with(options.min_p, params.min_p);
  override_with(options.repetition_penalty, params.repetition_penalty);
  override_with(options.presence_penalty, params.presence_penalty);
  override_with(options.frequency_penalty, params.frequency_penalty);
  params.seed = options.seed ? *options.seed : system_seed();
  FATHOM_RETURN_IF_ERROR(params.validate());
  return params;
}

}  // namespace fathom
