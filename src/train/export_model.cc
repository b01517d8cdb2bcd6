// SPDX-License-Identifier: MIT
#include "train/export_model.h"

#include <deque>
#include <vector>

#include "base/concat.h"
#include "io/atomic_file.h"
#include "io/directory.h"
#include "io/json.h"
#include "weights/tensor_list.h"

namespace fathom {
namespace {

std::string scale_name(const std::string& weight) {
  return weight.substr(0, weight.size() - std::string_view("weight").size()) + "scale";
}

void add_parameter(const Parameter& p, TensorList& file) {
  if (!p.quantised()) {
    file.add(p.name, Dtype::kF32, p.shape, p.master);
    return;
  }
  const Dtype dtype = p.format == WeightFormat::kFp8E4m3 ? Dtype::kF8E4M3 : Dtype::kI8;
  file.add(p.name, dtype, {p.codes.rows(), p.codes.cols()}, p.codes);
  file.add(scale_name(p.name), Dtype::kF8E8M0, {p.scales.rows(), p.scales.cols()}, p.scales);
}

std::string weights_file(const ParameterSet& set) {
  TensorList file;
  std::deque<std::vector<int64_t>> tables;  // ids as I64, as released
  for (const Parameter& p : set.parameters) add_parameter(p, file);
  for (const ExpertTable& table : set.tables) {
    const int64_t count = table.experts.rows() * table.experts.cols();
    tables.emplace_back(table.experts.data(), table.experts.data() + count);
    file.add(table.name, Dtype::kI64, {table.experts.rows(), table.experts.cols()},
             std::as_bytes(std::span(tables.back())));
  }
  return file.bytes();
}

Result<std::string> exported_config(const ExportSource& source) {
  FATHOM_ASSIGN_OR_RETURN(JsonValue config, read_json(source.config_text));
  config.set("torch_dtype", JsonValue::string("float32"));
  if (source.formats.fp8) {
    FATHOM_ASSIGN_OR_RETURN(
        JsonValue quantisation,
        read_json(R"({"activation_scheme": "dynamic", "fmt": "e4m3", "quant_method": "fp8",
                                          "scale_fmt": "ue8m0", "weight_block_size": [128, 128]})"));
    config.set("quantization_config", std::move(quantisation));
    config.set("expert_dtype", JsonValue::string(source.formats.fp4 ? "fp4" : "fp8"));
  } else {
    config.set("quantization_config", JsonValue());
    config.set("expert_dtype", JsonValue());
  }
  return write_json(config) + "\n";
}

}  // namespace

Status export_model(IoEnv& env, const std::string& directory, const ExportSource& source,
                    const ParameterSet& set) {
  FATHOM_ASSIGN_OR_RETURN(const std::string config, exported_config(source));
  FATHOM_RETURN_IF_ERROR(make_directory(env, directory));
  FATHOM_RETURN_IF_ERROR(write_file_atomically(env, directory + "/config.json", config));
  FATHOM_RETURN_IF_ERROR(write_file_atomically(env, directory + "/tokenizer.json", source.tokenizer_text));
  return write_file_atomically(env, directory + "/model.safetensors", weights_file(set));
}

}  // namespace fathom
