// SPDX-License-Identifier: MIT
#include "state/snapshot.h"

#include <algorithm>
#include <bit>
#include <cstring>
#include <utility>

#include "base/concat.h"

namespace fathom {
namespace {

static_assert(std::endian::native == std::endian::little, "states are written as they lie in memory");

// Positions of a ring, or rows of a store.
struct RowRange {
  int64_t first = 0;
  int64_t last = 0;

  int64_t count() const noexcept { return last - first; }
};

// The rows of the last W - 1 positions: what the window of the next token sees besides the token itself.
RowRange window_rows(const LayerState& layer, int64_t seen) noexcept {
  const int64_t carried = layer.window.capacity() - kUndoTokens - 1;
  return {std::max<int64_t>(0, seen - carried), seen};
}

// The open block's rows, with overlap also those of the block before it.
RowRange raw_rows(const CompressorState& state, int64_t position) noexcept {
  const int64_t open = position / state.ratio;
  return {std::max<int64_t>(0, state.overlap ? open - 1 : open) * state.ratio, position};
}

RowRange entry_rows(const CompressorState& state, const SnapshotRange& range) noexcept {
  return {range.first / state.ratio, range.last / state.ratio};
}

// Rows of the draft layer; it has one less than tokens.
int64_t draft_rows(const SnapshotRange& range) noexcept {
  return std::max<int64_t>(0, range.draft_tokens - 1);
}

int64_t raw_bytes(const CompressorState& state, const SnapshotRange& range) noexcept {
  return raw_rows(state, range.last).count() * (state.c.row_bytes() + state.z.row_bytes());
}

int64_t entry_bytes(const CompressorState& state, const SnapshotRange& range) noexcept {
  return entry_rows(state, range).count() * state.entries.row_bytes();
}

class SectionList {
 public:
  void add(int layer, SectionKind kind, int64_t bytes) {
    if (bytes > 0) sections_.push_back({layer, kind, bytes});
  }
  std::vector<SnapshotSection> take() && { return std::move(sections_); }

