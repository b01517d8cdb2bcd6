// SPDX-License-Identifier: MIT
// KeyRing: who may call (api.md 2). Keys are kept as SHA-256; every candidate is compared with all of them in
// constant time.
//
// Immutable after construction, any thread.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/digest.h"
#include "server/exchange.h"

namespace fathom {

class KeyRing {
 public:
  // Lines `NAME KEY`; blank ones and those that begin with # are skipped. kInvalidArgument with the line's
  // number, never with its text.
  Status add_file_text(std::string_view text);
  Status add(std::string_view name, std::string_view key);

  bool empty() const noexcept { return keys_.empty(); }

  // Whose key this is; nothing for a wrong one.
  std::optional<Caller> find(std::string_view candidate) const;
  // From `Authorization: Bearer KEY` or `x-api-key: KEY`; either may hold the valid one.
  std::optional<Caller> authenticate(const HttpHead& head) const;

 private:
  struct Key {
    std::string name;
    Digest digest;
  };

  std::vector<Key> keys_;
};

}  // namespace fathom
