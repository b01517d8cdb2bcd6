// SPDX-License-Identifier: MIT
// The secret that keeps tenants apart in a prefix cache (design.md 12): 64 hexadecimal digits, kept as the
// file `secret` (mode 0600) of the cache directory, so that what was cached is found again after a restart.
#pragma once

#include <string>

#include "base/status.h"
#include "io/io_env.h"

namespace fathom {

// That of the directory, made when there is none; of no use after this process when `directory` is empty or
// takes no files: the cache then finds nothing that others stored.
std::string cache_secret(IoEnv& env, const std::string& directory);

}  // namespace fathom
