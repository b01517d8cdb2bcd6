// SPDX-License-Identifier: MIT
// What a reply looks like: exact bytes for programs, set apart and trimmed for people.
#include "apps/reply_view.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <vector>

namespace fathom {
namespace {

// An output that is no terminal, and what was written to it.
class PipedOutput {
 public:
  PipedOutput() {
    EXPECT_EQ(::pipe2(ends_, O_NONBLOCK | O_CLOEXEC), 0);
    output_.emplace(ends_[1], Styling::kOn);
  }
  ~PipedOutput() {
    ::close(ends_[0]);
    ::close(ends_[1]);
  }
  TerminalOutput& output() { return *output_; }
  void close_reader() { ends_[0] = (::close(ends_[0]), -1); }
  std::string take() {
    char bytes[4096];
    const ssize_t count = ::read(ends_[0], bytes, sizeof bytes);
    return count > 0 ? std::string(bytes, static_cast<size_t>(count)) : std::string();
  }

 private:
  int ends_[2] = {-1, -1};
  std::optional<TerminalOutput> output_;
};

ReplyEvent reasoning(std::string text) { return {ReplyEvent::Kind::kReasoning, std::move(text)}; }
ReplyEvent content(std::string text) { return {ReplyEvent::Kind::kContent, std::move(text)}; }

struct Shown {
  std::string content;
  std::string aside;
};

Shown show(ChatDisplay::Manner manner, const std::vector<ReplyEvent>& events) {
  PipedOutput out;
  PipedOutput err;
  ReplyView view({out.output(), err.output(), manner});
  for (const ReplyEvent& event : events) EXPECT_TRUE(view.add(event));
  view.finish();
  return {out.take(), err.take()};
}

TEST(PrefixedLines, DoNotDependOnHowTheTextIsCut) {
  const std::string text = "\n\n one\n\ntwo\nthree\n\n";
  const std::string expected = "| one\n; \n; two\n; three";
  for (size_t first = 0; first <= text.size(); ++first) {
    for (size_t second = first; second <= text.size(); ++second) {
      PrefixedLines lines("|", "; ");
      std::string shown = lines.push(text.substr(0, first));
      shown += lines.push(text.substr(first, second - first));
      shown += lines.push(text.substr(second));
      ASSERT_EQ(shown, expected) << first << ", " << second;
    }
  }
}

TEST(ReplyView, DataIsTheContentAndOneLineFeed) {
  using enum ChatDisplay::Manner;
  EXPECT_EQ(show(kData, {content("\n a"), content("b\x1b[0m")}).content, "\n ab\x1b[0m\n");
  EXPECT_EQ(show(kData, {content("ends\n")}).content, "ends\n");
  EXPECT_EQ(show(kData, {content("ends\n\n")}).content, "ends\n\n");
  EXPECT_EQ(show(kData, {}).content, "\n");
}

TEST(ReplyView, ThinkingGoesAsideAndIsNamedWithoutStyle) {
  const Shown shown =
      show(ChatDisplay::Manner::kData, {reasoning("\nfirst\n"), reasoning("second\n\n"), content("c")});
  EXPECT_EQ(shown.content, "c\n");
  EXPECT_EQ(shown.aside, "[thinking] first\nsecond\n");
}

TEST(ReplyView, PeopleSeeNoBlankLinesAroundTheContent) {
  const Shown shown =
      show(ChatDisplay::Manner::kPeople, {reasoning("so"), content("\n\nyes\n\n"), content("and\n\n")});
  EXPECT_EQ(shown.content, "yes\n\nand\n");
  EXPECT_EQ(shown.aside, "[thinking] so\n\n");
}

TEST(ReplyView, AReplyCutInsideThinkingEndsItsLine) {
  const Shown shown = show(ChatDisplay::Manner::kPeople, {reasoning("half")});
  EXPECT_EQ(shown.content, "");
  EXPECT_EQ(shown.aside, "[thinking] half\n\n");
}

TEST(ReplyView, AClosedReaderEndsTheReply) {
  ::signal(SIGPIPE, SIG_IGN);
  PipedOutput out;
  PipedOutput err;
  out.close_reader();
  ReplyView view({out.output(), err.output(), ChatDisplay::Manner::kData});
  EXPECT_FALSE(view.add(content("x")));
  EXPECT_EQ(out.output().status().code(), StatusCode::kIo);
}

TEST(TurnFigures, NameTokensSpeedContextAndWhyTheReplyEnded) {
  TurnResult turn;
  turn.generation.output_tokens = 101;
  turn.generation.decode_seconds = 0.25;
  EXPECT_EQ(turn_figures(turn, 130, 4096), "101 tokens, 400 tok/s, context 130/4096");
  turn.end = TurnResult::End::kInterrupted;
  turn.generation.output_tokens = 1;
  EXPECT_EQ(turn_figures(turn, 9, 10), "stopped: 1 token, context 9/10");
  turn.end = TurnResult::End::kContextFull;
  turn.generation.output_tokens = 0;
  turn.generation.decode_seconds = 0.0;
  EXPECT_EQ(turn_figures(turn, 10, 10), "context full, /reset starts anew: 0 tokens, context 10/10");
}

}  // namespace
}  // namespace fathom
