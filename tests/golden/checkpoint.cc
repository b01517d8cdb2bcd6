// SPDX-License-Identifier: MIT
#include "golden/checkpoint.h"

#include <cstdio>
#include <cstdlib>
#include <utility>

#include "base/concat.h"
#include "io/io_env.h"
#include "support/fixture_file.h"

namespace fathom {
namespace {

template <typename T>
T value_or_abort(Result<T> result, std::string_view what) {
  if (!result.ok()) {
    std::fprintf(stderr, "checkpoint %s: %s\n", std::string(what).c_str(),
                 std::string(result.status().message()).c_str());
    std::abort();
  }
  return std::move(result).value();
}

Checkpoint bind_checkpoint(std::string_view config_text, Result<WeightStore> store, std::string_view what) {
  Checkpoint out{
      value_or_abort(parse_model_config_text(config_text), what), value_or_abort(std::move(store), what), {}};
  out.weights = value_or_abort(bind_model(out.config, out.store), what);
  return out;
}

}  // namespace

Checkpoint open_checkpoint(const std::string& directory) {
  const std::string config_text = value_or_abort(read_config_text(system_io(), directory), directory);
  return bind_checkpoint(config_text, WeightStore::open(system_io(), directory), directory);
}

Checkpoint open_fixture_checkpoint(std::string_view name) {
  return open_checkpoint(fixture_path(concat("model/", name)));
}

Checkpoint open_checkpoint_in_memory(std::string_view config_text, std::span<const std::byte> safetensors) {
  return bind_checkpoint(config_text, WeightStore::from_memory(safetensors), "in memory");
}

}  // namespace fathom
