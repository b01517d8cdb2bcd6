// SPDX-License-Identifier: MIT
#include "weights/safetensors_header.h"

#include "base/checked_math.h"
#include "base/concat.h"
#include "weights/safetensors.h"

namespace fathom {
namespace {

constexpr uint8_t kHasDtype = 1;
constexpr uint8_t kHasShape = 2;
constexpr uint8_t kHasOffsets = 4;
constexpr uint8_t kHasAll = kHasDtype | kHasShape | kHasOffsets;

}  // namespace

std::string shown_tensor(std::string_view name) {
  std::string out = "tensor ";
  for (const char c : name.substr(0, 120)) out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  return out;
}

Result<bool> HeaderWalker::next() {
  for (;;) {
    FATHOM_ASSIGN_OR_RETURN(const bool more, next_key());
    if (!more) return false;
    if (entry_.name != "__metadata__") break;
    FATHOM_RETURN_IF_ERROR(read_metadata());
  }
  FATHOM_RETURN_IF_ERROR(read_entry());
  return true;
}

// Reads up to and including the colon behind the next name.
Result<bool> HeaderWalker::next_key() {
  if (!started_) {
    FATHOM_RETURN_IF_ERROR(cursor_.expect('{'));
    started_ = true;
    if (cursor_.consume('}'))
      return cursor_.at_end() ? Result<bool>(false) : cursor_.error("the end of the header");
  } else if (!cursor_.consume(',')) {
    FATHOM_RETURN_IF_ERROR(cursor_.expect('}'));
    return cursor_.at_end() ? Result<bool>(false) : cursor_.error("the end of the header");
  }
  static_cast<void>(cursor_.at_end());  // to the quote
  entry_.key_position = cursor_.position();
  FATHOM_ASSIGN_OR_RETURN(entry_.name, cursor_.read_string(name_scratch_));
  if (entry_.name.size() > kMaxTensorNameBytes) {
    return Status(StatusCode::kCorrupt, concat(shown_tensor(entry_.name), "...: expected a name of at most ",
                                               kMaxTensorNameBytes, " bytes, found ", entry_.name.size()));
  }
  FATHOM_RETURN_IF_ERROR(cursor_.expect(':'));
  return true;
}

// An object of strings; its keys are nobody's business here.
Status HeaderWalker::read_metadata() {
  if (metadata_read_) return Status(StatusCode::kCorrupt, "__metadata__: expected once, found twice");
  metadata_read_ = true;
  FATHOM_RETURN_IF_ERROR(cursor_.expect('{'));
  if (cursor_.consume('}')) return {};
  do {
    FATHOM_RETURN_IF_ERROR(cursor_.skip_string());
    FATHOM_RETURN_IF_ERROR(cursor_.expect(':'));
    FATHOM_RETURN_IF_ERROR(cursor_.skip_string());
  } while (cursor_.consume(','));
  return cursor_.expect('}');
}

Status HeaderWalker::read_entry() {
  members_read_ = 0;
  FATHOM_RETURN_IF_ERROR(cursor_.expect('{'));
  do {
    FATHOM_ASSIGN_OR_RETURN(const std::string_view key, cursor_.read_string(text_scratch_));
    FATHOM_RETURN_IF_ERROR(cursor_.expect(':'));
    FATHOM_RETURN_IF_ERROR(read_member(key));
  } while (cursor_.consume(','));
  FATHOM_RETURN_IF_ERROR(cursor_.expect('}'));
  if (members_read_ != kHasAll) {
    return Status(StatusCode::kCorrupt,
                  concat(shown_tensor(entry_.name), ": expected dtype, shape and data_offsets, found fewer"));
  }
  return check_size();
}

Status HeaderWalker::read_member(std::string_view key) {
  const uint8_t bit = key == "dtype"          ? kHasDtype
                      : key == "shape"        ? kHasShape
                      : key == "data_offsets" ? kHasOffsets
                                              : 0;
  if (bit == 0 || (members_read_ & bit) != 0) {
    return Status(StatusCode::kCorrupt, concat(shown_tensor(entry_.name),
                                               ": expected dtype, shape and data_offsets once each, found ",
                                               bit == 0 ? "another key" : "a key twice"));
  }
  members_read_ |= bit;
  if (bit == kHasDtype) return read_dtype();
  return bit == kHasShape ? read_shape() : read_offsets();
}

Status HeaderWalker::read_dtype() {
  FATHOM_ASSIGN_OR_RETURN(const std::string_view name, cursor_.read_string(text_scratch_));
  const auto dtype = dtype_from_name(name);
  if (!dtype) {
    return Status(StatusCode::kCorrupt, concat(shown_tensor(entry_.name), ": expected a known dtype, found ",
                                               shown_tensor(name).substr(7, 40)));
  }
  entry_.dtype = *dtype;
  return {};
}

Status HeaderWalker::read_shape() {
  entry_.rank = 0;
  FATHOM_RETURN_IF_ERROR(cursor_.expect('['));
  if (cursor_.consume(']')) return {};
  do {
    FATHOM_ASSIGN_OR_RETURN(const uint64_t dim, cursor_.read_unsigned());
    if (entry_.rank == kMaxHeaderRank || dim > static_cast<uint64_t>(INT64_MAX)) {
      return Status(StatusCode::kCorrupt, concat(shown_tensor(entry_.name), ": shape: expected at most ",
                                                 kMaxHeaderRank, " dimensions below 2^63, found more"));
    }
    entry_.dims[entry_.rank++] = static_cast<int64_t>(dim);
  } while (cursor_.consume(','));
  return cursor_.expect(']');
}

Status HeaderWalker::read_offsets() {
  FATHOM_RETURN_IF_ERROR(cursor_.expect('['));
  FATHOM_ASSIGN_OR_RETURN(entry_.begin, cursor_.read_unsigned());
  FATHOM_RETURN_IF_ERROR(cursor_.expect(','));
  FATHOM_ASSIGN_OR_RETURN(entry_.end, cursor_.read_unsigned());
  return cursor_.expect(']');
}

Status HeaderWalker::check_size() const {
  if (entry_.end < entry_.begin) {
    return Status(StatusCode::kCorrupt,
                  concat(shown_tensor(entry_.name), ": data_offsets: expected an end of at least ",
                         entry_.begin, ", found ", entry_.end));
  }
  std::optional<uint64_t> bytes = static_cast<uint64_t>(dtype_bytes(entry_.dtype));
  for (const int64_t dim : entry_.shape()) {
    if (bytes) bytes = checked_mul(*bytes, static_cast<uint64_t>(dim));
  }
  if (!bytes || *bytes != entry_.end - entry_.begin) {
    return Status(StatusCode::kCorrupt,
                  concat(shown_tensor(entry_.name), ": data_offsets: expected ",
                         bytes ? concat(*bytes) : std::string("more than 2^64"), " bytes for ",
                         dtype_and_shape(dtype_name(entry_.dtype), entry_.shape()), ", found ",
                         entry_.end - entry_.begin));
  }
  return {};
}

}  // namespace fathom
