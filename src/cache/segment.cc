// SPDX-License-Identifier: MIT
#include "cache/segment.h"

#include <algorithm>
#include <cstring>

#include "base/concat.h"

namespace fathom {
namespace {

constexpr std::array<char, 8> kMagic = {'F', 'A', 'T', 'H', 'O', 'M', 'K', 'V'};
constexpr uint32_t kVersion = 1;
constexpr int64_t kAlignment = 64;
// More than 1,024 layers of five sections have.
constexpr int64_t kMaxSections = 8192;

// As they lie in a file; every field is at its natural alignment.
struct HeaderOnDisk {
  std::array<char, 8> magic;
  uint32_t version;
  uint32_t header_bytes;
  std::array<Digest, 6> digests;  // fingerprint, numerics, account, parent_key, block_key, key
  int64_t first;
  int64_t last;
  int64_t draft_tokens;
  uint32_t section_count;
  uint32_t reserved;
  int64_t payload_bytes;
  std::array<uint8_t, 8> header_checksum;  // XXH3-64 of the 248 bytes before it
};
static_assert(sizeof(HeaderOnDisk) == kSegmentHeaderBytes);

struct SectionOnDisk {
  int32_t layer;
  uint32_t kind;
  int64_t offset;  // from the start of the file
  int64_t bytes;
};
static_assert(sizeof(SectionOnDisk) == 24);

constexpr size_t kHeaderChecksumAt = offsetof(HeaderOnDisk, header_checksum);

constexpr int64_t aligned(int64_t offset) noexcept {
  return (offset + kAlignment - 1) / kAlignment * kAlignment;
}

int64_t tokens_offset(int64_t sections) noexcept {
  return kSegmentHeaderBytes + sections * int64_t{sizeof(SectionOnDisk)};
}

Status corrupt(std::string_view what, int64_t expected, int64_t found) {
  return Status(StatusCode::kCorrupt, concat("segment: ", what, ": expected ", expected, ", found ", found));
}

// Writes into a buffer of the right size.
class BufferSink final : public ByteSink {
 public:
  explicit BufferSink(uint8_t* to) : to_(to) {}
  Status write(std::span<const std::byte> bytes) override {
    std::memcpy(to_, bytes.data(), bytes.size());
    to_ += bytes.size();
    return Status();
  }

