// SPDX-License-Identifier: MIT
#include "weights/shard_index.h"

#include "base/concat.h"
#include "io/directory.h"
#include "io/json_cursor.h"
#include "weights/safetensors.h"
#include "weights/safetensors_header.h"

namespace fathom {
namespace {

class IndexReader {
 public:
  explicit IndexReader(std::string_view text) noexcept : cursor_(text) {}

  Result<ShardIndex> read() {
    bool has_map = false;
    FATHOM_RETURN_IF_ERROR(cursor_.expect('{'));
    do {
      FATHOM_ASSIGN_OR_RETURN(const std::string_view key, cursor_.read_string(key_scratch_));
      const bool is_map = key == "weight_map";
      FATHOM_RETURN_IF_ERROR(cursor_.expect(':'));
      if (is_map && has_map) return Status(StatusCode::kCorrupt, "weight_map: expected once, found twice");
      FATHOM_RETURN_IF_ERROR(is_map ? read_map() : cursor_.skip_value());
      has_map = has_map || is_map;
    } while (cursor_.consume(','));
    FATHOM_RETURN_IF_ERROR(cursor_.expect('}'));
    if (!cursor_.at_end()) return cursor_.error("the end of the text");
    if (!has_map) return Status(StatusCode::kCorrupt, "weight_map: expected an object, found nothing");
    return std::move(index_);
  }

 private:
  Status read_map() {
    FATHOM_RETURN_IF_ERROR(cursor_.expect('{'));
    if (cursor_.consume('}')) return {};
    do {
      FATHOM_ASSIGN_OR_RETURN(const std::string_view tensor, cursor_.read_string(key_scratch_));
      FATHOM_RETURN_IF_ERROR(cursor_.expect(':'));
      FATHOM_ASSIGN_OR_RETURN(const std::string_view file, cursor_.read_string(file_scratch_));
      FATHOM_RETURN_IF_ERROR(add(tensor, file));
    } while (cursor_.consume(','));
    return cursor_.expect('}');
  }

  Status add(std::string_view tensor, std::string_view file) {
    if (!is_plain_file_name(file)) {
      return Status(StatusCode::kInvalidArgument,
                    concat("weight_map: ", shown_tensor(tensor),
                           ": expected the name of a file in the directory, found a path"));
    }
    if (index_.shard_of.size() == kMaxSafetensorsTensors) {
      return Status(StatusCode::kCorrupt,
                    concat("weight_map: expected at most ", kMaxSafetensorsTensors, " tensors, found more"));
    }
    const auto [place, is_new] =
        shard_number_.try_emplace(std::string(file), static_cast<uint32_t>(index_.files.size()));
    if (is_new) index_.files.emplace_back(file);
    if (!index_.shard_of.try_emplace(std::string(tensor), place->second).second) {
      return Status(StatusCode::kCorrupt,
                    concat("weight_map: ", shown_tensor(tensor), ": expected once, found twice"));
    }
    return {};
  }

  JsonCursor cursor_;
  std::string key_scratch_;
  std::string file_scratch_;
  std::unordered_map<std::string, uint32_t> shard_number_;
  ShardIndex index_;
};

}  // namespace

Result<ShardIndex> parse_shard_index(std::string_view text) { return IndexReader(text).read(); }

}  // namespace fathom
