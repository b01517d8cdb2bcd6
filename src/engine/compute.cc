// SPDX-License-Identifier: MIT
#include "engine/compute.h"

#include "base/concat.h"
#include "base/cpu_count.h"

namespace fathom {

Result<Compute> configure_compute(std::string_view tier, int threads) {
  if (threads < 0) {
    return Status(StatusCode::kInvalidArgument, concat("threads: expected 0 or more, found ", threads));
  }
  FATHOM_RETURN_IF_ERROR(select_tier(tier));
  return Compute{.tier = std::string(selected_tier()),
                 .threads = threads == 0 ? default_thread_count() : threads};
}

}  // namespace fathom
