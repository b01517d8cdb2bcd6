// SPDX-License-Identifier: MIT
// `fathom train`: a run from a recipe, its progress on standard error (conformance.md; training.md).
#include <unistd.h>

#include <chrono>
#include <csignal>
#include <cstdio>

#include "apps/commands.h"
#include "apps/signal_events.h"
#include "apps/standard_streams.h"
#include "base/concat.h"
#include "engine/compute.h"
#include "io/io_env.h"
#include "train/peak.h"
#include "train/trainer.h"

namespace fathom {
namespace {

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

int64_t wall_seconds_now() {
  return std::chrono::duration_cast<std::chrono::seconds>(std::chrono::system_clock::now().time_since_epoch())
      .count();
}

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  return slash == std::string::npos ? "" : path.substr(0, slash);
}

// One line a step; on a terminal each replaces the one before.
void print_step(const StepReport& r) {
  const bool terminal = isatty(STDERR_FILENO) == 1;
  const auto left = static_cast<int64_t>(r.seconds_left);
  std::fprintf(stderr, "%sstep %lld/%lld  loss %.4f  %.0f tok/s  MFU %.1f %%  ETA %lld:%02lld:%02lld%s",
               terminal ? "\r\033[K" : "", static_cast<long long>(r.step), static_cast<long long>(r.steps),
               r.total_loss, r.tokens_per_second, 100.0 * r.share_of_peak,
               static_cast<long long>(left / 3600), static_cast<long long>(left / 60 % 60),
               static_cast<long long>(left % 60), terminal ? "" : "\n");
  if (r.validation_loss) {
    std::fprintf(stderr, "%sstep %lld  validation loss %.4f\n", terminal ? "\n" : "",
                 static_cast<long long>(r.step), *r.validation_loss);
  }
  if (!r.skipped.empty()) {
    std::fprintf(stderr, "%sstep %lld was skipped: %s\n", terminal ? "\n" : "",
                 static_cast<long long>(r.step), r.skipped.c_str());
  }
  std::fflush(stderr);
}

}  // namespace

Status run_train(const TrainCommand& command) {
  FATHOM_ASSIGN_OR_RETURN(const Compute compute,
                          configure_compute(command.compute.isa, command.compute.threads));
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_input(command.recipe));
  const auto recipe = parse_recipe(text, directory_of(command.recipe), command.set);
  if (!recipe.ok()) return recipe.status().in(command.recipe);
  FATHOM_ASSIGN_OR_RETURN(const auto signals, SignalEvents::open());
  TrainerOptions options{.threads = compute.threads};
  FATHOM_ASSIGN_OR_RETURN(options.peak_flops, measure_peak_flops(compute.tier, compute.threads));
  FATHOM_ASSIGN_OR_RETURN(
      const auto trainer,
      Trainer::open(system_io(), *recipe, options, command.resume ? RunStart::kResume : RunStart::kNew));
  std::fprintf(stderr, "%lld parameters, %lld active; from step %lld of %lld\n",
               static_cast<long long>(trainer->total_parameters()),
               static_cast<long long>(trainer->active_parameters()),
               static_cast<long long>(trainer->state().step), static_cast<long long>(recipe->steps));
  TrainerHooks hooks;
  hooks.on_step = print_step;
  hooks.seconds = seconds_now;
  hooks.wall_seconds = wall_seconds_now;
  hooks.should_stop = [&] {
    for (int signal = signals->take(); signal != 0; signal = signals->take()) {
      if (signal == SIGINT || signal == SIGTERM || signal == SIGHUP) return true;
    }
    return false;
  };
  FATHOM_RETURN_IF_ERROR(trainer->run(hooks));
  const bool done = trainer->state().step == recipe->steps;
  return write_stdout(done ? concat(recipe->run_directory, "/model\n")
                           : concat(recipe->run_directory, ": stopped after step ", trainer->state().step,
                                    "; --resume goes on\n"));
}

}  // namespace fathom
