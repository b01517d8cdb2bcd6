// SPDX-License-Identifier: MIT
// The table of what can be set, by flag, environment, file or default, in this order (design.md 18). Command
// line, FATHOM_* variables, TOML file and --print-config all come from it.
//
// Pure functions over what the caller has read.
#pragma once

#include <functional>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/json.h"
#include "server/server_options.h"

namespace fathom {

struct Setting {
  enum class Kind : uint8_t { kText, kList, kFlag, kInteger, kBytes, kSeconds, kNumber };

  std::string_view name;  // "max-body": --max-body, FATHOM_MAX_BODY, max-body = ... in a file
  Kind kind = Kind::kText;
  std::string_view fallback;  // the default, as text; an empty one of kText and kList is none
  std::string_view help;
  // Takes one value; a kList setting is called once for each.
  Status (*assign)(ServerOptions& options, const Setting& setting, std::string_view text) = nullptr;
};

std::span<const Setting> server_settings();

using SettingTexts = std::map<std::string, std::vector<std::string>, std::less<>>;
using Environment = std::function<std::optional<std::string>(const std::string& name)>;

struct ResolvedSettings {
  ServerOptions options;
  std::string listing;  // a TOML file that says the same, with where each value came from
};

// `flags`: values by setting name; `file`: the object of a TOML file, or null. kInvalidArgument naming the
// setting.
Result<ResolvedSettings> resolve_settings(const SettingTexts& flags, const Environment& environment,
                                          const JsonValue* file);

}  // namespace fathom
