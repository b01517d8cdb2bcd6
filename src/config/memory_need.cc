// SPDX-License-Identifier: MIT
#include "config/memory_need.h"

#include <algorithm>

#include "base/checked_math.h"
#include "base/concat.h"
#include "base/human_units.h"
#include "config/state_bytes.h"

namespace fathom {
namespace {

Status out_of_bounds(std::string_view what, std::string_view expected, int64_t found) {
  return Status(StatusCode::kInvalidArgument,
                concat("memory plan: ", what, ": expected ", expected, ", found ", found));
}

std::string line(std::string_view label, std::string_view detail, int64_t bytes) {
  std::string text = concat("  ", label, "  ", detail);
  text.resize(std::max<size_t>(text.size() + 2, 46), ' ');
  const std::string exact = concat(with_commas(bytes), " B");
  text.append(exact.size() < 24 ? 24 - exact.size() : 0, ' ');
  return concat(text, exact, "   ", human_bytes(bytes), "\n");
}

}  // namespace

Status check_memory_request(const ModelConfig& config, const MemoryRequest& request) {
  if (request.context < 1 || request.context > config.max_position_embeddings) {
    return out_of_bounds("context", concat("1 to ", config.max_position_embeddings, " tokens"),
                         request.context);
  }
  if (request.sequences < 1) return out_of_bounds("sequences", "at least 1", request.sequences);
  if (request.memory_bytes < 1) return out_of_bounds("memory", "at least 1 byte", request.memory_bytes);
  return Status();
}

Result<MemoryNeed> plan_memory(const ModelConfig& config, const MemoryParts& parts,
                               const MemoryRequest& request) {
  MemoryNeed need;
  need.request = request;
  need.parts = parts;
  need.published_state_bytes = deployed_state_bytes(config, request.context);
  const auto state = checked_mul(static_cast<uint64_t>(parts.state_bytes_per_sequence),
                                 static_cast<uint64_t>(request.sequences));
  const auto fixed =
      checked_add(static_cast<uint64_t>(parts.weights_bytes), static_cast<uint64_t>(parts.activation_bytes));
  const auto needed = state && fixed ? checked_add(*state, *fixed) : std::nullopt;
  if (!needed || *needed > static_cast<uint64_t>(INT64_MAX)) {
    return Status(StatusCode::kOutOfRange,
                  concat("memory plan: sequences: expected a need below 2^63 bytes, found ",
                         request.sequences, " sequences"));
  }
  need.state_bytes = static_cast<int64_t>(*state);
  need.needed_bytes = static_cast<int64_t>(*needed);
  need.usable_bytes = request.memory_bytes / 100 * 92 + request.memory_bytes % 100 * 92 / 100;
  need.missing_bytes = std::max<int64_t>(0, need.needed_bytes - need.usable_bytes);
  return need;
}

JsonValue memory_need_json(const MemoryNeed& need) {
  JsonValue out = JsonValue::object();
  out.set("context", JsonValue::integer(need.request.context));
  out.set("sequences", JsonValue::integer(need.request.sequences));
  out.set("memory_bytes", JsonValue::integer(need.request.memory_bytes));
  out.set("usable_bytes", JsonValue::integer(need.usable_bytes));
  out.set("weights_bytes", JsonValue::integer(need.parts.weights_bytes));
  out.set("activation_bytes", JsonValue::integer(need.parts.activation_bytes));
  out.set("state_bytes_per_sequence", JsonValue::integer(need.parts.state_bytes_per_sequence));
  out.set("published_state_bytes_per_sequence", JsonValue::integer(need.published_state_bytes));
  out.set("state_bytes", JsonValue::integer(need.state_bytes));
  out.set("needed_bytes", JsonValue::integer(need.needed_bytes));
  out.set("fits", JsonValue::boolean(need.fits()));
  out.set("missing_bytes", JsonValue::integer(need.missing_bytes));
  return out;
}

std::string memory_need_text(const MemoryNeed& need) {
  const std::string per_sequence =
      concat(with_commas(need.request.sequences), " x ", human_bytes(need.parts.state_bytes_per_sequence),
             " (", with_commas(need.request.context), " tokens)");
  std::string text = "memory plan\n";
  text += line("weights", "", need.parts.weights_bytes);
  text += line("activations", "", need.parts.activation_bytes);
  text += line("state  ", per_sequence, need.state_bytes);
  text += line("released", "a state in released rows", need.published_state_bytes);
  text += line("needed ", "", need.needed_bytes);
  text += line("usable ", concat("92 % of ", human_bytes(need.request.memory_bytes)), need.usable_bytes);
  text += need.fits() ? line("fits   ", "left over", need.usable_bytes - need.needed_bytes)
                      : line("does not fit", "missing", need.missing_bytes);
  return text;
}

}  // namespace fathom
