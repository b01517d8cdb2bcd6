// SPDX-License-Identifier: MIT
#include "weights/weight_store.h"

#include <algorithm>

#include "base/concat.h"
#include "io/directory.h"
#include "io/read_file.h"
#include "weights/safetensors_header.h"
#include "weights/shard_index.h"

namespace fathom {
namespace {

constexpr std::string_view kSingleFile = "model.safetensors";
constexpr std::string_view kIndexFile = "model.safetensors.index.json";

Result<MappedFile> map_file(const Directory& directory, std::string_view name) {
  FATHOM_ASSIGN_OR_RETURN(const File file, directory.open_file(name));
  return MappedFile::map(file, name);
}

Result<ShardIndex> read_index(const Directory& directory) {
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_file(directory, kIndexFile, kMaxShardIndexBytes));
  Result<ShardIndex> index = parse_shard_index(text);
  if (!index.ok()) return index.status().in(kIndexFile);
  return index;
}

// A shard holds exactly the tensors that the index gives it.
Status check_shard(const ShardIndex& index, uint32_t shard, std::span<const StoredTensor> tensors) {
  for (const StoredTensor& tensor : tensors) {
    const auto found = index.shard_of.find(std::string(tensor.name));
    if (found == index.shard_of.end() || found->second != shard) {
      const std::string listed =
          found == index.shard_of.end() ? "nowhere" : concat("in ", index.files[found->second]);
      return Status(StatusCode::kCorrupt,
                    concat(index.files[shard], ": ", shown_tensor(tensor.name),
                           ": expected the index to list it here, found it listed ", listed));
    }
  }
  return {};
}

}  // namespace

Result<std::string> read_config_text(IoEnv& env, const std::string& directory) {
  FATHOM_ASSIGN_OR_RETURN(const Directory opened, Directory::open(env, directory));
  return read_file(opened, "config.json", kMaxConfigBytes);
}

Result<WeightStore> WeightStore::open(IoEnv& env, const std::string& path) {
  FATHOM_ASSIGN_OR_RETURN(const Directory directory, Directory::open(env, path));
  WeightStore store;
  Result<MappedFile> single = map_file(directory, kSingleFile);
  if (single.ok()) {
    store.mappings_.push_back({std::string(kSingleFile), std::move(single).value()});
    FATHOM_RETURN_IF_ERROR(store.add_file(store.mappings_.back().file.bytes(), kSingleFile));
    return store;
  }
  if (single.status().code() != StatusCode::kNotFound) return single.status();
  Result<ShardIndex> index = read_index(directory);
  if (!index.ok() && index.status().code() == StatusCode::kNotFound) {
    return Status(StatusCode::kNotFound,
                  concat(path, ": expected ", kSingleFile, " or ", kIndexFile, ", found neither"));
  }
  if (!index.ok()) return index.status();
  for (uint32_t shard = 0; shard < index->files.size(); ++shard) {
    const std::string& name = index->files[shard];
    Result<MappedFile> mapping = map_file(directory, name);
    // kNotFound is for a directory without weights; an index that names a file which is not there is broken.
    if (!mapping.ok() && mapping.status().code() == StatusCode::kNotFound) {
      return Status(StatusCode::kCorrupt,
                    concat(kIndexFile, ": expected a shard ", name, ", found no such file"));
    }
    if (!mapping.ok()) return mapping.status();
    store.mappings_.push_back({name, std::move(mapping).value()});
    FATHOM_RETURN_IF_ERROR(store.add_file(store.mappings_.back().file.bytes(), name));
    FATHOM_RETURN_IF_ERROR(check_shard(*index, shard, store.files_.back().tensors()));
  }
  // Every stored tensor is listed where it lies, so equal counts mean that every listed one is there.
  if (store.tensors_.size() != index->shard_of.size()) {
    for (const auto& [name, shard] : index->shard_of) {
      if (store.find(name) != nullptr) continue;
      return Status(StatusCode::kCorrupt, concat(index->files[shard], ": expected ", shown_tensor(name),
                                                 " as the index says, found no such tensor"));
    }
  }
  return store;
}

Status WeightStore::check_intact() const {
  for (const Shard& shard : mappings_) {
    if (!shard.file.damaged()) continue;
    return Status(StatusCode::kIo, concat(shard.name,
                                          ": expected to read the mapped file, found it cut short or "
                                          "its disk failing; the model must be opened again"));
  }
  return {};
}

Result<WeightStore> WeightStore::from_memory(std::span<const std::byte> safetensors) {
  WeightStore store;
  FATHOM_RETURN_IF_ERROR(store.add_file(safetensors, kSingleFile));
  return store;
}

Status WeightStore::add_file(std::span<const std::byte> bytes, std::string_view name) {
  Result<SafetensorsFile> parsed = SafetensorsFile::parse(bytes);
  if (!parsed.ok()) return parsed.status().in(name);
  files_.push_back(std::move(parsed).value());
  const SafetensorsFile& file = files_.back();
  const auto name_of = [this](uint32_t place) { return tensors_[place].name; };
  for (const StoredTensor& tensor : file.tensors()) {
    if (!places_.insert(tensor.name, static_cast<uint32_t>(tensors_.size()), name_of)) {
      return Status(StatusCode::kCorrupt,
                    concat(name, ": ", shown_tensor(tensor.name), ": expected in one shard, found in two"));
    }
    tensors_.push_back(tensor);
    tensor_bytes_ += static_cast<int64_t>(tensor.bytes.size());
  }
  bound_.resize(tensors_.size(), false);
  file_bytes_ += static_cast<int64_t>(bytes.size());
  return {};
}

int64_t WeightStore::unbound_tensors() const noexcept { return std::ranges::count(bound_, false); }

const StoredTensor* WeightStore::find(std::string_view name) const noexcept {
  const uint32_t place = places_.find(name, [this](uint32_t at) { return tensors_[at].name; });
  return place == NameTable::kNone ? nullptr : &tensors_[place];
}

}  // namespace fathom
