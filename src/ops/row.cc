// SPDX-License-Identifier: MIT
#include "ops/row.h"

#include "base/check.h"
#include "kernels/dispatch.h"

namespace fathom {

void add_row(std::span<const float> x, std::span<float> y) noexcept {
  FATHOM_DCHECK(x.size() == y.size());
  kernels().row->add(x.data(), static_cast<int64_t>(x.size()), y.data());
}

}  // namespace fathom
