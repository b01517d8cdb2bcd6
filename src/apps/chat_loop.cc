// SPDX-License-Identifier: MIT
#include "apps/chat_loop.h"

#include <termios.h>
#include <unistd.h>

#include "apps/chat_slash.h"
#include "apps/reply_interrupt.h"
#include "base/concat.h"

namespace fathom {
namespace {

constexpr std::string_view kPrompt = "> ";
constexpr std::string_view kContinuationPrompt = ". ";

// While a reply streams, keys are not echoed into it; what is typed is there at the next prompt. (For plain
// lines; the line editor sees to it by itself.)
class QuietKeyboard {
 public:
  QuietKeyboard() noexcept : changed_(::tcgetattr(STDIN_FILENO, &old_) == 0) {
    if (!changed_) return;
    termios quiet = old_;
    quiet.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ::tcsetattr(STDIN_FILENO, TCSANOW, &quiet);
  }
  ~QuietKeyboard() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSANOW, &old_);
  }
  QuietKeyboard(const QuietKeyboard&) = delete;
  QuietKeyboard& operator=(const QuietKeyboard&) = delete;

 private:
  termios old_{};
  const bool changed_;
};

struct ShownTurn {
  Result<TurnResult> turn;
  int interrupts = 0;
  bool terminated = false;
};

ShownTurn show_turn(ChatSession& session, std::string_view message, const ChatDisplay& display,
                    SignalEvents& signals) {
  ReplyInterrupt interrupt(signals);
  ReplyView view(display);
  auto turn =
      session.ask(message, [&](const ReplyEvent& event) { return view.add(event); }, interrupt.token());
  interrupt.finish();
  if (turn.ok()) view.finish();
  if (turn.ok() && display.manner == ChatDisplay::Manner::kPeople) {
    display.aside.write(turn_figures(*turn, session.context_used(), session.context_size()) + "\n",
                        Style::kDim);
  }
  return {std::move(turn), interrupt.interrupts(), interrupt.terminated()};
}

Status stopped_by_signal() { return Status(StatusCode::kCancelled, "chat: stopped by a signal"); }

bool is_blank(std::string_view text) noexcept {
  return text.find_first_not_of(" \t\r\n") == std::string_view::npos;
}

class ChatLoop {
 public:
  ChatLoop(ChatSession& session, LineReader& reader, const ChatDisplay& display, SignalEvents& signals)
      : session_(session), reader_(reader), display_(display), signals_(signals) {}

  Status run();

 private:
  bool for_people() const noexcept { return display_.manner == ChatDisplay::Manner::kPeople; }
  Result<InputLine> read_message();
  Status interrupted(bool dropped_text);
  Status handle(const std::string& text);
  void run_slash(const std::string& text);
  Status ask(std::string_view text);
  void report(const Status& status);

  ChatSession& session_;
  LineReader& reader_;
  const ChatDisplay display_;
  SignalEvents& signals_;
  bool leaving_ = false;
  bool interrupted_before_ = false;  // the last thing that happened was a Ctrl-C
  int64_t turns_ = 0;
  int64_t failed_ = 0;
};

// Lines up to the first that does not end in a backslash.
Result<InputLine> ChatLoop::read_message() {
  std::string message;
  for (std::string_view prompt = kPrompt;; prompt = kContinuationPrompt) {
    FATHOM_ASSIGN_OR_RETURN(InputLine line, reader_.read(prompt));
    if (line.kind == InputLine::Kind::kEnd && !message.empty()) {
      return InputLine{InputLine::Kind::kText, message, false};
    }
    if (line.kind == InputLine::Kind::kInterrupted) line.dropped_text |= !message.empty();
    if (line.kind != InputLine::Kind::kText) return line;
    message += line.text;
    if (!message.ends_with('\\')) return InputLine{InputLine::Kind::kText, message, false};
    message.back() = '\n';
  }
}

Status ChatLoop::interrupted(bool dropped_text) {
  if (!for_people()) return stopped_by_signal();
  display_.aside.write("^C\n", Style::kDim);
  leaving_ = interrupted_before_ && !dropped_text;
  if (!leaving_ && !dropped_text) display_.aside.write("Ctrl-C once more leaves\n", Style::kDim);
  interrupted_before_ = true;
  return Status();
}

void ChatLoop::report(const Status& status) {
  display_.aside.write(concat(for_people() ? "" : concat("turn ", turns_, ": "), status.message(), "\n"),
                       Style::kError);
  ++failed_;
}

void ChatLoop::run_slash(const std::string& text) {
  const Result<SlashReply> reply = run_slash_command(text, session_);
  if (!reply.ok()) return report(reply.status());
  if (!reply->text.empty()) display_.aside.write(reply->text + "\n", Style::kDim);
  leaving_ = reply->next == SlashReply::Next::kLeave;
}

Status ChatLoop::ask(std::string_view text) {
  ShownTurn shown = [&] {
    const QuietKeyboard quiet;
    return show_turn(session_, text, display_, signals_);
  }();
  FATHOM_RETURN_IF_ERROR(display_.content.status());
  if (shown.terminated) return stopped_by_signal();
  if (!shown.turn.ok()) report(shown.turn.status());
  if (shown.interrupts == 0) return Status();
  if (!for_people()) return stopped_by_signal();
  interrupted_before_ = true;
  leaving_ = shown.interrupts > 1;
  return Status();
}

Status ChatLoop::handle(const std::string& text) {
  interrupted_before_ = false;
  if (is_blank(text)) return Status();
  reader_.remember(text);
  ++turns_;
  Status status;
  if (is_slash_command(text)) {
    run_slash(text);
  } else {
    status = ask(std::string_view(text).substr(text.starts_with("//") ? 1 : 0));
  }
  if (for_people() && !leaving_) display_.aside.write("\n");
  return status;
}

Status ChatLoop::run() {
  while (!leaving_) {
    FATHOM_ASSIGN_OR_RETURN(const InputLine line, read_message());
    switch (line.kind) {
      case InputLine::Kind::kText: FATHOM_RETURN_IF_ERROR(handle(line.text)); break;
      case InputLine::Kind::kInterrupted: FATHOM_RETURN_IF_ERROR(interrupted(line.dropped_text)); break;
      case InputLine::Kind::kTerminated: return stopped_by_signal();
      case InputLine::Kind::kEnd:
        if (for_people()) display_.aside.write("\n");
        leaving_ = true;
        break;
    }
  }
  if (for_people() || failed_ == 0) return Status();
  return Status(StatusCode::kInvalidArgument,
                concat("chat: expected every turn to succeed, found ", failed_, " of ", turns_, " failed"));
}

}  // namespace

Status run_one_turn(ChatSession& session, std::string_view message, const ChatDisplay& display,
                    SignalEvents& signals) {
  const ShownTurn shown = show_turn(session, message, display, signals);
  FATHOM_RETURN_IF_ERROR(display.content.status());
  FATHOM_RETURN_IF_ERROR(shown.turn.status());
  return shown.interrupts > 0 || shown.terminated ? stopped_by_signal() : Status();
}

Status run_turns(ChatSession& session, LineReader& reader, const ChatDisplay& display,
                 SignalEvents& signals) {
  return ChatLoop(session, reader, display, signals).run();
}

}  // namespace fathom