 private:
  uint8_t* to_;
};

HeaderOnDisk on_disk(const SegmentHeader& header) {
  HeaderOnDisk out{.magic = kMagic,
                   .version = kVersion,
                   .header_bytes = kSegmentHeaderBytes,
                   .digests = {header.fingerprint, header.numerics, header.account, header.parent_key,
                               header.block_key, header.key},
                   .first = header.range.first,
                   .last = header.range.last,
                   .draft_tokens = header.range.draft_tokens,
                   .section_count = static_cast<uint32_t>(header.section_count),
                   .reserved = 0,
                   .payload_bytes = header.payload_bytes,
                   .header_checksum = {}};
  out.header_checksum = xxh3_64(std::as_bytes(std::span(&out, 1)).first(kHeaderChecksumAt));
  return out;
}

Status check_header(const HeaderOnDisk& raw, int64_t file_bytes) {
  if (raw.header_bytes != kSegmentHeaderBytes) {
    return corrupt("header bytes", kSegmentHeaderBytes, raw.header_bytes);
  }
  if (raw.first < 0 || raw.first >= kMaxSegmentTokens) return corrupt("first token", 0, raw.first);
  if (raw.last <= raw.first || raw.last > kMaxSegmentTokens) {
    return corrupt("last token", raw.first + 1, raw.last);
  }
  if (raw.draft_tokens != 0 && raw.draft_tokens != raw.last) {
    return corrupt("tokens of the draft layer", raw.last, raw.draft_tokens);
  }
  if (raw.section_count > kMaxSections) return corrupt("sections", kMaxSections, raw.section_count);
  if (raw.reserved != 0) return corrupt("reserved field", 0, raw.reserved);
  const int64_t expected = file_bytes - kSegmentHeaderBytes - kSegmentChecksumBytes;
  if (file_bytes > kMaxSegmentBytes || raw.payload_bytes != expected) {
    return corrupt("payload bytes", expected, raw.payload_bytes);
  }
  return Status();
}

Result<SectionKind> known_kind(uint32_t value) {
  switch (static_cast<SectionKind>(value)) {
    case SectionKind::kEntries:
    case SectionKind::kIndexKeys:
    case SectionKind::kWindow:
    case SectionKind::kRows:
    case SectionKind::kIndexRows:
    case SectionKind::kDraft:
      if (value <= 0xff) return static_cast<SectionKind>(value);
  }
  return Status(StatusCode::kCorrupt, concat("segment: expected a known kind of section, found ", value));
}

// Sections lie in table order, each at the next multiple of 64, and fill the file up to the checksum.
Result<std::vector<SectionBytes>> parse_sections(std::span<const std::byte> bytes,
                                                 const SegmentHeader& header, int64_t first_offset) {
  std::vector<SectionBytes> sections;
  const int64_t end = static_cast<int64_t>(bytes.size()) - kSegmentChecksumBytes;
  int64_t next = first_offset;
  for (int64_t i = 0; i < header.section_count; ++i) {
    SectionOnDisk raw;
    std::memcpy(&raw, bytes.data() + kSegmentHeaderBytes + i * int64_t{sizeof raw}, sizeof raw);
    FATHOM_ASSIGN_OR_RETURN(const SectionKind kind, known_kind(raw.kind));
    const int64_t offset = aligned(next);
    if (raw.offset != offset) return corrupt("offset of a section", offset, raw.offset);
    if (raw.bytes <= 0 || offset > end || raw.bytes > end - offset) {
      return corrupt("bytes of a section", end - offset, raw.bytes);
    }
    sections.push_back({{raw.layer, kind, raw.bytes},
                        bytes.subspan(static_cast<size_t>(offset), static_cast<size_t>(raw.bytes))});
    next = offset + raw.bytes;
  }
  if (next != end) return corrupt("end of the last section", end, next);
  return sections;
}

}  // namespace

Result<SegmentBytes> encode_segment(SegmentHeader& header, const SequenceState& state) {
  const SnapshotRange& range = header.range;
  const std::vector<SnapshotSection> sections = snapshot_sections(state, range);
  std::vector<SectionOnDisk> table;
  header.section_count = static_cast<int64_t>(sections.size());
  int64_t end = tokens_offset(header.section_count) + (range.last - range.first) * int64_t{sizeof(int32_t)};
  const int64_t tokens_end = end;
  for (const SnapshotSection& section : sections) {
    const int64_t offset = aligned(end);
    table.push_back({section.layer, static_cast<uint32_t>(section.kind), offset, section.bytes});
    end = offset + section.bytes;
  }
  header.payload_bytes = end - kSegmentHeaderBytes;

  FATHOM_ASSIGN_OR_RETURN(SegmentBytes out, SegmentBytes::allocate(1, header.file_bytes()));
  const HeaderOnDisk head = on_disk(header);
  std::memcpy(out.data(), &head, sizeof head);
  // A model of window layers alone has nothing to keep in the middle of a prompt.
  if (!table.empty()) {
    std::memcpy(out.data() + kSegmentHeaderBytes, table.data(), table.size() * sizeof(SectionOnDisk));
  }
  const auto tokens = state.tokens().subspan(static_cast<size_t>(range.first));
  std::memcpy(out.data() + tokens_end - tokens.size_bytes(), tokens.data(), tokens.size_bytes());
  for (size_t i = 0; i < sections.size(); ++i) {
    BufferSink sink(out.data() + table[i].offset);
    FATHOM_RETURN_IF_ERROR(write_section(state, range, sections[i], sink));
  }
  const auto checksum = xxh3_128(bytes_of(out).first(static_cast<size_t>(end)));
  std::memcpy(out.data() + end, checksum.data(), checksum.size());
  return out;
}

Result<SegmentHeader> parse_segment_header(std::span<const std::byte> head, int64_t file_bytes) {
  if (head.size() < kSegmentHeaderBytes || file_bytes < kSegmentHeaderBytes + kSegmentChecksumBytes) {
    return corrupt("bytes", kSegmentHeaderBytes + kSegmentChecksumBytes, file_bytes);
  }
  HeaderOnDisk raw;
  std::memcpy(&raw, head.data(), sizeof raw);
  if (raw.magic != kMagic || xxh3_64(head.first(kHeaderChecksumAt)) != raw.header_checksum) {
    return Status(StatusCode::kCorrupt, "segment: expected an intact header, found other bytes");
  }
  if (raw.version != kVersion) {
    return Status(StatusCode::kUnsupported,
                  concat("segment: expected version ", kVersion, ", found ", raw.version));
  }
  FATHOM_RETURN_IF_ERROR(check_header(raw, file_bytes));
  SegmentHeader header;
  header.fingerprint = raw.digests[0];
  header.numerics = raw.digests[1];
  header.account = raw.digests[2];
  header.parent_key = raw.digests[3];
  header.block_key = raw.digests[4];
  header.key = raw.digests[5];
  header.range = {raw.first, raw.last, raw.draft_tokens};
  header.section_count = raw.section_count;
  header.payload_bytes = raw.payload_bytes;
  return header;
}

Result<ParsedSegment> parse_segment(std::span<const std::byte> bytes, Checksum checksum) {
  ParsedSegment out;
  FATHOM_ASSIGN_OR_RETURN(out.header, parse_segment_header(bytes, static_cast<int64_t>(bytes.size())));
  if (checksum == Checksum::kVerify) {
    const auto body = bytes.first(bytes.size() - kSegmentChecksumBytes);
    const auto expected = xxh3_128(body);
    if (std::memcmp(expected.data(), bytes.data() + body.size(), expected.size()) != 0) {
      return Status(StatusCode::kCorrupt, "segment: expected the checksum of its bytes, found another");
    }
  }
  const int64_t count = out.header.range.last - out.header.range.first;
  const int64_t tokens_at = tokens_offset(out.header.section_count);
  const int64_t tokens_end = tokens_at + count * int64_t{sizeof(int32_t)};
  if (tokens_end > static_cast<int64_t>(bytes.size()) - kSegmentChecksumBytes) {
    return corrupt("end of the token ids", static_cast<int64_t>(bytes.size()) - kSegmentChecksumBytes,
                   tokens_end);
  }
  out.tokens.resize(static_cast<size_t>(count));
  std::memcpy(out.tokens.data(), bytes.data() + tokens_at, out.tokens.size() * sizeof(int32_t));
  FATHOM_ASSIGN_OR_RETURN(out.sections, parse_sections(bytes, out.header, tokens_end));
  return out;
}

}  // namespace fathom
