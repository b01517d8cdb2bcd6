// SPDX-License-Identifier: MIT
// RecipeTable: reads the keys of one table of a recipe with their ranges, and refuses keys nobody asked for.
// The first error is kept and the rest of the reading is harmless. A borrowed view.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/status.h"
#include "io/json.h"

namespace fathom {

class RecipeTable {
 public:
  // `table`: null reads as an empty one. `name`: for messages, as "data".
  RecipeTable(const JsonValue* table, std::string name);

  int64_t integer(std::string_view key, int64_t least, int64_t most, int64_t otherwise);
  double number(std::string_view key, double least, double most, double otherwise);
  bool flag(std::string_view key, bool otherwise);
  std::string text(std::string_view key, std::string_view otherwise);
  // Index of the value among `words`.
  size_t choice(std::string_view key, const std::vector<std::string_view>& words, size_t otherwise);
  // A table or an array that the caller reads himself; null when it is missing.
  const JsonValue* part(std::string_view key);
  // The value must be there.
  void require(std::string_view key);

  void fail(std::string_view key, std::string_view expected, std::string_view found);
  // The first error, or a key that was not asked for.
  Status finish();

 private:
  const JsonValue* take(std::string_view key);

  const JsonValue* table_;
  std::string name_;
  std::vector<std::string_view> known_;
  Status status_;
};

}  // namespace fathom
