// SPDX-License-Identifier: MIT
// Replies from hostile models: however the text is cut, the events are the same; arguments of a finished
// reply are JSON; text that is no call is delivered whole (chat.md 6, reliability.md P-1).
//
// Input: one byte of options, one byte that seeds the cutting, then the reply with special tokens by their
// text.
#include <cstddef>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "base/check.h"
#include "text/json_syntax.h"
#include "text/reply_units.h"

namespace {

using fathom::ReplyEvent;
using fathom::ReplyMarker;
using fathom::ReplyMessage;
using fathom::ReplyOptions;
using fathom::ReplyParser;
using fathom::ReplyUnit;

enum class Finish : uint8_t { kCut, kStopped };

// Feeds the units, text in pieces whose lengths a small generator draws from `seed`; 0: whole.
ReplyMessage run(const std::vector<ReplyUnit>& units, const ReplyOptions& options, uint32_t seed,
                 Finish finish) {
  ReplyParser parser(options);
  for (const ReplyUnit& unit : units) {
    std::string_view text = unit.text;
    if (unit.kind == ReplyUnit::Kind::kMarker || seed == 0) {
      fathom::push_unit(parser, unit);
      continue;
    }
    while (!text.empty()) {
      seed = seed * 1664525 + 1013904223;
      const size_t length = 1 + (seed >> 16) % 5;
      parser.push_text(text.substr(0, length));
      text.remove_prefix(length < text.size() ? length : text.size());
    }
  }
  if (finish == Finish::kCut) {
    parser.finish_cut();
  } else {
    parser.finish_stopped();
  }
  ReplyMessage message;
  for (const ReplyEvent& event : parser.take_events()) message.add(event);
  return message;
}

void check_equal(const ReplyMessage& a, const ReplyMessage& b) {
  FATHOM_CHECK(a.reasoning == b.reasoning);
  FATHOM_CHECK(a.content == b.content);
  FATHOM_CHECK(a.finish_reason == b.finish_reason);
  FATHOM_CHECK(a.calls.size() == b.calls.size());
  for (size_t i = 0; i < a.calls.size(); ++i) {
    FATHOM_CHECK(a.calls[i].name == b.calls[i].name);
    FATHOM_CHECK(a.calls[i].arguments == b.calls[i].arguments);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  if (size < 2) return 0;
  ReplyOptions options;
  if (data[0] & 1) options.start = ReplyOptions::Start::kReasoning;
  if ((data[0] & 2) == 0) options.calls = ReplyOptions::Calls::kParsed;
  const std::string_view text(reinterpret_cast<const char*>(data) + 2, size - 2);
  const std::vector<ReplyUnit> units = fathom::cut_reply(text);
  const uint32_t seed = data[1] + 1u;

  const ReplyMessage cut = run(units, options, 0, Finish::kCut);
  check_equal(run(units, options, seed, Finish::kCut), cut);
  const ReplyMessage whole = run(units, options, 0, Finish::kStopped);
  check_equal(run(units, options, seed, Finish::kStopped), whole);

  FATHOM_CHECK(whole.calls.size() == cut.calls.size());
  for (size_t i = 0; i < whole.calls.size(); ++i) {
    FATHOM_CHECK(whole.calls[i].arguments.starts_with(cut.calls[i].arguments));
    // The object around a value adds a level that the syntax check does not know of.
    if (whole.calls[i].arguments.size() < fathom::kMaxJsonSyntaxDepth) {
      FATHOM_CHECK(fathom::is_json_text(whole.calls[i].arguments));
    }
  }
  if (options.calls == ReplyOptions::Calls::kPlainText) {
    std::string expected;
    for (const ReplyUnit& unit : units) {
      const bool is_marker = unit.kind == ReplyUnit::Kind::kMarker;
      if (is_marker && unit.marker == ReplyMarker::kEnd) break;
      if (is_marker && unit.marker == ReplyMarker::kThinkOpen) continue;
      if (is_marker && unit.marker == ReplyMarker::kThinkClose) continue;
      expected += unit.text;
    }
    FATHOM_CHECK(whole.reasoning + whole.content == expected);
  }
  return 0;
}
