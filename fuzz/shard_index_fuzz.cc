// SPDX-License-Identifier: MIT
// Any text as model.safetensors.index.json: refused, or every file is a plain name and every tensor has one.
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "io/directory.h"
#include "io/json.h"
#include "weights/shard_index.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const auto index = fathom::parse_shard_index(text);
  if (!index.ok()) {
    FATHOM_CHECK(!index.status().message().empty());
    return 0;
  }
  for (const std::string& file : index->files) FATHOM_CHECK(fathom::is_plain_file_name(file));
  for (const auto& [tensor, shard] : index->shard_of) FATHOM_CHECK(shard < index->files.size());
  // What the cursor takes is JSON, apart from repeated keys outside the map, which it does not look at.
  fathom::JsonReadOptions options;
  options.leniency = fathom::JsonReadOptions::Leniency::kPython;
  options.max_depth = 128;
  options.max_nodes = 1 << 28;
  FATHOM_CHECK(fathom::read_json(text, options).ok());
  return 0;
}
