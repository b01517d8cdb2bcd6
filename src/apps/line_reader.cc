// SPDX-License-Identifier: MIT
#include "apps/line_reader.h"

#include "base/concat.h"

namespace fathom {
namespace {

constexpr size_t kMaxLineBytes = 32 << 20;  // as a request's body (reliability.md 3)

}  // namespace

InputLine PlainLineReader::take(size_t length, size_t with_end) {
  InputLine line{InputLine::Kind::kText, std::string(input_.buffered().substr(0, length)), false};
  if (line.text.ends_with('\r')) line.text.pop_back();
  input_.consume(with_end);
  return line;
}

Result<InputLine> PlainLineReader::read(std::string_view prompt) {
  if (prompting_ == Prompting::kYes) output_.write(prompt);
  size_t searched = 0;
  for (;;) {
    const std::string_view buffered = input_.buffered();
    const size_t end = buffered.find('\n', searched);
    if (end != std::string_view::npos) return take(end, end + 1);
    searched = buffered.size();
    if (searched > kMaxLineBytes) {
      return Status(StatusCode::kInvalidArgument, concat("standard input: expected lines of at most ",
                                                         kMaxLineBytes, " bytes, found a longer one"));
    }
    FATHOM_ASSIGN_OR_RETURN(const InputEvent event, input_.wait_for_more());
    if (event.kind == InputEvent::Kind::kEnd) {
      return searched == 0 ? InputLine{InputLine::Kind::kEnd, "", false} : take(searched, searched);
    }
    if (event.kind == InputEvent::Kind::kSignal && ends_line(event.signal)) {
      return line_of_signal(event.signal, searched > 0);
    }
  }
}

}  // namespace fathom
