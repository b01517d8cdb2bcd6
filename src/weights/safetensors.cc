// SPDX-License-Identifier: MIT
#include "weights/safetensors.h"

#include <algorithm>
#include <cstring>
#include <functional>

#include "base/checked_math.h"
#include "base/concat.h"
#include "weights/safetensors_header.h"

namespace fathom {
namespace {

constexpr uint64_t kPrefixBytes = 8;  // the header's length, little-endian

// What one walk over the header shows.
struct HeaderFacts {
  size_t tensors = 0;
  size_t dims = 0;
  bool in_order = true;   // the tensors follow each other in the file as they do in the header
  uint64_t data_end = 0;  // while in_order
};

Result<std::string_view> header_text(std::span<const std::byte> file) {
  if (file.size() < kPrefixBytes) {
    return Status(StatusCode::kCorrupt, concat("expected at least 8 bytes, found ", file.size()));
  }
  uint64_t size = 0;
  for (size_t i = 0; i < kPrefixBytes; ++i) size |= std::to_integer<uint64_t>(file[i]) << (8 * i);
  if (size > kMaxSafetensorsHeaderBytes) {
    return Status(StatusCode::kCorrupt,
                  concat("header length: expected at most ", kMaxSafetensorsHeaderBytes, ", found ", size));
  }
  if (size > file.size() - kPrefixBytes) {
    return Status(StatusCode::kCorrupt, concat("header length: expected at most ", file.size() - kPrefixBytes,
                                               " (the rest of the file), found ", size));
  }
  const std::string_view text(reinterpret_cast<const char*>(file.data()) + kPrefixBytes,
                              static_cast<size_t>(size));
  if (!text.starts_with('{'))
    return Status(StatusCode::kCorrupt, "header byte 0: expected '{', found another start");
  return text;
}

// First walk: every entry by itself, and how many there are.
Result<HeaderFacts> check_entries(std::string_view header) {
  HeaderFacts facts;
  HeaderWalker walker(header);
  for (;;) {
    Result<bool> more = walker.next();
    if (!more.ok()) return more.status().in("header");
    if (!*more) return facts;
    const HeaderEntry& entry = walker.entry();
    if (++facts.tensors > kMaxSafetensorsTensors) {
      return Status(StatusCode::kCorrupt,
                    concat("header: expected at most ", kMaxSafetensorsTensors, " tensors, found more"));
    }
    facts.dims += entry.rank;
    if (entry.begin != facts.data_end) facts.in_order = false;
    if (facts.in_order) facts.data_end = entry.end;
  }
}

// Second walk: no name twice. The set has 4 bytes a slot and open addressing, since a hostile header of a
// million tensors must not cost much more than itself. A slot is the name's position in the header and, in
// the bits that positions below the header cap leave free, a piece of its hash, so that other names are
// rarely looked at.
class NamePositions {
 public:
  NamePositions(std::string_view header, size_t names) : header_(header), slots_(names + names / 2 + 1, 0) {}

  // False when the name was there before.
  bool insert(std::string_view name, size_t position) {
    const size_t hash = std::hash<std::string_view>{}(name);
    const auto tag = static_cast<uint32_t>((hash >> 59) << kPositionBits);
    size_t slot = hash % slots_.size();
    while (slots_[slot] != 0) {
      if ((slots_[slot] & ~kPositionMask) == tag && name_at((slots_[slot] & kPositionMask) - 1) == name)
        return false;
      slot = slot + 1 == slots_.size() ? 0 : slot + 1;
    }
    slots_[slot] = tag | static_cast<uint32_t>(position + 1);
    return true;
  }

 private:
  static constexpr int kPositionBits = 27;
  static constexpr uint32_t kPositionMask = (uint32_t{1} << kPositionBits) - 1;
  static_assert(kMaxSafetensorsHeaderBytes < kPositionMask);

  std::string_view name_at(size_t position) {
    JsonCursor cursor(header_);
    cursor.seek(position);
    return cursor.read_string(scratch_).value();  // read before, so it is a string
  }

