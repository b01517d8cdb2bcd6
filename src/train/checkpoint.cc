// SPDX-License-Identifier: MIT
#include "train/checkpoint.h"

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <vector>

#include "base/concat.h"
#include "io/atomic_file.h"
#include "io/descriptor.h"
#include "io/digest.h"
#include "io/directory.h"
#include "io/mapped_file.h"
#include "io/read_file.h"
#include "weights/safetensors.h"
#include "weights/safetensors_writer.h"

namespace fathom {
namespace {

constexpr const char* kWeightsFile = "weights.safetensors";
constexpr const char* kOptimiserFile = "optimizer.safetensors";
constexpr const char* kStateFile = "state.json";
constexpr const char* kManifestFile = "manifest.json";
constexpr int64_t kMaxJsonBytes = 1 << 20;
constexpr int64_t kVersion = 1;

// One tensor with its memory, for writing and for reading back.
struct NamedBytes {
  std::string name;
  Dtype dtype = Dtype::kF32;
  std::vector<int64_t> shape;
  std::span<std::byte> bytes;
};

template <typename T>
NamedBytes named(std::string name, Dtype dtype, const MatBuf<T>& buf) {
  auto* data =
      const_cast<T*>(buf.data());  // NOLINT(cppcoreguidelines-pro-type-const-cast): only readers write
  return {std::move(name),
          dtype,
          {buf.rows(), buf.cols()},
          std::as_writable_bytes(std::span(data, buf.size_bytes() / sizeof(T)))};
}

std::vector<NamedBytes> weight_tensors(const ParameterSet& set) {
  std::vector<NamedBytes> tensors;
  for (const Parameter& p : set.parameters) tensors.push_back(named(p.name, Dtype::kF32, p.master));
  for (const ExpertTable& table : set.tables)
    tensors.push_back(named(table.name, Dtype::kI32, table.experts));
  return tensors;
}

std::vector<NamedBytes> moment_tensors(const ParameterSet& set, const Optimiser& optimiser) {
  std::vector<NamedBytes> tensors;
  for (size_t i = 0; i < set.parameters.size(); ++i) {
    const Moments& m = optimiser.moments()[i];
    const std::string& name = set.parameters[i].name;
    if (m.first.size_bytes() > 0) tensors.push_back(named("first." + name, Dtype::kF32, m.first));
    if (m.second.size_bytes() > 0) tensors.push_back(named("second." + name, Dtype::kF32, m.second));
  }
  return tensors;
}

std::string file_of(const std::vector<NamedBytes>& tensors) {
  std::vector<StoredTensor> views;
  for (const NamedBytes& t : tensors) views.push_back({t.name, t.dtype, t.shape, t.bytes});
  return safetensors_bytes(views);
}

std::string state_text(const RunState& state) {
  JsonValue json = JsonValue::object();
  json.set("version", JsonValue::integer(kVersion));
  json.set("step", JsonValue::integer(state.step));
  json.set("updates", JsonValue::integer(state.updates));
  json.set("skipped", JsonValue::integer(state.skipped));
  json.set("data", JsonValue::string(state.data_digest));
  return write_json(json) + "\n";
}

Result<RunState> read_state(std::string_view text) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue json, read_json(text));
  const auto integer = [&](std::string_view key) -> std::optional<int64_t> {
    const JsonValue* value = json.find(key);
    return value != nullptr && value->is_number() ? value->as_int64() : std::nullopt;
  };
  const JsonValue* data = json.find("data");
  const auto step = integer("step"), updates = integer("updates"), skipped = integer("skipped");
  if (integer("version") != kVersion || !step || !updates || !skipped || data == nullptr ||
      !data->is_string()) {
    return Status(StatusCode::kCorrupt, concat(kStateFile, ": expected version ", kVersion,
                                               " with step, updates, skipped and data, found others"));
  }
  return RunState{*step, *updates, *skipped, data->as_string()};
}

class CheckpointWriter {
 public:
  CheckpointWriter(IoEnv& env, std::string directory) : env_(env), directory_(std::move(directory)) {}

  Status add(const std::string& name, const std::string& bytes) {
    JsonValue entry = JsonValue::object();
    entry.set("bytes", JsonValue::integer(static_cast<int64_t>(bytes.size())));
    entry.set("sha256", JsonValue::string(hex(sha256({std::as_bytes(std::span(bytes))}))));
    manifest_.set(name, std::move(entry));
    return write_file_atomically(env_, directory_ + "/" + name, bytes);
  }
  Status finish() {
    return write_file_atomically(env_, directory_ + "/" + kManifestFile, write_json(manifest_) + "\n");
  }

 private:
  IoEnv& env_;
  std::string directory_;
  JsonValue manifest_ = JsonValue::object();
};

Status rename_into_place(IoEnv& env, const std::string& directory, const std::string& from,
                         const std::string& to) {
  const Descriptor parent(env, env.open_directory(directory));
  if (parent.get() < 0) return system_error(-parent.get(), directory);
  const int renamed = env.rename(parent.get(), from, to);
  // A checkpoint of this step is there already: the same run came here before, with the same bytes.
  if (renamed == -EEXIST || renamed == -ENOTEMPTY) return {};
  if (renamed != 0) return system_error(-renamed, directory + "/" + to);
  const int synced = env.sync(parent.get());
  return synced == 0 ? Status() : system_error(-synced, directory);
}

