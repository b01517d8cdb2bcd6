// SPDX-License-Identifier: MIT
#include "apps/line_editor.h"

#ifndef FATHOM_HAVE_LIBEDIT

namespace fathom {

std::unique_ptr<LineReader> make_line_editor(TerminalInput&, TerminalOutput&) { return nullptr; }

}  // namespace fathom

#else

#include <histedit.h>
#include <termios.h>
#include <unistd.h>

#include <algorithm>
#include <clocale>
#include <cstdio>
#include <cstdlib>
#include <optional>

#include "base/concat.h"
#include "text/utf8.h"

namespace fathom {
namespace {

// Terminals put these around what is pasted while kPasteOn holds.
constexpr std::string_view kPasteBegin = "\x1b[200~";
constexpr std::string_view kPasteEnd = "\x1b[201~";
constexpr std::string_view kPasteOn = "\x1b[?2004h";
constexpr std::string_view kPasteOff = "\x1b[?2004l";
// Delivered in place of a whole paste; bound to insert_paste. Typed by hand it inserts nothing.
constexpr wchar_t kPasteKey = 0x1D;
constexpr size_t kMaxPasteBytes = 1 << 20;  // the editor redraws all of a line at every key
constexpr int kHistorySize = 1000;
// Within a sequence or a character the next byte follows at once; a lone ESC stays alone.
constexpr int kSequenceMs = 30;

// Keys come one by one and unseen, also between the lines: what is typed during a reply, Ctrl-D included,
// waits for the next prompt as it is. Ctrl-C and Ctrl-Z stay signals.
class KeyByKey {
 public:
  KeyByKey() noexcept : changed_(::tcgetattr(STDIN_FILENO, &old_) == 0) {
    if (!changed_) return;
    termios keys = old_;
    keys.c_lflag &= ~static_cast<tcflag_t>(ICANON | ECHO);
    keys.c_cc[VMIN] = 1;
    keys.c_cc[VTIME] = 0;
    ::tcsetattr(STDIN_FILENO, TCSADRAIN, &keys);
  }
  ~KeyByKey() {
    if (changed_) ::tcsetattr(STDIN_FILENO, TCSADRAIN, &old_);
  }
  KeyByKey(const KeyByKey&) = delete;
  KeyByKey& operator=(const KeyByKey&) = delete;

 private:
  termios old_{};
  const bool changed_;
};

class LineEditor final : public LineReader {
 public:
  LineEditor(TerminalInput& input, TerminalOutput& output) : input_(input), output_(output) {}
  ~LineEditor() override {
    if (editor_ != nullptr) el_end(editor_);
    if (history_ != nullptr) history_end(history_);
  }
  LineEditor(const LineEditor&) = delete;
  LineEditor& operator=(const LineEditor&) = delete;

  bool start();
  Result<InputLine> read(std::string_view prompt) override;
  void remember(std::string_view message) override;

 private:
  static LineEditor& self(EditLine* editor);
  static char* prompt(EditLine* editor) { return self(editor).prompt_.data(); }
  static int next_key(EditLine* editor, wchar_t* out) { return self(editor).next_key(*out); }
  static unsigned char insert_line_feed(EditLine* editor, int key);
  static unsigned char insert_paste(EditLine* editor, int key);

  int next_key(wchar_t& out);
  bool take_key(wchar_t& out);
  void read_paste();
  bool wait(int timeout_ms);
  bool gave_up() const noexcept { return signal_ != 0 || !error_.ok(); }
  void handle_signal(int signal);

  TerminalInput& input_;
  TerminalOutput& output_;
  KeyByKey mode_;  // before the editor, which keeps it between lines
  EditLine* editor_ = nullptr;
  History* history_ = nullptr;
  std::string prompt_;
  std::string paste_;

