// SPDX-License-Identifier: MIT
#include "engine/synthetic_model.h"

#include <cstring>
#include <string>

#include "base/huge_pages.h"
#include "engine/synthetic_tensors.h"
#include "weights/safetensors_writer.h"

namespace fathom {
namespace {

// Room before the data for the header: a tensor's entry takes about 130 bytes.
constexpr int64_t kHeaderBytesPerTensor = 512;

}  // namespace

Result<std::unique_ptr<SyntheticModel>> SyntheticModel::make(std::string_view preset, uint64_t seed,
                                                             ThreadPool& pool) {
  FATHOM_ASSIGN_OR_RETURN(std::string config_text, synthetic_config_text(preset));
  FATHOM_ASSIGN_OR_RETURN(const ModelConfig config, parse_model_config_text(config_text));
  const std::vector<SyntheticTensor> tensors = synthetic_tensors(config);
  int64_t data_bytes = 0;
  for (const SyntheticTensor& tensor : tensors) data_bytes += tensor.bytes();
  const int64_t header_room = kHeaderBytesPerTensor * static_cast<int64_t>(tensors.size());

  std::unique_ptr<SyntheticModel> model(new SyntheticModel());
  FATHOM_ASSIGN_OR_RETURN(model->memory_, MatBuf<std::byte>::allocate(1, header_room + data_bytes));
  prefer_huge_pages(model->memory_.data(), model->memory_.size_bytes());
  std::byte* const data = model->memory_.data() + header_room;
  std::vector<StoredTensor> stored;
  std::vector<std::span<std::byte>> places;
  for (int64_t at = 0; const SyntheticTensor& tensor : tensors) {
    places.emplace_back(data + at, static_cast<size_t>(tensor.bytes()));
    stored.push_back({tensor.name, tensor.dtype, tensor.shape, places.back()});
    at += tensor.bytes();
  }
  const SyntheticFiller filler(config);
  pool.run([&](int worker) {
    for (size_t i = 0; i < tensors.size(); ++i) filler.fill(tensors[i], seed, places[i], worker, pool.size());
  });

  // The header ends where the data begins; both are padded to 64 bytes.
  const std::string prefix = safetensors_prefix(stored);
  FATHOM_CHECK(static_cast<int64_t>(prefix.size()) <= header_room);
  std::memcpy(data - prefix.size(), prefix.data(), prefix.size());
  model->file_ = {data - prefix.size(), prefix.size() + static_cast<size_t>(data_bytes)};
  FATHOM_ASSIGN_OR_RETURN(model->loaded_, LoadedModel::from_memory(config_text, model->file_));
  return model;
}

}  // namespace fathom
