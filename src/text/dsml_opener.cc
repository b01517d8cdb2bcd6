// SPDX-License-Identifier: MIT
#include "text/dsml_opener.h"

#include <utility>

#include "text/dsml_words.h"

namespace fathom {
namespace {

enum class WordMatch : uint8_t { kNone, kPrefix, kWhole };

// How far `word` spells a wrapper word followed by '>'.
WordMatch match_wrapper(std::string_view word) noexcept {
  const bool closed = word.ends_with('>');
  if (closed) return is_wrapper_word(word.substr(0, word.size() - 1)) ? WordMatch::kWhole : WordMatch::kNone;
  for (const std::string_view wrapper : kWrapperWords) {
    if (wrapper.starts_with(word)) return WordMatch::kPrefix;
  }
  return WordMatch::kNone;
}

}  // namespace

void BlockOpener::start(std::string held) {
  held_ = std::move(held);
  state_ = State::kFirstWord;
  word_.clear();
  head_.reset();
}

std::string BlockOpener::release() { return std::exchange(held_, {}); }

BlockOpener::Step BlockOpener::push(char c) {
  const Step result = step(c);
  if (result != Step::kNoBlock) held_.push_back(c);
  return result;
}

BlockOpener::Step BlockOpener::push_marker(std::string_view spelling) {
  if (state_ != State::kAngle && state_ != State::kSlash) return Step::kNoBlock;
  state_ = state_ == State::kAngle ? State::kInvokeWord : State::kCloseWord;
  word_.clear();
  held_.append(spelling);
  return Step::kMore;
}

BlockOpener::Step BlockOpener::step(char c) {
  switch (state_) {
    case State::kFirstWord: return step_first_word(c);
    case State::kInvokeWord: return step_invoke_word(c);
    case State::kCloseWord: return step_close_word(c);
    case State::kSpace:
      if (c == '<') state_ = State::kAngle;
      return c == '<' || is_dsml_space(c) ? Step::kMore : Step::kNoBlock;
    case State::kAngle:
      if (c != '/') return Step::kNoBlock;
      state_ = State::kSlash;
      return Step::kMore;
    case State::kSlash: return Step::kNoBlock;
    case State::kHead:
      switch (head_.push(c)) {
        case HeadStep::kMore: return Step::kMore;
        case HeadStep::kComplete: return Step::kCall;
        case HeadStep::kBroken: return Step::kNoBlock;
      }
  }
  return Step::kNoBlock;
}

BlockOpener::Step BlockOpener::step_first_word(char c) {
  if (kInvokeWord.starts_with(word_ + c)) return step_invoke_word(c);
  word_.push_back(c);
  switch (match_wrapper(word_)) {
    case WordMatch::kNone: return Step::kNoBlock;
    case WordMatch::kPrefix: return Step::kMore;
    case WordMatch::kWhole: state_ = State::kSpace; return Step::kMore;
  }
  return Step::kNoBlock;
}

BlockOpener::Step BlockOpener::step_invoke_word(char c) {
  word_.push_back(c);
  if (!kInvokeWord.starts_with(word_)) return Step::kNoBlock;
  if (word_ == kInvokeWord) state_ = State::kHead;
  return Step::kMore;
}

BlockOpener::Step BlockOpener::step_close_word(char c) {
  word_.push_back(c);
  switch (match_wrapper(word_)) {
    case WordMatch::kNone: return Step::kNoBlock;
    case WordMatch::kPrefix: return Step::kMore;
    case WordMatch::kWhole: return Step::kEmptyBlock;
  }
  return Step::kNoBlock;
}

}  // namespace fathom