  // Why the last wait() gave up.
  bool at_end_ = false;
  int signal_ = 0;
  Status error_;
};

LineEditor& LineEditor::self(EditLine* editor) {
  void* data = nullptr;
  el_get(editor, EL_CLIENTDATA, &data);
  return *static_cast<LineEditor*>(data);
}

// The editor needs a UTF-8 locale to take and show more than ASCII.
void use_utf8_locale() {
  std::setlocale(LC_CTYPE, "");
  if (MB_CUR_MAX == 1) std::setlocale(LC_CTYPE, "C.UTF-8");
}

bool LineEditor::start() {
  use_utf8_locale();
  editor_ = el_init("fathom", stdin, stdout, stderr);
  history_ = history_init();
  if (editor_ == nullptr || history_ == nullptr) return false;
  HistEvent event;
  history(history_, &event, H_SETSIZE, kHistorySize);
  history(history_, &event, H_SETUNIQUE, 1);
  el_set(editor_, EL_CLIENTDATA, this);
  el_set(editor_, EL_EDITOR, "emacs");
  el_set(editor_, EL_HIST, history, history_);
  el_set(editor_, EL_SETTY, "-x", "-icanon", "-echo", nullptr);  // its mode between lines
  el_set(editor_, EL_PROMPT_ESC, prompt, '\1');
  el_set(editor_, EL_GETCFN, static_cast<int (*)(EditLine*, wchar_t*)>(next_key));
  el_source(editor_, nullptr);
  // Wide, as the editor copies narrow names and never frees them.
  el_wset(editor_, EL_ADDFN, L"insert-line-feed", L"Insert a line break", insert_line_feed);
  el_wset(editor_, EL_ADDFN, L"insert-paste", L"Insert pasted text", insert_paste);
  for (const char* alt_enter : {"\\e^M", "\\e^J"}) {
    el_set(editor_, EL_BIND, alt_enter, "insert-line-feed", nullptr);
  }
  el_set(editor_, EL_BIND, "^]", "insert-paste", nullptr);
  return true;
}

Result<InputLine> LineEditor::read(std::string_view prompt) {
  const bool styled = output_.styling() == Styling::kOn;
  // The editor sends an escape sequence with the character after it, so the reset goes before the last one.
  const size_t last = prompt.size() - 1;
  prompt_ = styled ? concat("\1\x1b[1m\1", prompt.substr(0, last), "\1\x1b[0m\1", prompt.substr(last))
                   : std::string(prompt);
  at_end_ = false;
  signal_ = 0;
  int count = 0;
  output_.write_control(kPasteOn);
  const char* text = el_gets(editor_, &count);
  output_.write_control(kPasteOff);
  FATHOM_RETURN_IF_ERROR(error_);
  if (signal_ != 0) {
    const LineInfo* line = el_line(editor_);
    return line_of_signal(signal_, line->lastchar > line->buffer);
  }
  if (text == nullptr || count <= 0) return InputLine{InputLine::Kind::kEnd, "", false};
  InputLine line{InputLine::Kind::kText, std::string(text, static_cast<size_t>(count)), false};
  if (line.text.ends_with('\n')) line.text.pop_back();
  return line;
}

void LineEditor::remember(std::string_view message) {
  HistEvent event;
  history(history_, &event, H_ENTER, std::string(message).c_str());
}

unsigned char LineEditor::insert_line_feed(EditLine* editor, int) {
  return el_insertstr(editor, "\n") == 0 ? CC_REFRESH : CC_ERROR;
}

unsigned char LineEditor::insert_paste(EditLine* editor, int) {
  std::string& paste = self(editor).paste_;
  if (paste.empty()) return CC_NORM;
  const bool inserted = el_insertstr(editor, paste.c_str()) == 0;
  paste.clear();
  return inserted ? CC_REFRESH : CC_ERROR;
}

// As the editor wants it: 1 and a key, 0 at the end, -1 to give the line up.
int LineEditor::next_key(wchar_t& out) {
  while (!take_key(out)) {
    if (!gave_up() && wait(-1)) continue;
    return at_end_ ? 0 : -1;
  }
  return 1;
}

// The next key from the buffered bytes; false when there are none, or the line is given up.
bool LineEditor::take_key(wchar_t& out) {
  const auto bytes = [this] { return input_.buffered(); };
  if (bytes().empty() || gave_up()) return false;
  while (bytes().size() < kPasteBegin.size() && kPasteBegin.starts_with(bytes()) && wait(kSequenceMs)) {
  }
  if (gave_up()) return false;
  if (bytes().starts_with(kPasteBegin)) {
    input_.consume(kPasteBegin.size());
    read_paste();
    out = kPasteKey;
    return true;
  }
  Utf8Step step = decode_utf8(bytes());
  while (step.kind == Utf8Kind::kUnfinished && wait(kSequenceMs)) step = decode_utf8(bytes());
  input_.consume(step.length);
  out = static_cast<wchar_t>(step.code_point);
  return true;
}

// Pasted text with its line breaks as line feeds and without other control characters but tabs.
std::string clean_paste(std::string_view bytes) {
  const std::string text = to_well_formed(bytes);
  std::string out;
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == '\r') {
      if (i + 1 == text.size() || text[i + 1] != '\n') out += '\n';
    } else if (static_cast<unsigned char>(text[i]) >= 0x20 || text[i] == '\n' || text[i] == '\t') {
      if (text[i] != 0x7F) out += text[i];
    }
  }
  while (out.ends_with('\n')) out.pop_back();
  return out;
}

