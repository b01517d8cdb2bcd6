// SPDX-License-Identifier: MIT
#include "text/dsml_tag.h"

#include <utility>

#include "text/dsml_words.h"

namespace fathom {

void TagScanner::start() {
  held_.assign(1, '<');
  word_begin_ = held_.size();
  closing_ = false;
  marked_ = false;
}

bool TagScanner::push(char c) {
  if (c == '/' && held_.size() == 1) {
    closing_ = true;
    held_.push_back(c);
    word_begin_ = held_.size();
    return true;
  }
  if (!is_tag_word_char(c) || word().size() == kMaxTagWord) return false;
  held_.push_back(c);
  return true;
}

bool TagScanner::push_marker(std::string_view spelling) {
  if (!active() || marked_ || !word().empty()) return false;
  marked_ = true;
  held_.append(spelling);
  word_begin_ = held_.size();
  return true;
}

TagScanner::Tag TagScanner::tag_before(char next) const noexcept {
  if (!marked_ || is_tag_word_char(next)) return Tag::kNone;
  if (!closing_ && word() == kInvokeWord) return Tag::kInvokeOpen;
  if (!closing_ && word() == kParameterWord) return Tag::kParameterOpen;
  if (next != '>') return Tag::kNone;
  if (word() == kInvokeWord) return Tag::kInvokeClose;
  if (word() == kParameterWord) return Tag::kParameterClose;
  if (is_wrapper_word(word())) return closing_ ? Tag::kWrapperClose : Tag::kWrapperOpen;
  return Tag::kNone;
}

std::string TagScanner::release() { return std::exchange(held_, {}); }

}  // namespace fathom
