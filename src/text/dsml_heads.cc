// SPDX-License-Identifier: MIT
#include "text/dsml_heads.h"

#include "text/dsml_words.h"

namespace fathom {
namespace {

constexpr std::string_view kNameOpener = "name=\"";
constexpr int kMaxNameCodePoints = 256;
constexpr std::string_view kParameterOpener = " name=\"";
// 1,024 code points for the whole head, of which `<｜DSML｜parameter` takes 16.
constexpr int kMaxHeadCodePoints = 1024 - 16;

}  // namespace

void InvokeHead::reset() {
  taken_.clear();
  name_.clear();
  matched_ = 0;
  name_code_points_ = 0;
}

HeadStep InvokeHead::push(char c) {
  if (matched_ == kNameOpener.size()) return push_name(c);
  if (c == kNameOpener[matched_]) {
    ++matched_;
  } else if (matched_ > 0 || !is_dsml_space(c)) {
    return HeadStep::kBroken;
  }
  taken_.push_back(c);
  return HeadStep::kMore;
}

HeadStep InvokeHead::push_name(char c) {
  if (c == '>' && !name_.empty() && name_.back() == '"') {
    taken_.push_back(c);
    name_.pop_back();
    return HeadStep::kComplete;
  }
  // One more than the limit is kept only while it may be the closing quote.
  const bool too_long = name_code_points_ > kMaxNameCodePoints ||
                        (name_code_points_ == kMaxNameCodePoints && begins_code_point(c) && c != '"');
  if (c == '\n' || too_long) return HeadStep::kBroken;
  if (begins_code_point(c)) ++name_code_points_;
  taken_.push_back(c);
  name_.push_back(c);
  return HeadStep::kMore;
}

void ParameterHead::reset() {
  taken_.clear();
  code_points_ = 0;
  name_ = {};
  flag_ = Flag::kNone;
}

HeadStep ParameterHead::push(char c) {
  const size_t position = taken_.size();
  if (position < kParameterOpener.size() && c != kParameterOpener[position]) return HeadStep::kBroken;
  if (begins_code_point(c) && ++code_points_ > kMaxHeadCodePoints) return HeadStep::kBroken;
  taken_.push_back(c);
  const bool closes = c == '>' && position > kParameterOpener.size() && taken_[position - 1] == '"';
  return closes ? complete() : HeadStep::kMore;
}

// taken_ is ` name="...">`, up to the first `">`.
HeadStep ParameterHead::complete() {
  name_ = std::string_view(taken_).substr(kParameterOpener.size());
  constexpr std::string_view kStringTail = "\" string=\"true\">";
  constexpr std::string_view kJsonTail = "\" string=\"false\">";
  if (name_.ends_with(kStringTail)) {
    flag_ = Flag::kString;
    name_.remove_suffix(kStringTail.size());
    return HeadStep::kComplete;
  }
  if (name_.ends_with(kJsonTail)) {
    flag_ = Flag::kJson;
    name_.remove_suffix(kJsonTail.size());
    return HeadStep::kComplete;
  }
  name_.remove_suffix(2);
  if (name_.find('"') == std::string_view::npos) return HeadStep::kComplete;
  taken_.pop_back();
  return HeadStep::kBroken;
}

}  // namespace fathom
