// SPDX-License-Identifier: MIT
#include "apps/reply_view.h"

#include <cmath>

#include "base/concat.h"

namespace fathom {
namespace {

PrefixedLines reasoning_lines(const ChatDisplay& display) {
  if (display.aside.styling() == Styling::kOn) return {"\u2502 ", "\u2502 "};
  return {"[thinking] ", ""};
}

}  // namespace

std::string PrefixedLines::push(std::string_view text) {
  std::string out;
  for (const char c : text) {
    if (c == '\n') {
      ++line_feeds_;
      continue;
    }
    if (!started_) {
      out += first_prefix_;
    } else {
      for (size_t i = 0; i < line_feeds_; ++i) out += "\n" + next_prefix_;
    }
    line_feeds_ = 0;
    started_ = true;
    out += c;
  }
  return out;
}

ReplyView::ReplyView(const ChatDisplay& display)
    : display_(display), reasoning_(reasoning_lines(display)), content_("", "") {}

void ReplyView::add_reasoning(std::string_view text) {
  display_.aside.write(reasoning_.push(text), Style::kDim);
  reasoning_open_ = reasoning_.started();
}

void ReplyView::end_reasoning() {
  if (!reasoning_open_) return;
  display_.aside.write(display_.manner == ChatDisplay::Manner::kPeople ? "\n\n" : "\n");
  reasoning_open_ = false;
}

void ReplyView::add_content(std::string_view text) {
  if (display_.manner == ChatDisplay::Manner::kData) {
    end_reasoning();
    display_.content.write(text);
    if (!text.empty()) line_open_ = text.back() != '\n';
    return;
  }
  const std::string shown = content_.push(text);
  if (shown.empty()) return;
  end_reasoning();
  display_.content.write(shown);
}

bool ReplyView::add(const ReplyEvent& event) {
  switch (event.kind) {
    case ReplyEvent::Kind::kReasoning: add_reasoning(event.text); break;
    case ReplyEvent::Kind::kContent: add_content(event.text); break;
    case ReplyEvent::Kind::kCall:
    case ReplyEvent::Kind::kArguments:  // without tools, calls are text
    case ReplyEvent::Kind::kFinished: break;
  }
  return display_.content.status().ok();
}

void ReplyView::finish() {
  end_reasoning();
  const bool data = display_.manner == ChatDisplay::Manner::kData;
  if (data ? line_open_ : content_.started()) display_.content.write("\n");
}

std::string turn_figures(const TurnResult& turn, int64_t context_used, int64_t context_size) {
  std::string out;
  switch (turn.end) {
    case TurnResult::End::kComplete: break;
    case TurnResult::End::kInterrupted: out = "stopped: "; break;
    case TurnResult::End::kMaxTokens: out = "cut at the length limit: "; break;
    case TurnResult::End::kContextFull: out = "context full, /reset starts anew: "; break;
  }
  const GenerationResult& figures = turn.generation;
  out += concat(figures.output_tokens, figures.output_tokens == 1 ? " token" : " tokens");
  // The first token comes out of the prompt's last step; all others cost a step of their own.
  const int64_t steps = figures.output_tokens - 1;
  if (steps > 0 && figures.decode_seconds > 0.0) {
    out += concat(", ", std::llround(static_cast<double>(steps) / figures.decode_seconds), " tok/s");
  }
  return out + concat(", context ", context_used, "/", context_size);
}

}  // namespace fathom
