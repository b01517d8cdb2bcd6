// SPDX-License-Identifier: MIT
#include "golden/reference_producer.h"

#include <algorithm>
#include <memory>

#include "apps/reference_weights.h"

namespace fathom {
namespace {

template <typename T>
reference::Matrix<float> as_float(const reference::Matrix<T>& m) {
  reference::Matrix<float> out(m.rows, m.cols);
  std::ranges::transform(m.data, out.data.begin(), [](T v) { return static_cast<float>(v); });
  return out;
}

}  // namespace

template <typename T>
Producer reference_producer(const Checkpoint& checkpoint) {
  const auto weights = std::make_shared<const reference::Weights<T>>(to_reference<T>(checkpoint.weights));
  return [weights, config = checkpoint.config](std::span<const int32_t> tokens,
                                               const ForwardRequest& request) {
    reference::Output<T> got = reference::forward(
        config, *weights, tokens, {.rounding = request.rounding, .mtp = request.mtp, .trace = request.trace});
    reference::Output<float> out{as_float(got.logits),
                                 as_float(got.mtp_logits),
                                 {},
                                 std::move(got.choices),
                                 std::move(got.mtp_choices)};
    for (const reference::Matrix<T>& streams : got.streams) out.streams.push_back(as_float(streams));
    return out;
  };
}

template Producer reference_producer<float>(const Checkpoint&);
template Producer reference_producer<double>(const Checkpoint&);

}  // namespace fathom
