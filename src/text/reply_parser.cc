// SPDX-License-Identifier: MIT
#include "text/reply_parser.h"

#include <algorithm>

namespace fathom {

ReplyParser::ReplyParser(const ReplyOptions& options)
    : parses_calls_(options.calls == ReplyOptions::Calls::kParsed),
      in_reasoning_(options.start == ReplyOptions::Start::kReasoning),
      block_(events_) {}

void ReplyParser::push_text(std::string_view text) {
  if (text.empty()) return;
  started_ = true;
  while (!text.empty() && !ended()) text.remove_prefix(step(text));
}

void ReplyParser::push_marker(ReplyMarker marker, std::string_view spelling) {
  if (ended()) return;
  if (marker == ReplyMarker::kEnd) {
    finish_stopped();
    return;
  }
  if (stage_ == Stage::kBlock) {
    if (marker == ReplyMarker::kDsml) {
      block_.push_dsml(spelling);
    } else {
      block_.push_special(spelling);
    }
    return;
  }
  if (stage_ == Stage::kOpener) {
    if (marker == ReplyMarker::kDsml && opener_.push_marker(spelling) == BlockOpener::Step::kMore) return;
    reopen_plain();
  }
  push_plain_marker(marker, spelling);
  started_ = true;
}

void ReplyParser::finish_cut() {
  if (ended()) return;
  // Arguments stay as far as they were emitted (chat.md 6.5); text that was held is given out.
  if (stage_ == Stage::kOpener) reopen_plain();
  emit(release_held());
  end(FinishReason::kLength);
}

void ReplyParser::finish_stopped() {
  if (ended()) return;
  if (stage_ == Stage::kOpener) reopen_plain();
  emit(release_held());
  if (stage_ == Stage::kBlock) block_.close();
  end(has_calls_ ? FinishReason::kToolCalls : FinishReason::kStop);
}

// Takes some of `text` and returns how much; 0 means: again in the new stage.
size_t ReplyParser::step(std::string_view text) {
  switch (stage_) {
    case Stage::kPlain: return step_plain(text);
    case Stage::kOpener: return step_opener(text.front());
    case Stage::kBlock:
      block_.push_text(text);
      if (block_.ended()) end(FinishReason::kToolCalls);
      return text.size();
    case Stage::kEnded: return text.size();
  }
  return text.size();
}

size_t ReplyParser::step_plain(std::string_view text) {
  if (!parses_calls_) {
    emit(text);
    return text.size();
  }
  const char c = text.front();
  if (c == '\n' || c == '<') {
    hold(c);
    return 1;
  }
  const size_t length = std::min(text.find_first_of("\n<"), text.size());
  emit(release_held());
  emit(text.substr(0, length));
  return length;
}

// Keeps the longest end of the text that matches \n{0,2}<? and gives out what comes before it.
void ReplyParser::hold(char c) {
  if (angle_) emit(release_held());
  if (c == '<') {
    angle_ = true;
  } else if (line_feeds_ == 2) {
    emit("\n");
  } else {
    ++line_feeds_;
  }
}

size_t ReplyParser::step_opener(char c) {
  switch (opener_.push(c)) {
    case BlockOpener::Step::kMore: return 1;
    case BlockOpener::Step::kCall:
      stage_ = Stage::kBlock;
      has_calls_ = true;
      block_.start(opener_.name());
      opener_.release();
      return 1;
    case BlockOpener::Step::kEmptyBlock: end(FinishReason::kStop); return 1;
    case BlockOpener::Step::kNoBlock: reopen_plain(); return 0;
  }
  return 1;
}

void ReplyParser::push_plain_marker(ReplyMarker marker, std::string_view spelling) {
  if (marker == ReplyMarker::kDsml && parses_calls_ && angle_) {
    opener_.start(release_held().append(spelling));
    stage_ = Stage::kOpener;
    return;
  }
  emit(release_held());
  switch (marker) {
    case ReplyMarker::kEnd: return;
    case ReplyMarker::kThinkOpen:
      if (!started_) in_reasoning_ = true;
      return;
    case ReplyMarker::kThinkClose: in_reasoning_ = false; return;
    case ReplyMarker::kDsml: emit(spelling); return;
    case ReplyMarker::kOther: emit(spelling); return;
  }
}

// What looked like a block is text again; its own end may be the beginning of another.
void ReplyParser::reopen_plain() {
  stage_ = Stage::kPlain;
  const std::string held = opener_.release();
  std::string_view text = held;
  angle_ = text.ends_with('<');
  if (angle_) text.remove_suffix(1);
  for (line_feeds_ = 0; line_feeds_ < 2 && text.ends_with('\n'); ++line_feeds_) text.remove_suffix(1);
  emit(text);
}

std::string ReplyParser::release_held() {
  std::string held(static_cast<size_t>(line_feeds_), '\n');
  if (angle_) held.push_back('<');
  line_feeds_ = 0;
  angle_ = false;
  return held;
}

void ReplyParser::emit(std::string_view text) {
  events_.add_text(in_reasoning_ ? ReplyEvent::Kind::kReasoning : ReplyEvent::Kind::kContent, text);
}

void ReplyParser::end(FinishReason reason) {
  stage_ = Stage::kEnded;
  events_.add_finish(reason);
}

}  // namespace fathom