// Reads up to the end of the paste, or as long as bytes come; what is too much is dropped.
void LineEditor::read_paste() {
  constexpr int kPasteMs = 1000;
  std::string bytes;
  for (;;) {
    const std::string_view buffered = input_.buffered();
    const size_t end = buffered.find(kPasteEnd);
    if (end != std::string_view::npos) {
      bytes += buffered.substr(0, end);
      input_.consume(end + kPasteEnd.size());
      break;
    }
    // The end mark may be cut in two.
    const size_t certain = buffered.size() - std::min(buffered.size(), kPasteEnd.size() - 1);
    bytes += buffered.substr(0, certain);
    input_.consume(certain);
    bytes.resize(std::min(bytes.size(), kMaxPasteBytes));
    if (!wait(kPasteMs)) break;
  }
  bytes.resize(std::min(bytes.size(), kMaxPasteBytes));
  paste_ = clean_paste(bytes);
}

// True when more bytes have come; otherwise time is up or the line is to be given up.
bool LineEditor::wait(int timeout_ms) {
  for (;;) {
    const Result<InputEvent> event = input_.wait_for_more(timeout_ms);
    if (!event.ok()) {
      error_ = event.status();
      return false;
    }
    switch (event->kind) {
      case InputEvent::Kind::kBytes: return true;
      case InputEvent::Kind::kTimeout: return false;
      case InputEvent::Kind::kEnd: at_end_ = true; return false;
      case InputEvent::Kind::kSignal: break;
    }
    if (ends_line(event->signal)) {
      signal_ = event->signal;
      return false;
    }
    handle_signal(event->signal);
  }
}

// The window changed, or the program was stopped and someone else used the terminal meanwhile.
void LineEditor::handle_signal(int signal) {
  if (signal == SIGWINCH) el_resize(editor_);
  if (signal == SIGCONT) {
    el_set(editor_, EL_PREP_TERM, 0);
    el_set(editor_, EL_PREP_TERM, 1);
    el_set(editor_, EL_REFRESH);
  }
}

}  // namespace

std::unique_ptr<LineReader> make_line_editor(TerminalInput& input, TerminalOutput& output) {
  auto editor = std::make_unique<LineEditor>(input, output);
  if (!editor->start()) return nullptr;
  return editor;
}

}  // namespace fathom

#endif