  std::string_view header_;
  std::vector<uint32_t> slots_;  // 0: free
  std::string scratch_;
};

Status check_names(std::string_view header, const HeaderFacts& facts) {
  NamePositions seen(header, facts.tensors);
  HeaderWalker walker(header);
  for (;;) {
    FATHOM_ASSIGN_OR_RETURN(const bool more, walker.next());
    if (!more) return {};
    if (!seen.insert(walker.entry().name, walker.entry().key_position)) {
      return Status(StatusCode::kCorrupt,
                    concat(shown_tensor(walker.entry().name), ": expected once, found twice in the header"));
    }
  }
}

Status wrong_tiling(uint64_t expected, uint64_t found) {
  return Status(StatusCode::kCorrupt,
                concat("data_offsets: expected a tensor at byte ", expected, " of the data, found ",
                       found < expected ? "an overlap" : "a hole up to byte ",
                       found < expected ? std::string() : concat(found)));
}

Status wrong_data_size(uint64_t expected, uint64_t found) {
  return Status(StatusCode::kCorrupt, concat("data: expected ", expected, " bytes, found ", found));
}

// Third and fourth walk, only for headers in another order than the data. The non-empty tensors tile [0,
// data_bytes) when their begins are distinct, the first is 0, and each ends where the next begins; 8 bytes a
// tensor show it.
Result<std::vector<uint64_t>> sorted_begins(std::string_view header, const HeaderFacts& facts) {
  std::vector<uint64_t> begins;
  begins.reserve(facts.tensors);
  HeaderWalker walker(header);
  for (;;) {
    FATHOM_ASSIGN_OR_RETURN(const bool more, walker.next());
    if (!more) break;
    if (walker.entry().begin != walker.entry().end) begins.push_back(walker.entry().begin);
  }
  std::ranges::sort(begins);
  return begins;
}

// Whether the tensor ends where the next one begins; an empty one must lie on a border.
Status check_neighbour(const HeaderEntry& entry, std::span<const uint64_t> begins, uint64_t data_bytes) {
  const auto next = std::ranges::upper_bound(begins, entry.begin);
  const bool is_last = next == begins.end();
  const uint64_t expected_end = is_last ? data_bytes : *next;
  if (entry.begin == entry.end) {
    const bool on_border =
        entry.begin == data_bytes || (next != begins.begin() && *(next - 1) == entry.begin);
    return on_border ? Status() : wrong_tiling(expected_end, entry.begin);
  }
  if (entry.end == expected_end) return {};
  return is_last ? wrong_data_size(entry.end, data_bytes) : wrong_tiling(entry.end, expected_end);
}

Status check_unordered_tiling(std::string_view header, const HeaderFacts& facts, uint64_t data_bytes) {
  FATHOM_ASSIGN_OR_RETURN(const std::vector<uint64_t> begins, sorted_begins(header, facts));
  if (begins.empty() && data_bytes != 0) return wrong_data_size(0, data_bytes);
  if (!begins.empty() && begins.front() != 0) return wrong_tiling(0, begins.front());
  if (const auto twice = std::ranges::adjacent_find(begins); twice != begins.end()) {
    return Status(StatusCode::kCorrupt, concat("data_offsets: expected one tensor at byte ", *twice,
                                               " of the data, found an overlap"));
  }
  HeaderWalker walker(header);
  for (;;) {
    FATHOM_ASSIGN_OR_RETURN(const bool more, walker.next());
    if (!more) return {};
    FATHOM_RETURN_IF_ERROR(check_neighbour(walker.entry(), begins, data_bytes));
  }
}

}  // namespace

Result<SafetensorsFile> SafetensorsFile::parse(std::span<const std::byte> file) {
  FATHOM_ASSIGN_OR_RETURN(const std::string_view header, header_text(file));
  FATHOM_ASSIGN_OR_RETURN(const HeaderFacts facts, check_entries(header));
  FATHOM_RETURN_IF_ERROR(check_names(header, facts));
  const std::span<const std::byte> data = file.subspan(kPrefixBytes + header.size());
  if (!facts.in_order) FATHOM_RETURN_IF_ERROR(check_unordered_tiling(header, facts, data.size()));
  if (facts.in_order && facts.data_end != data.size()) return wrong_data_size(facts.data_end, data.size());
  SafetensorsFile out;
  out.header_bytes_ = kPrefixBytes + header.size();
  out.tensors_.reserve(facts.tensors);
  out.dims_.reserve(facts.dims);  // never reallocated, so shapes stay where they are
  HeaderWalker walker(header);
  for (;;) {
    FATHOM_ASSIGN_OR_RETURN(const bool more, walker.next());
    if (!more) return out;
    const HeaderEntry& entry = walker.entry();
    StoredTensor tensor;
    const bool plain =
        entry.name.data() >= header.data() && entry.name.data() < header.data() + header.size();
    tensor.name = plain ? entry.name : std::string_view(out.escaped_names_.emplace_front(entry.name));
    tensor.dtype = entry.dtype;
    const size_t first_dim = out.dims_.size();
    out.dims_.insert(out.dims_.end(), entry.shape().begin(), entry.shape().end());
    tensor.shape = {out.dims_.data() + first_dim, entry.rank};
    tensor.bytes =
        data.subspan(static_cast<size_t>(entry.begin), static_cast<size_t>(entry.end - entry.begin));
    out.tensors_.push_back(tensor);
  }
}

const StoredTensor* SafetensorsFile::find(std::string_view name) const noexcept {
  for (const StoredTensor& tensor : tensors_) {
    if (tensor.name == name) return &tensor;
  }
  return nullptr;
}

}  // namespace fathom
