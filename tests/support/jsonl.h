// SPDX-License-Identifier: MIT
// Reads fixture files of one JSON text a line. A file that cannot be read or a line that does not parse fails
// the test.
#pragma once

#include <gtest/gtest.h>

#include <fstream>
#include <string>
#include <vector>

#include "io/json.h"

namespace fathom::test {

inline std::string read_text_file(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << "cannot read " << path;
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

inline std::vector<JsonValue> read_jsonl(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  EXPECT_TRUE(file.good()) << "cannot read " << path;
  std::vector<JsonValue> lines;
  for (std::string line; std::getline(file, line);) {
    auto value = read_json(line);
    EXPECT_TRUE(value.ok()) << path << ": line " << lines.size() + 1 << ": " << value.status().message();
    lines.push_back(value.ok() ? std::move(*value) : JsonValue());
  }
  EXPECT_FALSE(lines.empty()) << path << " has no lines";
  return lines;
}

}  // namespace fathom::test
