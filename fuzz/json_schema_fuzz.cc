// SPDX-License-Identifier: MIT
// Schemas, tool parameters and patterns from hostile clients: refused with a reason or compiled, and then
// every allowed token can be accepted (api.md 4.6, reliability.md P-6).
//
// Input: one byte of options (what the text is, strictness), one byte that steers the walk, then the text.
#include <bit>
#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "base/check.h"
#include "engine/loaded_model.h"
#include "io/io_env.h"
#include "text/constraint.h"

namespace {

using fathom::ConstraintSpec;

constexpr int kSteps = 24;

const fathom::ConstraintCompiler& compiler() {
  static const fathom::ConstraintCompiler made =
      fathom::ConstraintCompiler::create(
          fathom::open_tokenizer(fathom::system_io(), "builtin:tiny-chat").value())
          .value();
  return made;
}

ConstraintSpec spec_of(uint8_t options, std::string text) {
  ConstraintSpec spec;
  if ((options & 4) != 0) spec.keywords = ConstraintSpec::Keywords::kRefuseUnsupported;
  if ((options & 8) != 0) spec.call_count = ConstraintSpec::CallCount::kOne;
  switch (options & 3) {
    case 0:
    case 1: spec.format = ConstraintSpec::Format::kJsonSchema; break;
    case 2:
      spec.calls = ConstraintSpec::Calls::kRequired;
      spec.tools.push_back({"tool", std::move(text)});
      return spec;
    default: spec.format = ConstraintSpec::Format::kRegex; break;
  }
  spec.format_text = std::move(text);
  return spec;
}

// The allowed token with this number, counted round.
int32_t pick(const std::vector<uint32_t>& bits, uint32_t number) {
  uint32_t count = 0;
  for (const uint32_t word : bits) count += static_cast<uint32_t>(std::popcount(word));
  FATHOM_CHECK(count > 0);
  uint32_t left = number % count;
  for (size_t i = 0; i < bits.size() * 32; ++i) {
    if ((bits[i / 32] >> (i % 32) & 1) != 0 && left-- == 0) return static_cast<int32_t>(i);
  }
  return -1;
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2 || !fathom::constraints_available()) return 0;
  const auto plan =
      compiler().compile(spec_of(data[0], std::string(reinterpret_cast<const char*>(data) + 2, size - 2)));
  if (!plan.ok()) {
    FATHOM_CHECK(!plan.status().message().empty());
    FATHOM_CHECK(plan.status().code() == fathom::StatusCode::kInvalidArgument ||
                 plan.status().code() == fathom::StatusCode::kUnsupported);
    return 0;
  }
  fathom::TokenConstraint constraint = plan->start();
  std::vector<uint32_t> bits(4096 / 32 + 1);
  uint32_t number = data[1];
  for (int step = 0; step < kSteps && !constraint.is_finished(); ++step) {
    if (!constraint.mask(bits).ok()) return 0;  // too large to follow: that reply ends
    number = number * 1664525U + 1013904223U;
    FATHOM_CHECK(constraint.accept(pick(bits, number >> 8)).ok());
  }
  return 0;
}
