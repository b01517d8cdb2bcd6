// SPDX-License-Identifier: MIT
#include "apps/reference_weights.h"

#include <span>
#include <vector>

#include "base/check.h"
#include "numeric/bf16.h"
#include "numeric/fp4_e2m1.h"
#include "numeric/fp8_e4m3.h"
#include "numeric/ue8m0.h"
#include "reference/number.h"

namespace fathom {
namespace {

// Element (row, col) without its scale.
float stored_value(const WeightView& view, int64_t row, int64_t col) {
  const int64_t i = row * view.cols + col;
  switch (view.format) {
    case WeightFormat::kF32: return static_cast<const float*>(view.data)[i];
    case WeightFormat::kBf16: return bf16_to_float(static_cast<const uint16_t*>(view.data)[i]);
    case WeightFormat::kFp8E4m3: return fp8_e4m3_to_float(static_cast<const uint8_t*>(view.data)[i]);
    case WeightFormat::kFp4E2m1: {
      const uint8_t byte = static_cast<const uint8_t*>(view.data)[i / 2];
      return fp4_e2m1_to_float(static_cast<uint8_t>(i % 2 == 0 ? byte & 0xfu : byte >> 4));
    }
  }
  FATHOM_CHECK(false);
}

float scale_of(const WeightView& view, int64_t row, int64_t col) {
  if (view.scales == nullptr) return 1.0f;
  const int64_t scale_cols = (view.cols + view.block.cols - 1) / view.block.cols;
  return ue8m0_to_float(view.scales[row / view.block.rows * scale_cols + col / view.block.cols]);
}

template <typename T>
T number(double value) {
  return T(static_cast<reference::Real<T>>(value));
}

template <typename T>
std::vector<T> copy_vector(std::span<const float> values) {
  std::vector<T> out;
  for (const float v : values) out.push_back(number<T>(v));
  return out;
}

template <typename T>
reference::Matrix<T> copy_matrix(MatView<const float> view) {
  reference::Matrix<T> out(view.rows, view.cols);
  for (int64_t r = 0; r < view.rows; ++r) {
    for (int64_t c = 0; c < view.cols; ++c) out.at(r, c) = number<T>(view.at(r, c));
  }
  return out;
}

reference::Matrix<int32_t> copy_table(MatView<const int32_t> view) {
  reference::Matrix<int32_t> out(view.rows, view.cols);
  for (int64_t r = 0; r < view.rows; ++r) {
    for (int64_t c = 0; c < view.cols; ++c) out.at(r, c) = view.at(r, c);
  }
  return out;
}

template <typename T>
reference::LinearWeights<T> copy_linear(const WeightView& view) {
  return {dequantize<T>(view), view.quantizes_activations()};
}

template <typename T>
reference::HyperConnectionWeights<T> copy_hc(const HyperConnectionWeights& w) {
  return {copy_matrix<T>(w.fn), copy_vector<T>(w.base), copy_vector<T>(w.scale)};
}

template <typename T>
reference::CompressorWeights<T> copy_compressor(const CompressorWeights& w) {
  return {dequantize<T>(w.wkv), dequantize<T>(w.wgate), copy_matrix<T>(w.ape), copy_vector<T>(w.norm)};
}

template <typename T>
reference::AttentionWeights<T> copy_attention(const AttentionWeights& w) {
  reference::AttentionWeights<T> out;
  out.wq_a = copy_linear<T>(w.wq_a);
  out.wq_b = copy_linear<T>(w.wq_b);
  out.wkv = copy_linear<T>(w.wkv);
  for (const WeightView& group : w.wo_a) out.wo_a.push_back(dequantize<T>(group));
  out.wo_b = copy_linear<T>(w.wo_b);
  out.q_norm = copy_vector<T>(w.q_norm);
  out.kv_norm = copy_vector<T>(w.kv_norm);
  out.attn_sink = copy_vector<T>(w.attn_sink);
  if (w.compressor) out.compressor = copy_compressor<T>(*w.compressor);
  if (w.indexer) {
    out.indexer = {copy_linear<T>(w.indexer->wq_b), dequantize<T>(w.indexer->weights_proj),
                   copy_compressor<T>(w.indexer->compressor)};
  }
  return out;
}

template <typename T>
reference::ExpertWeights<T> copy_expert(const ExpertWeights& w) {
  return {copy_linear<T>(w.w1), copy_linear<T>(w.w2), copy_linear<T>(w.w3)};
}

template <typename T>
reference::MoeWeights<T> copy_moe(const MoeWeights& w) {
  reference::MoeWeights<T> out{dequantize<T>(w.gate), copy_vector<T>(w.bias), copy_table(w.tid2eid), {}, {}};
  for (const ExpertWeights& expert : w.experts) out.experts.push_back(copy_expert<T>(expert));
  if (w.shared_experts) out.shared_experts = copy_expert<T>(*w.shared_experts);
  return out;
}

template <typename T>
reference::BlockWeights<T> copy_block(const BlockWeights& w) {
  return {copy_hc<T>(w.hc_attn),      copy_hc<T>(w.hc_ffn),      copy_vector<T>(w.attn_norm),
          copy_vector<T>(w.ffn_norm), copy_attention<T>(w.attn), copy_moe<T>(w.ffn)};
}

}  // namespace

template <typename T>
reference::Matrix<T> dequantize(const WeightView& view) {
  reference::Matrix<T> out(view.rows, view.cols);
  for (int64_t r = 0; r < view.rows; ++r) {
    for (int64_t c = 0; c < view.cols; ++c) {
      out.at(r, c) = number<T>(static_cast<double>(stored_value(view, r, c)) * scale_of(view, r, c));
    }
  }
  return out;
}

template <typename T>
reference::Weights<T> to_reference(const ModelWeights& weights) {
  reference::Weights<T> out{dequantize<T>(weights.embed),
                            dequantize<T>(weights.head),
                            copy_vector<T>(weights.norm),
                            copy_hc<T>(weights.hc_head),
                            {},
                            {}};
  for (const BlockWeights& layer : weights.layers) out.layers.push_back(copy_block<T>(layer));
  if (weights.mtp) {
    const MtpWeights& mtp = *weights.mtp;
    out.mtp = {copy_block<T>(mtp.block),  copy_linear<T>(mtp.e_proj), copy_linear<T>(mtp.h_proj),
               copy_vector<T>(mtp.enorm), copy_vector<T>(mtp.hnorm),  copy_vector<T>(mtp.norm),
               copy_hc<T>(mtp.hc_head)};
  }
  return out;
}

template reference::Matrix<float> dequantize(const WeightView&);
template reference::Matrix<double> dequantize(const WeightView&);
template reference::Matrix<reference::Complex> dequantize(const WeightView&);
template reference::Weights<float> to_reference(const ModelWeights&);
template reference::Weights<double> to_reference(const ModelWeights&);
template reference::Weights<reference::Complex> to_reference(const ModelWeights&);

}  // namespace fathom