// The steps of the checkpoints in a directory, newest first.
Result<std::vector<int64_t>> list_steps(IoEnv& env, const std::string& directory) {
  const Descriptor open(env, env.open_directory(directory));
  if (open.get() < 0) return system_error(-open.get(), directory);
  std::vector<std::string> names;
  const int error = env.list(open.get(), names);
  if (error < 0) return system_error(-error, directory);
  std::vector<int64_t> steps;
  for (const std::string& name : names) {
    const std::string_view digits = std::string_view(name).substr(std::min<size_t>(name.size(), 5));
    const bool number = name.starts_with("step-") && !digits.empty() && digits.size() <= 18 &&
                        digits.find_first_not_of("0123456789") == std::string_view::npos;
    if (number) steps.push_back(std::stoll(std::string(digits)));
  }
  std::sort(steps.rbegin(), steps.rend());
  return steps;
}

// Checks every file against the manifest.
Status verify(IoEnv& env, const std::string& directory) {
  FATHOM_ASSIGN_OR_RETURN(const Directory files, Directory::open(env, directory));
  FATHOM_ASSIGN_OR_RETURN(const std::string text, read_file(files, kManifestFile, kMaxJsonBytes));
  FATHOM_ASSIGN_OR_RETURN(const JsonValue manifest, read_json(text));
  for (const char* name : {kWeightsFile, kOptimiserFile, kStateFile}) {
    const JsonValue* entry = manifest.find(name);
    const JsonValue* digest = entry == nullptr ? nullptr : entry->find("sha256");
    FATHOM_ASSIGN_OR_RETURN(const File file, files.open_file(name));
    FATHOM_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::map(file, name));
    const std::string found = hex(sha256({mapped.bytes()}));
    if (digest == nullptr || !digest->is_string() || digest->as_string() != found) {
      return Status(StatusCode::kCorrupt, concat(directory, "/", name, ": expected the digest of ",
                                                 kManifestFile, ", found ", found));
    }
  }
  return {};
}

Status read_tensors(IoEnv& env, const std::string& directory, const char* name,
                    std::vector<NamedBytes> wanted) {
  FATHOM_ASSIGN_OR_RETURN(const Directory files, Directory::open(env, directory));
  FATHOM_ASSIGN_OR_RETURN(const File file, files.open_file(name));
  FATHOM_ASSIGN_OR_RETURN(const MappedFile mapped, MappedFile::map(file, name));
  const auto parsed = SafetensorsFile::parse(mapped.bytes());
  if (!parsed.ok()) return parsed.status().in(directory + "/" + name);
  if (parsed->tensors().size() != wanted.size()) {
    return Status(StatusCode::kCorrupt, concat(directory, "/", name, ": expected ", wanted.size(),
                                               " tensors, found ", parsed->tensors().size()));
  }
  for (size_t i = 0; i < wanted.size(); ++i) {
    const StoredTensor& found = parsed->tensors()[i];
    if (found.name != wanted[i].name || found.dtype != wanted[i].dtype ||
        !std::ranges::equal(found.shape, wanted[i].shape)) {
      return Status(StatusCode::kCorrupt,
                    concat(directory, "/", name, ": ", wanted[i].name, ": expected ",
                           dtype_and_shape(dtype_name(wanted[i].dtype), wanted[i].shape), ", found ",
                           found.name, " ", dtype_and_shape(dtype_name(found.dtype), found.shape)));
    }
    std::memcpy(wanted[i].bytes.data(), found.bytes.data(), found.bytes.size());
  }
  return {};
}

}  // namespace

Status write_checkpoint(IoEnv& env, const std::string& directory, const RunState& state,
                        const ParameterSet& set, const Optimiser& optimiser) {
  FATHOM_RETURN_IF_ERROR(make_directory(env, directory));
  const std::string name = concat("step-", state.step);
  const std::string unfinished = concat(name, ".unfinished");
  const std::string path = directory + "/" + unfinished;
  FATHOM_RETURN_IF_ERROR(make_directory(env, path));
  CheckpointWriter writer(env, path);
  FATHOM_RETURN_IF_ERROR(writer.add(kWeightsFile, file_of(weight_tensors(set))));
  FATHOM_RETURN_IF_ERROR(writer.add(kOptimiserFile, file_of(moment_tensors(set, optimiser))));
  FATHOM_RETURN_IF_ERROR(writer.add(kStateFile, state_text(state)));
  FATHOM_RETURN_IF_ERROR(writer.finish());
  return rename_into_place(env, directory, unfinished, name);
}

Result<RunState> read_newest_checkpoint(IoEnv& env, const std::string& directory, ParameterSet& set,
                                        Optimiser& optimiser) {
  FATHOM_ASSIGN_OR_RETURN(const std::vector<int64_t> steps, list_steps(env, directory));
  Status first_error;
  for (const int64_t step : steps) {
    const std::string path = concat(directory, "/step-", step);
    const Status verified = verify(env, path);
    if (!verified.ok()) {
      if (first_error.ok()) first_error = verified;
      continue;
    }
    FATHOM_ASSIGN_OR_RETURN(const Directory files, Directory::open(env, path));
    FATHOM_ASSIGN_OR_RETURN(const std::string text, read_file(files, kStateFile, kMaxJsonBytes));
    FATHOM_ASSIGN_OR_RETURN(const RunState state, read_state(text));
    FATHOM_RETURN_IF_ERROR(read_tensors(env, path, kWeightsFile, weight_tensors(set)));
    FATHOM_RETURN_IF_ERROR(read_tensors(env, path, kOptimiserFile, moment_tensors(set, optimiser)));
    set.refresh_shadows();
    return state;
  }
  if (!first_error.ok()) return first_error;
  return Status(StatusCode::kNotFound, concat(directory, ": expected a checkpoint step-N, found none"));
}

}  // namespace fathom
