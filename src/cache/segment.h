// SPDX-License-Identifier: MIT
// Segment: the tokens [first, last) of a stored prefix as one immutable run of bytes, in RAM and as a file
// (design.md 12, 19; docs/formats/segment.md). Values; any thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "base/buffer.h"
#include "io/digest.h"
#include "state/snapshot.h"

namespace fathom {

inline constexpr int64_t kSegmentHeaderBytes = 256;
inline constexpr int64_t kSegmentChecksumBytes = 16;
// Longest sequence and largest file that a header may claim.
inline constexpr int64_t kMaxSegmentTokens = int64_t{1} << 30;
inline constexpr int64_t kMaxSegmentBytes = int64_t{1} << 42;

struct SegmentHeader {
  Digest fingerprint{};  // of the model
  Digest numerics{};     // SHA-256 of the identity's text
  Digest account{};      // whose quota it counts in
  Digest parent_key{};   // of the prefix [0, first)
  Digest block_key{};    // of the longest prefix of whole blocks, at or before `last`
  Digest key{};          // of the prefix [0, last): the file's name
  SnapshotRange range;
  int64_t section_count = 0;
  int64_t payload_bytes = 0;  // between header and checksum

  int64_t file_bytes() const noexcept { return kSegmentHeaderBytes + payload_bytes + kSegmentChecksumBytes; }
};

using SegmentBytes = MatBuf<uint8_t>;  // [1, file_bytes]
using SharedSegment = std::shared_ptr<const SegmentBytes>;

inline std::span<const std::byte> bytes_of(const SegmentBytes& segment) noexcept {
  return std::as_bytes(std::span(segment.data(), segment.size_bytes()));
}

// The segment of header.range, which ends at the state's position. Fills section_count and payload_bytes.
// kResourceExhausted without memory.
Result<SegmentBytes> encode_segment(SegmentHeader& header, const SequenceState& state);

// The first kSegmentHeaderBytes of a file of `file_bytes` bytes. kCorrupt when they contradict themselves or
// the size; kUnsupported for another version.
Result<SegmentHeader> parse_segment_header(std::span<const std::byte> head, int64_t file_bytes);

// A segment taken apart; sections point into the bytes.
struct ParsedSegment {
  SegmentHeader header;
  std::vector<int32_t> tokens;
  std::vector<SectionBytes> sections;

  Snapshot snapshot() const noexcept { return {header.range, tokens, sections}; }
};

enum class Checksum : uint8_t {
  kVerify,
  kTrust,  // bytes that never left memory, or were verified when they were read
};

// A whole file. kCorrupt when anything contradicts anything, whatever the bytes; kUnsupported as above.
Result<ParsedSegment> parse_segment(std::span<const std::byte> bytes, Checksum checksum);

}  // namespace fathom
