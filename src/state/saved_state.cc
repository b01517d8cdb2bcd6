// SPDX-License-Identifier: MIT
// SequenceState::save and restore: a whole state as bytes (design.md 5).
//
//   saved  := "FATHOMST" version shape_count shape* tokens draft_tokens token_ids section*
//
// version and shape_count are u32, shape, tokens and draft_tokens i64, token ids i32; sections as in
// snapshot.h.
#include <algorithm>
#include <array>
#include <cstring>

#include "base/checked_math.h"
#include "base/concat.h"
#include "state/sequence_state.h"
#include "state/snapshot.h"

namespace fathom {
namespace {

constexpr std::array<char, 8> kMagic = {'F', 'A', 'T', 'H', 'O', 'M', 'S', 'T'};
constexpr uint32_t kVersion = 1;
// Positions pass neither this nor any product with a row in 63 bits.
constexpr int64_t kMostTokens = int64_t{1} << 30;

Status corrupt(std::string_view what) { return Status(StatusCode::kCorrupt, concat("state: ", what)); }

template <typename T>
Status write_values(ByteSink& sink, std::span<const T> values) {
  return sink.write(std::as_bytes(values));
}

// Reads from the front of a span.
class Cursor {
 public:
  explicit Cursor(std::span<const std::byte> bytes) : rest_(bytes) {}

  Result<std::span<const std::byte>> take(uint64_t bytes) {
    if (bytes > rest_.size()) {
      return Status(StatusCode::kCorrupt,
                    concat("state: expected ", bytes, " more bytes, found ", rest_.size()));
    }
    const auto out = rest_.first(static_cast<size_t>(bytes));
    rest_ = rest_.subspan(static_cast<size_t>(bytes));
    return out;
  }
  template <typename T>
  Result<std::vector<T>> values(int64_t count) {
    FATHOM_ASSIGN_OR_RETURN(const auto bytes, take(static_cast<uint64_t>(count) * sizeof(T)));
    std::vector<T> out(static_cast<size_t>(count));
    if (count > 0) std::memcpy(out.data(), bytes.data(), bytes.size());
    return out;
  }
  bool empty() const noexcept { return rest_.empty(); }

 private:
  std::span<const std::byte> rest_;
};

Status check_head(Cursor& cursor, const std::vector<int64_t>& shape) {
  FATHOM_ASSIGN_OR_RETURN(const auto magic, cursor.take(kMagic.size()));
  if (std::memcmp(magic.data(), kMagic.data(), kMagic.size()) != 0)
    return corrupt("expected FATHOMST at its start");
  FATHOM_ASSIGN_OR_RETURN(const auto head, cursor.values<uint32_t>(2));
  if (head[0] != kVersion) {
    return Status(StatusCode::kUnsupported,
                  concat("state: expected version ", kVersion, ", found ", head[0]));
  }
  bool same = head[1] == shape.size();
  if (same) {
    FATHOM_ASSIGN_OR_RETURN(const auto found, cursor.values<int64_t>(head[1]));
    same = found == shape;
  }
  if (same) return Status();
  return Status(StatusCode::kInvalidArgument, "state: expected one of the same config and precision");
}

Status read_body(Cursor& cursor, SequenceState& state) {
  FATHOM_ASSIGN_OR_RETURN(const auto counts, cursor.values<int64_t>(2));
  const SnapshotRange range{.first = 0, .last = counts[0], .draft_tokens = counts[1]};
  if (range.last < 0 || range.last > kMostTokens) return corrupt("token count out of range");
  if (range.draft_tokens != 0 && (range.draft_tokens != range.last || !state.has_draft_layer())) {
    return corrupt("draft token count out of range");
  }
  FATHOM_ASSIGN_OR_RETURN(const auto tokens, cursor.values<int32_t>(range.last));
  std::vector<SectionBytes> sections;
  for (const SnapshotSection& section : snapshot_sections(state, range)) {
    FATHOM_ASSIGN_OR_RETURN(const auto bytes, cursor.take(static_cast<uint64_t>(section.bytes)));
    sections.push_back({section, bytes});
  }
  if (!cursor.empty()) return corrupt("expected no bytes after the last section");
  SnapshotReader reader(state);
  const Snapshot snapshot{range, tokens, sections};
  FATHOM_RETURN_IF_ERROR(reader.append(snapshot));
  return reader.finish(snapshot);
}

}  // namespace

Status SequenceState::save(ByteSink& sink) const {
  const std::vector<int64_t> shape = snapshot_shape(*this);
  const std::array<uint32_t, 2> head = {kVersion, static_cast<uint32_t>(shape.size())};
  const std::array<int64_t, 2> counts = {position(), draft_tokens_};
  FATHOM_RETURN_IF_ERROR(write_values(sink, std::span<const char>(kMagic)));
  FATHOM_RETURN_IF_ERROR(write_values(sink, std::span<const uint32_t>(head)));
  FATHOM_RETURN_IF_ERROR(write_values(sink, std::span<const int64_t>(shape)));
  FATHOM_RETURN_IF_ERROR(write_values(sink, std::span<const int64_t>(counts)));
  FATHOM_RETURN_IF_ERROR(write_values(sink, tokens()));
  const SnapshotRange range{.first = 0, .last = position(), .draft_tokens = draft_tokens_};
  for (const SnapshotSection& section : snapshot_sections(*this, range)) {
    FATHOM_RETURN_IF_ERROR(write_section(*this, range, section, sink));
  }
  return Status();
}

Status SequenceState::restore(std::span<const std::byte> saved) {
  clear();
  Cursor cursor(saved);
  Status status = check_head(cursor, snapshot_shape(*this));
  if (status.ok()) status = read_body(cursor, *this);
  if (!status.ok()) clear();
  return status;
}

}  // namespace fathom
