// SPDX-License-Identifier: MIT
#include "text/call_block.h"

#include <algorithm>

namespace fathom {

void CallBlock::start(std::string_view name) { announce(name); }

void CallBlock::push_text(std::string_view text) {
  while (!text.empty() && !ended()) text.remove_prefix(step(text));
}

void CallBlock::push_dsml(std::string_view spelling) {
  if (state_ == State::kInvokeHead) break_head(invoke_head_.taken());
  if (state_ == State::kParameterHead) break_head(parameter_head_.taken());
  if (tag_.push_marker(spelling)) return;
  push_special(spelling);
}

void CallBlock::push_special(std::string_view spelling) {
  if (state_ == State::kInvokeHead || state_ == State::kParameterHead) state_ = State::kBetween;
  release_tag();
  if (state_ == State::kValue) arguments_.add_value(spelling);
}

void CallBlock::close() {
  if (ended()) return;
  release_tag();
  close_call();
  state_ = State::kEnded;
}

// Takes at least nothing and at most all of `text`; returns how much. 0 means: again in the new state.
size_t CallBlock::step(std::string_view text) {
  switch (state_) {
    case State::kInvokeHead: return step_invoke_head(text.front());
    case State::kParameterHead: return step_parameter_head(text.front());
    case State::kBetween: return step_body(text);
    case State::kValue: return step_body(text);
    case State::kEnded: return text.size();
  }
  return text.size();
}

// Junk or a value, with whatever may be a tag in it.
size_t CallBlock::step_body(std::string_view text) {
  const char c = text.front();
  if (tag_.active()) return tag_.push(c) ? 1 : end_tag(c);
  if (c == '<') {
    tag_.start();
    return 1;
  }
  const size_t length = std::min(text.find('<'), text.size());
  if (state_ == State::kValue) arguments_.add_value(text.substr(0, length));
  return length;
}

// The held tag has ended before `next`; returns whether `next` (its '>') belongs to it.
size_t CallBlock::end_tag(char next) {
  using Tag = TagScanner::Tag;
  const Tag tag = tag_.tag_before(next);
  if (tag == Tag::kNone) {
    release_tag();
    return 0;
  }
  tag_.release();
  close_value();
  switch (tag) {
    case Tag::kNone: return 0;
    case Tag::kInvokeOpen:
      state_ = State::kInvokeHead;
      invoke_head_.reset();
      return 0;
    case Tag::kParameterOpen:
      if (!arguments_.in_call()) return 0;  // a parameter of no call is junk
      state_ = State::kParameterHead;
      parameter_head_.reset();
      return 0;
    case Tag::kParameterClose: return 1;
    case Tag::kInvokeClose: close_call(); return 1;
    case Tag::kWrapperOpen: close_call(); return 1;
    case Tag::kWrapperClose:
      close_call();
      state_ = State::kEnded;
      return 1;
  }
  return 0;
}

size_t CallBlock::step_invoke_head(char c) {
  switch (invoke_head_.push(c)) {
    case HeadStep::kMore: return 1;
    case HeadStep::kComplete:
      close_call();
      announce(invoke_head_.name());
      return 1;
    case HeadStep::kBroken: break_head(invoke_head_.taken()); return 0;
  }
  return 1;
}

size_t CallBlock::step_parameter_head(char c) {
  switch (parameter_head_.push(c)) {
    case HeadStep::kMore: return 1;
    case HeadStep::kComplete: {
      const bool is_string = parameter_head_.flag() == ParameterHead::Flag::kString;
      arguments_.open_parameter(parameter_head_.name(),
                                is_string ? CallArguments::Kind::kString : CallArguments::Kind::kJson);
      state_ = State::kValue;
      return 1;
    }
    case HeadStep::kBroken: break_head(parameter_head_.taken()); return 0;
  }
  return 1;
}

// The head is junk, but its end may be the beginning of a tag.
void CallBlock::break_head(std::string_view taken) {
  state_ = State::kBetween;
  const bool slash = taken.ends_with("</");
  if (!slash && !taken.ends_with('<')) return;
  tag_.start();
  if (slash) tag_.push('/');
}

void CallBlock::announce(std::string_view name) {
  events_->add_call(name);
  arguments_.open_call();
  state_ = State::kBetween;
}

void CallBlock::close_value() {
  if (arguments_.in_parameter()) arguments_.close_parameter();
  state_ = State::kBetween;
}

void CallBlock::close_call() {
  close_value();
  if (arguments_.in_call()) arguments_.close_call();
}

// What looked like a tag is text of the value, or junk.
void CallBlock::release_tag() {
  if (!tag_.active()) return;
  const std::string text = tag_.release();
  if (state_ == State::kValue) arguments_.add_value(text);
}

}  // namespace fathom