 private:
  std::vector<SnapshotSection> sections_;
};

// The visits below hand out runs of bytes, mutable where the state is.
template <typename Ring, typename Visit>
Status visit_ring(Ring& ring, RowRange rows, Visit visit) {
  for (int64_t p = rows.first; p < rows.last; ++p)
    FATHOM_RETURN_IF_ERROR(visit(ring.bytes(p), ring.row_bytes()));
  return Status();
}

template <typename Store, typename Visit>
Status visit_store(Store& store, RowRange rows, Visit visit) {
  for (int64_t i = rows.first; i < rows.last;) {
    const int64_t end = std::min(rows.last, (i / RowStore::kPageRows + 1) * RowStore::kPageRows);
    FATHOM_RETURN_IF_ERROR(visit(store.bytes(i), (end - i) * store.row_bytes()));
    i = end;
  }
  return Status();
}

template <typename Compressor, typename Visit>
Status visit_raw(Compressor& state, const SnapshotRange& range, Visit visit) {
  const RowRange rows = raw_rows(state, range.last);
  FATHOM_RETURN_IF_ERROR(visit_ring(state.c, rows, visit));
  return visit_ring(state.z, rows, visit);
}

template <typename State, typename Visit>
Status visit_section(State& state, const SnapshotRange& range, const SnapshotSection& section, Visit visit) {
  if (section.kind == SectionKind::kDraft) {
    return visit_ring(state.draft_streams(), {range.last - 1, range.last}, visit);
  }
  const bool draft = section.layer == state.layer_count();
  auto& layer = draft ? state.draft_layer() : state.layer(section.layer);
  switch (section.kind) {
    case SectionKind::kEntries:
      return visit_store(layer.compressor->entries, entry_rows(*layer.compressor, range), visit);
    case SectionKind::kIndexKeys:
      return visit_store(layer.indexer->entries, entry_rows(*layer.indexer, range), visit);
    case SectionKind::kWindow:
      return visit_ring(layer.window, window_rows(layer, draft ? draft_rows(range) : range.last), visit);
    case SectionKind::kRows: return visit_raw(*layer.compressor, range, visit);
    case SectionKind::kIndexRows: return visit_raw(*layer.indexer, range, visit);
    case SectionKind::kDraft: break;
  }
  return Status();
}

Status read_section(SequenceState& state, const SnapshotRange& range, const SectionBytes& from) {
  const std::byte* next = from.bytes.data();
  return visit_section(state, range, from.section, [&](uint8_t* to, int64_t bytes) {
    std::memcpy(to, next, static_cast<size_t>(bytes));
    next += bytes;
    return Status();
  });
}

Status corrupt(std::string_view what, int64_t expected, int64_t found) {
  return Status(StatusCode::kCorrupt, concat("state: ", what, ": expected ", expected, ", found ", found));
}

Status check_range(const SequenceState& state, const Snapshot& snapshot) {
  const SnapshotRange& range = snapshot.range;
  if (range.first != state.position()) return corrupt("first token", state.position(), range.first);
  if (range.last <= range.first && range.last != 0) return corrupt("last token", range.first + 1, range.last);
  if (static_cast<int64_t>(snapshot.tokens.size()) != range.last - range.first) {
    return corrupt("tokens", range.last - range.first, static_cast<int64_t>(snapshot.tokens.size()));
  }
  const int64_t most = state.has_draft_layer() ? range.last : 0;
  if (range.draft_tokens != 0 && range.draft_tokens != most) {
    return corrupt("tokens of the draft layer", most, range.draft_tokens);
  }
  return Status();
}

Status check_sections(const SequenceState& state, const Snapshot& snapshot) {
  const std::vector<SnapshotSection> expected = snapshot_sections(state, snapshot.range);
  if (snapshot.sections.size() != expected.size()) {
    return corrupt("sections", static_cast<int64_t>(expected.size()),
                   static_cast<int64_t>(snapshot.sections.size()));
  }
  for (size_t i = 0; i < expected.size(); ++i) {
    const SectionBytes& found = snapshot.sections[i];
    const auto bytes = static_cast<int64_t>(found.bytes.size());
    if (found.section != expected[i] || bytes != expected[i].bytes) {
      return corrupt(concat("bytes of section ", i), expected[i].bytes, bytes);
    }
  }
  return Status();
}

void grow_entries(std::optional<CompressorState>& state, int64_t tokens) noexcept {
  if (state) state->entries.grow(tokens / state->ratio);
}

}  // namespace

std::vector<SnapshotSection> snapshot_sections(const SequenceState& state, const SnapshotRange& range) {
  SectionList list;
  for (int i = 0; i < state.layer_count(); ++i) {
    const LayerState& layer = state.layer(i);
    if (layer.compressor) list.add(i, SectionKind::kEntries, entry_bytes(*layer.compressor, range));
    if (layer.indexer) list.add(i, SectionKind::kIndexKeys, entry_bytes(*layer.indexer, range));
  }
  for (int i = 0; i < state.layer_count(); ++i) {
    const LayerState& layer = state.layer(i);
    list.add(i, SectionKind::kWindow, window_rows(layer, range.last).count() * layer.window.row_bytes());
    if (layer.compressor) list.add(i, SectionKind::kRows, raw_bytes(*layer.compressor, range));
    if (layer.indexer) list.add(i, SectionKind::kIndexRows, raw_bytes(*layer.indexer, range));
  }
  if (range.draft_tokens > 0) {
    const LayerState& draft = state.draft_layer();
    list.add(state.layer_count(), SectionKind::kWindow,
             window_rows(draft, draft_rows(range)).count() * draft.window.row_bytes());
    list.add(state.layer_count(), SectionKind::kDraft, state.draft_streams().row_bytes());
  }
  return std::move(list).take();
}

Status write_section(const SequenceState& state, const SnapshotRange& range, const SnapshotSection& section,
                     ByteSink& sink) {
  return visit_section(state, range, section, [&](const uint8_t* from, int64_t bytes) {
    return sink.write(std::as_bytes(std::span(from, static_cast<size_t>(bytes))));
  });
}

std::vector<int64_t> snapshot_shape(const SequenceState& state) {
  std::vector<int64_t> shape = {static_cast<int64_t>(state.precision()), state.layer_count(),
                                state.has_draft_layer() ? state.draft_streams().row_bytes() : 0};
  const auto add_compressor = [&](const std::optional<CompressorState>& c) {
    if (!c) return shape.push_back(0);
    shape.insert(shape.end(), {c->ratio, c->overlap ? 1 : 0, c->c.row_floats(), c->z.row_floats(),
                               static_cast<int64_t>(c->entries.format().encoding), c->entries.format().dim,
                               c->entries.format().nope});
  };
  for (int i = 0; i < state.layer_count() + (state.has_draft_layer() ? 1 : 0); ++i) {
    const LayerState& layer = i < state.layer_count() ? state.layer(i) : state.draft_layer();
    const RowFormat& window = layer.window.format();
    shape.insert(shape.end(), {layer.window.capacity() - kUndoTokens, static_cast<int64_t>(window.encoding),
                               window.dim, window.nope});
    add_compressor(layer.compressor);
    add_compressor(layer.indexer);
  }
  return shape;
}

SnapshotReader::SnapshotReader(SequenceState& state) noexcept : state_(state) { state.clear(); }

Status SnapshotReader::append(const Snapshot& snapshot) {
  FATHOM_RETURN_IF_ERROR(check_range(state_, snapshot));
  FATHOM_RETURN_IF_ERROR(check_sections(state_, snapshot));
  FATHOM_RETURN_IF_ERROR(state_.reserve(snapshot.range.last));
  for (int i = 0; i < state_.layer_count(); ++i) {
    grow_entries(state_.layer(i).compressor, snapshot.range.last);
    grow_entries(state_.layer(i).indexer, snapshot.range.last);
  }
  for (const SectionBytes& section : snapshot.sections) {
    if (is_tail(section.section.kind)) continue;
    FATHOM_RETURN_IF_ERROR(read_section(state_, snapshot.range, section));
  }
  state_.advance(snapshot.tokens);
  state_.undo_floor_ = state_.position();
  return Status();
}

Status SnapshotReader::finish(const Snapshot& snapshot) {
  if (snapshot.range.last != state_.position()) {
    return corrupt("last token", state_.position(), snapshot.range.last);
  }
  FATHOM_RETURN_IF_ERROR(check_sections(state_, snapshot));
  for (const SectionBytes& section : snapshot.sections) {
    if (is_tail(section.section.kind)) FATHOM_RETURN_IF_ERROR(read_section(state_, snapshot.range, section));
  }
  state_.draft_tokens_ = snapshot.range.draft_tokens;
  return Status();
}

}  // namespace fathom
