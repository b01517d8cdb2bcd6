// SPDX-License-Identifier: MIT
#include "reference/compressor.h"

#include <algorithm>
#include <cmath>
#include <vector>

#include "base/check.h"
#include "reference/linear.h"
#include "reference/number.h"
#include "reference/rms_norm.h"
#include "reference/rope.h"

namespace fathom::reference {
namespace {

// One channel of one entry: the rows that meet there.
template <typename T>
struct GatedValues {
  std::vector<T> values;
  std::vector<T> gates;
};

// Appends channel `channel` of the m rows of a block; a gate is Z plus the position bias of its row in the
// block.
template <typename T>
void append_block(GatedValues<T>& out, const Matrix<T>& c_rows, const Matrix<T>& z_rows, const Matrix<T>& ape,
                  int64_t first_token, int64_t channel) {
  for (int64_t j = 0; j < ape.rows; ++j) {
    out.values.push_back(c_rows.at(first_token + j, channel));
    out.gates.push_back(z_rows.at(first_token + j, channel) + ape.at(j, channel));
  }
}

template <typename T>
T softmax_weighted_sum(const GatedValues<T>& rows) {
  Real<T> largest = real_part(rows.gates[0]);
  for (const T gate : rows.gates) largest = std::max(largest, real_part(gate));
  T weighted = T(0);
  T total = T(0);
  for (size_t j = 0; j < rows.gates.size(); ++j) {
    const T weight = std::exp(rows.gates[j] - T(largest));
    weighted += weight * rows.values[j];
    total += weight;
  }
  return weighted / total;
}

}  // namespace

int64_t visible_entries(int64_t token, int ratio) { return (token + 1) / ratio; }

template <typename T>
Matrix<T> pool(const Matrix<T>& c_rows, const Matrix<T>& z_rows, const Matrix<T>& ape,
               const LayerConfig& layer) {
  const int64_t ratio = layer.compress_ratio;
  FATHOM_CHECK(ape.rows == ratio && c_rows.cols == ape.cols && z_rows.cols == ape.cols);
  const int64_t channels = layer.overlap() ? ape.cols / 2 : ape.cols;
  Matrix<T> pooled(c_rows.rows / ratio, channels);
  for (int64_t entry = 0; entry < pooled.rows; ++entry) {
    for (int64_t channel = 0; channel < channels; ++channel) {
      GatedValues<T> rows;
      if (layer.overlap()) {
        if (entry > 0) append_block(rows, c_rows, z_rows, ape, (entry - 1) * ratio, channel);
        append_block(rows, c_rows, z_rows, ape, entry * ratio, channels + channel);
      } else {
        append_block(rows, c_rows, z_rows, ape, entry * ratio, channel);
      }
      pooled.at(entry, channel) = softmax_weighted_sum(rows);
    }
  }
  return pooled;
}

template <typename T>
void finish_entries(Matrix<T>& pooled, const CompressorWeights<T>& w, const LayerConfig& layer,
                    const ModelConfig& config) {
  for (int64_t entry = 0; entry < pooled.rows; ++entry) {
    rms_norm(pooled.row(entry), std::span<const T>(w.norm), config.rms_norm_eps);
    const int64_t position = entry * layer.compress_ratio;
    rotate(pooled.row(entry),
           std::span<const float>(rope_angles(layer.rope, config.qk_rope_head_dim, position)));
  }
}

template <typename T>
Matrix<T> compress(const Matrix<T>& x, const CompressorWeights<T>& w, const LayerConfig& layer,
                   const ModelConfig& config) {
  Matrix<T> entries = pool(multiply_rows(w.wkv, x), multiply_rows(w.wgate, x), w.ape, layer);
  finish_entries(entries, w, layer, config);
  return entries;
}

template Matrix<float> pool(const Matrix<float>&, const Matrix<float>&, const Matrix<float>&,
                            const LayerConfig&);
template Matrix<double> pool(const Matrix<double>&, const Matrix<double>&, const Matrix<double>&,
                             const LayerConfig&);
template Matrix<Complex> pool(const Matrix<Complex>&, const Matrix<Complex>&, const Matrix<Complex>&,
                              const LayerConfig&);
template void finish_entries(Matrix<float>&, const CompressorWeights<float>&, const LayerConfig&,
                             const ModelConfig&);
template void finish_entries(Matrix<double>&, const CompressorWeights<double>&, const LayerConfig&,
                             const ModelConfig&);
template void finish_entries(Matrix<Complex>&, const CompressorWeights<Complex>&, const LayerConfig&,
                             const ModelConfig&);
template Matrix<float> compress(const Matrix<float>&, const CompressorWeights<float>&, const LayerConfig&,
                                const ModelConfig&);
template Matrix<double> compress(const Matrix<double>&, const CompressorWeights<double>&, const LayerConfig&,
                                 const ModelConfig&);
template Matrix<Complex> compress(const Matrix<Complex>&, const CompressorWeights<Complex>&,
                                  const LayerConfig&, const ModelConfig&);

}  // namespace fathom::reference
