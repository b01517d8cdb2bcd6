// SPDX-License-Identifier: MIT
// What a state is made of when it is written down: sections of rows (design.md 5, 19). Whole states and the
// prefix cache's segments hold the same sections, so nothing of a state can be forgotten in one of them only.
//
// A snapshot of tokens [first, last) is the entries and index keys that these tokens closed, and the tail:
// the rows that token `last` needs besides them. Engine thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <span>
#include <vector>

#include "base/byte_sink.h"
#include "state/sequence_state.h"

namespace fathom {

// Values are on disk (docs/formats/segment.md) and never reused.
enum class SectionKind : uint8_t {
  kEntries = 1,    // rows of closed blocks
  kIndexKeys = 2,  // the indexer's
  kWindow = 3,     // last sliding_window - 1 rows
  kRows = 4,       // C rows, then Z rows, of blocks that an entry to come pools
  kIndexRows = 5,  // the indexer's
  kDraft = 6,      // streams of the last position
};

// Whether a later snapshot of the same sequence still needs the section.
constexpr bool is_tail(SectionKind kind) noexcept {
  return kind != SectionKind::kEntries && kind != SectionKind::kIndexKeys;
}

// Layer layer_count() is the draft layer. Rows lie in the order of their positions.
struct SnapshotSection {
  int layer = 0;
  SectionKind kind = SectionKind::kWindow;
  int64_t bytes = 0;

  friend bool operator==(const SnapshotSection&, const SnapshotSection&) = default;
};

struct SnapshotRange {
  int64_t first = 0;
  int64_t last = 0;
  int64_t draft_tokens = 0;  // `last` where the draft layer ran, else 0
};

// The sections of a range in the order of a file; those without bytes are left out. Only the shape of `state`
// counts, not what it holds.
std::vector<SnapshotSection> snapshot_sections(const SequenceState& state, const SnapshotRange& range);

// Writes the bytes of one of these sections; range.last is the state's position.
Status write_section(const SequenceState& state, const SnapshotRange& range, const SnapshotSection& section,
                     ByteSink& sink);

// The numbers that fix the form of every row: equal for states of one config and precision.
std::vector<int64_t> snapshot_shape(const SequenceState& state);

// A section as it was read.
struct SectionBytes {
  SnapshotSection section;
  std::span<const std::byte> bytes;
};

struct Snapshot {
  SnapshotRange range;
  std::span<const int32_t> tokens;  // of the range
  std::span<const SectionBytes> sections;
};

// Puts a state together from snapshots of adjacent ranges. kCorrupt whenever one does not hold exactly what
// its range has, kResourceExhausted without memory. The state is of use only after finish, or when cleared.
class SnapshotReader {
 public:
  // Empties the state.
  explicit SnapshotReader(SequenceState& state) noexcept;

  // The tokens, entries and index keys of the next snapshot.
  Status append(const Snapshot& snapshot);
  // The tail of the snapshot that was appended last.
  Status finish(const Snapshot& snapshot);

 private:
  SequenceState& state_;
};

}  // namespace fathom
