// SPDX-License-Identifier: MIT
// Replies against tests/fixtures/chat (parse.jsonl, stream.jsonl), every cutting of them, and the rules of
// chat.md 6 that no fixture shows.
#include "text/reply_parser.h"

#include <gtest/gtest.h>

#include <array>
#include <optional>
#include <random>
#include <string>
#include <vector>

#include "tests/support/chat_fixtures.h"
#include "text/chat_dialect.h"
#include "text/chat_lines.h"
#include "text/dsml_words.h"
#include "text/reply_units.h"

namespace fathom {
namespace {

ReplyOptions options_of(const JsonValue& line) {
  ReplyOptions options;
  if (line.find("thinking_mode")->as_string() == "thinking") options.start = ReplyOptions::Start::kReasoning;
  if (line.find("tools")->as_bool()) options.calls = ReplyOptions::Calls::kParsed;
  return options;
}

// Everything that came out, in a form that compares and prints.
std::string describe(const std::vector<ReplyEvent>& events) {
  ReplyEventList merged;
  for (const ReplyEvent& event : events) {
    switch (event.kind) {
      case ReplyEvent::Kind::kCall: merged.add_call(event.text); break;
      case ReplyEvent::Kind::kFinished: merged.add_finish(event.finish_reason); break;
      case ReplyEvent::Kind::kReasoning: merged.add_text(event.kind, event.text); break;
      case ReplyEvent::Kind::kContent: merged.add_text(event.kind, event.text); break;
      case ReplyEvent::Kind::kArguments: merged.add_text(event.kind, event.text); break;
    }
  }
  std::string out;
  for (const ReplyEvent& event : merged.take()) {
    constexpr const char* kNames[] = {"reasoning:", "content:", "call:", "arguments:", "finished:"};
    out += kNames[static_cast<size_t>(event.kind)];
    out += event.kind == ReplyEvent::Kind::kFinished ? finish_reason_name(event.finish_reason) : event.text;
    out += '\n';
  }
  return out;
}

std::string run(const std::vector<ReplyUnit>& units, const ReplyOptions& options) {
  ReplyParser parser(options);
  std::vector<ReplyEvent> events;
  const auto take = [&] {
    for (ReplyEvent& event : parser.take_events()) events.push_back(std::move(event));
  };
  for (const ReplyUnit& unit : units) {
    push_unit(parser, unit);
    take();
  }
  parser.finish_cut();
  take();
  return describe(events);
}

ReplyMessage parse(std::string_view text, const ReplyOptions& options) {
  ReplyParser parser(options);
  for (const ReplyUnit& unit : cut_reply(text)) push_unit(parser, unit);
  parser.finish_cut();
  ReplyMessage message;
  for (const ReplyEvent& event : parser.take_events()) message.add(event);
  return message;
}

constexpr ReplyOptions kWithTools = {ReplyOptions::Start::kContent, ReplyOptions::Calls::kParsed};
constexpr ReplyOptions kReasoningWithTools = {ReplyOptions::Start::kReasoning, ReplyOptions::Calls::kParsed};
constexpr ReplyOptions kNoTools = {ReplyOptions::Start::kContent, ReplyOptions::Calls::kPlainText};

TEST(ReplyParser, MessagesEqualTheFixtures) {
  int lines = 0;
  for (const JsonValue& line : test::read_chat_fixture("parse.jsonl")) {
    const JsonValue& expect = *line.find("expect");
    const std::string out = parse_reply_line(write_json(line), {});
    EXPECT_EQ(out, write_json(expect)) << line.find("name")->as_string();
    ++lines;
  }
  EXPECT_EQ(lines, 105);
}

// Nothing is held without need and nothing goes out too early: totals after every unit.
TEST(ReplyParser, TotalsAfterEveryUnitEqualTheFixtures) {
  int lines = 0;
  for (const JsonValue& line : test::read_chat_fixture("stream.jsonl")) {
    ParseReplyOptions options;
    options.events = ParseReplyOptions::Events::kYes;
    auto got = read_json(parse_reply_line(write_json(line), options));
    ASSERT_TRUE(got.ok());
    const auto& rows = got->find("cumulative")->items();
    const auto& expected = line.find("cumulative")->items();
    ASSERT_EQ(rows.size(), expected.size());
    for (size_t i = 0; i < rows.size(); ++i) {
      EXPECT_EQ(write_json(rows[i]), write_json(expected[i]))
          << line.find("name")->as_string() << " after unit " << i << ": "
          << line.find("units")->items()[i].as_string();
    }
    got->members().pop_back();
    EXPECT_EQ(write_json(*got), write_json(*line.find("expect"))) << line.find("name")->as_string();
    ++lines;
  }
  EXPECT_EQ(lines, 103);
}

// A transcript is marker units and single bytes, so that text can be cut inside characters too.
std::vector<ReplyUnit> atoms_of(std::string_view text) {
  std::vector<ReplyUnit> atoms;
  for (const ReplyUnit& unit : cut_reply(text)) {
    if (unit.kind == ReplyUnit::Kind::kMarker) {
      atoms.push_back(unit);
      continue;
    }
    for (const char c : unit.text)
      atoms.push_back({ReplyUnit::Kind::kText, std::string(1, c), ReplyMarker::kOther});
  }
  return atoms;
}

// The atoms joined again, except where a cut says so (`cut_before(i)`).
template <typename Cut>
std::vector<ReplyUnit> join_atoms(const std::vector<ReplyUnit>& atoms, const Cut& cut_before) {
  std::vector<ReplyUnit> out;
  for (size_t i = 0; i < atoms.size(); ++i) {
    const bool text = atoms[i].kind == ReplyUnit::Kind::kText;
    if (text && i > 0 && !out.empty() && out.back().kind == ReplyUnit::Kind::kText && !cut_before(i)) {
      out.back().text += atoms[i].text;
    } else {
      out.push_back(atoms[i]);
    }
  }
  return out;
}

struct Transcript {
  std::string text;
  ReplyOptions options;
};

// The fixtures' texts; the same as if nothing was declared; their beginnings; and random walks over the
// pieces of the grammar.
std::vector<Transcript> transcripts() {
  std::vector<Transcript> all;
  for (const JsonValue& line : test::read_chat_fixture("parse.jsonl")) {
    const std::string& text = line.find("text")->as_string();
    all.push_back({text, options_of(line)});
    all.push_back({text, kReasoningWithTools});
    all.push_back({text, kNoTools});
    size_t end = text.size() * 2 / 3;
    while (!begins_code_point(text[end])) --end;
    all.push_back({text.substr(0, end), kWithTools});
  }
  const std::vector<std::string> pieces = {"<",
                                           "</",
                                           "｜DSML｜",
                                           "<｜DSML｜",
                                           "</｜DSML｜",
                                           "invoke",
                                           "parameter",
                                           "tool_calls",
                                           "tool_call",
                                           "toolcalls",
                                           "function_calls",
                                           ">",
                                           "\n",
                                           "\n\n",
                                           " ",
                                           "<｜DSML｜tool_calls>\n",
                                           "<｜DSML｜invoke name=\"f\">\n",
                                           "<｜DSML｜invoke name=\"é\">",
                                           "<｜DSML｜parameter name=\"a\" string=\"true\">",
                                           "<｜DSML｜parameter name=\"b\" string=\"false\">",
                                           "<｜DSML｜parameter name=\"c\">",
                                           "</｜DSML｜parameter>\n",
                                           "</｜DSML｜invoke>\n",
                                           "</｜DSML｜tool_calls>",
                                           "2>&1",
                                           "你",
                                           "|DSML|",
                                           "{\"k\": [1]}",
                                           "12",
                                           "\"",
                                           "\\",
                                           "<think>",
                                           "</think>",
                                           "<｜title｜>",
                                           "x",
                                           "name=\"",
                                           "\">",
                                           "<｜end▁of▁sentence｜>"};
  std::mt19937 random(20261124);
  for (int i = 0; i < 400; ++i) {
    std::string text;
    const auto length = 3 + random() % 24;
    for (unsigned n = 0; n < length; ++n) {
      // The last piece, EOS, is rare so that texts grow.
      const size_t pick = random() % (n + 4 < length ? pieces.size() - 1 : pieces.size());
      text += pieces[pick];
    }
    all.push_back({text, i % 4 == 0 ? kReasoningWithTools : kWithTools});
  }
  return all;
}

TEST(ReplyParser, EventsDoNotDependOnTheCutting) {
  std::mt19937 random(7);
  const std::vector<Transcript> all = transcripts();
  EXPECT_GE(all.size(), 500u);
  for (const Transcript& transcript : all) {
    const std::vector<ReplyUnit> atoms = atoms_of(transcript.text);
    const std::string whole = run(join_atoms(atoms, [](size_t) { return false; }), transcript.options);
    ASSERT_EQ(run(atoms, transcript.options), whole) << transcript.text;
    for (size_t cut = 1; cut < atoms.size(); ++cut) {
      ASSERT_EQ(run(join_atoms(atoms, [cut](size_t i) { return i == cut; }), transcript.options), whole)
          << "cut at " << cut << " of: " << transcript.text;
    }
    for (int trial = 0; trial < 200; ++trial) {
      const auto rarity = 2 + random() % 12;
      ASSERT_EQ(run(join_atoms(atoms, [&](size_t) { return random() % rarity == 0; }), transcript.options),
                whole)
          << transcript.text;
    }
  }
}

TEST(ReplyParser, ArgumentsAreValidJsonUnlessCut) {
  for (const Transcript& transcript : transcripts()) {
    const ReplyMessage message = parse(transcript.text + "<｜end▁of▁sentence｜>", transcript.options);
    EXPECT_NE(message.finish_reason, FinishReason::kLength);
    for (const ReplyCall& call : message.calls) {
      const auto arguments = read_json(call.arguments);
      EXPECT_TRUE(arguments.ok() && arguments->is_object()) << call.arguments << "\nof: " << transcript.text;
    }
  }
}

// What a shorter text gives is a beginning of what the longer one gives: nothing is ever taken back.
TEST(ReplyParser, ArgumentsOfACutReplyAreAPrefix) {
  for (const Transcript& transcript : transcripts()) {
    if (transcript.options.calls != ReplyOptions::Calls::kParsed) continue;
    const std::vector<ReplyUnit> atoms = atoms_of(transcript.text);
    const ReplyMessage whole = parse(transcript.text + "<｜end▁of▁sentence｜>", transcript.options);
    ReplyParser growing(transcript.options);
    ReplyMessage so_far;
    for (const ReplyUnit& atom : atoms) {
      push_unit(growing, atom);
      for (const ReplyEvent& event : growing.take_events()) so_far.add(event);
      ASSERT_TRUE(whole.reasoning.starts_with(so_far.reasoning)) << transcript.text;
      ASSERT_TRUE(whole.content.starts_with(so_far.content)) << transcript.text;
      ASSERT_LE(so_far.calls.size(), whole.calls.size()) << transcript.text;
      for (size_t i = 0; i < so_far.calls.size(); ++i) {
        ASSERT_TRUE(whole.calls[i].arguments.starts_with(so_far.calls[i].arguments)) << transcript.text;
      }
    }
  }
}

// Without a call no letter is lost: text and skipped think tokens are all there is.
TEST(ReplyParser, TextWithoutCallsIsDeliveredWhole) {
  int seen = 0;
  for (const Transcript& transcript : transcripts()) {
    const ReplyMessage message = parse(transcript.text, transcript.options);
    if (!message.calls.empty()) continue;
    std::string expected;
    for (const ReplyUnit& unit : cut_reply(transcript.text)) {
      if (unit.kind == ReplyUnit::Kind::kMarker && unit.marker == ReplyMarker::kEnd) break;
      const bool think = unit.kind == ReplyUnit::Kind::kMarker &&
                         (unit.marker == ReplyMarker::kThinkOpen || unit.marker == ReplyMarker::kThinkClose);
      if (!think) expected += unit.text;
    }
    const std::string got = message.reasoning + message.content;
    // An empty block is no text; it ends the reply.
    if (got.size() < expected.size() && message.finish_reason == FinishReason::kStop) continue;
    EXPECT_EQ(got, expected);
    ++seen;
  }
  EXPECT_GE(seen, 150);
}

std::string call_of(std::string_view body) {
  const ReplyMessage message = parse("<｜DSML｜tool_calls>\n<｜DSML｜invoke name=\"f\">\n" +
                                         std::string(body) + "</｜DSML｜invoke><｜end▁of▁sentence｜>",
                                     kWithTools);
  std::string out;
  for (const ReplyCall& call : message.calls) out += call.name + call.arguments + ";";
  return out;
}

std::string parameter(std::string_view head, std::string_view value) {
  return "<｜DSML｜parameter" + std::string(head) + std::string(value) + "</｜DSML｜parameter>\n";
}

TEST(ReplyParser, ParameterHeadsThatDoNotFitAreJunk) {
  EXPECT_EQ(call_of(parameter(" name=\"a\">", "1")), "f{\"a\": 1};");
  EXPECT_EQ(call_of(parameter(" name=\"\" string=\"true\">", "1")), "f{\"\": \"1\"};");
  EXPECT_EQ(call_of(parameter(" name=\"a\"b\" string=\"true\">", "1")), "f{\"a\\\"b\": \"1\"};");
  for (const char* head : {">", " >", "  name=\"a\">", " name=a>", " name=\"a\" string=\"maybe\">",
                           " name=\"a\" string=\"true\" >", "name=\"a\">", " Name=\"a\">"}) {
    EXPECT_EQ(call_of(parameter(head, "1") + parameter(" name=\"z\">", "2")), "f{\"z\": 2};") << head;
  }
}

// 1,024 code points for the whole head: `<｜DSML｜parameter name="` takes 23, `">` takes 2.
TEST(ReplyParser, ParameterHeadsHaveALength) {
  for (const char* letter : {"k", "é", "你"}) {
    std::string name;
    for (int i = 0; i < 1024 - 25; ++i) name += letter;
    EXPECT_EQ(call_of(parameter(" name=\"" + name + "\">", "1")), "f{\"" + name + "\": 1};");
    EXPECT_EQ(call_of(parameter(" name=\"" + name + letter + "\">", "1")), "f{};");
    EXPECT_EQ(call_of(parameter(" name=\"" + name + name + "\">", "1")), "f{};");
  }
}

TEST(ReplyParser, CallNamesHaveALengthAndNoLineFeed) {
  for (const char* letter : {"n", "é", "你", "\""}) {
    std::string name;
    for (int i = 0; i < 256; ++i) name += letter;
    const auto calls = [](const std::string& n) {
      return parse("<｜DSML｜invoke name=\"" + n + "\">x", kWithTools).calls;
    };
    ASSERT_EQ(calls(name).size(), 1u);
    EXPECT_EQ(calls(name)[0].name, name);
    EXPECT_TRUE(calls(name + letter).empty());
    EXPECT_TRUE(calls(name + letter + name).empty());
    EXPECT_TRUE(calls("a\nb").empty());
  }
}

TEST(ReplyParser, ABrokenHeadAfterTheFirstCallIsSkippedAndTheCallGoesOn) {
  EXPECT_EQ(call_of("<｜DSML｜invoke>\n" + parameter(" name=\"a\">", "1")), "f{\"a\": 1};");
  // The marker that breaks a head can begin a tag with the `<` before it.
  EXPECT_EQ(call_of("<｜DSML｜parameter name=\"x<｜DSML｜parameter name=\"a\">1</｜DSML｜parameter>"),
            "f{\"a\": 1};");
  EXPECT_EQ(call_of("<｜DSML｜invoke name=\"x</｜DSML｜invoke>" + parameter(" name=\"a\">", "1")), "f{};");
}

TEST(ReplyParser, AParameterOutsideACallIsJunk) {
  EXPECT_EQ(call_of("</｜DSML｜invoke>" + parameter(" name=\"a\">", "1")), "f{};");
}

TEST(ReplyParser, ValuesEndAtTagsOfTheGrammarOnly) {
  const auto value = [](const std::string& text) {
    return call_of(parameter(" name=\"a\" string=\"true\">", text));
  };
  EXPECT_EQ(value("cmd 2>&1 <b>x</b> </parameter> <|DSML|parameter>"),
            "f{\"a\": \"cmd 2>&1 <b>x</b> </parameter> <|DSML|parameter>\"};");
  EXPECT_EQ(value("<｜DSML｜x></｜DSML｜invoker></｜DSML｜parameter >"),
            "f{\"a\": \"<｜DSML｜x></｜DSML｜invoker></｜DSML｜parameter >\"};");
  EXPECT_EQ(value("1<｜DSML｜tool_calls>"), "f{\"a\": \"1\"};");
  EXPECT_EQ(value("1<｜DSML｜invoke name=\"g\">" + parameter(" name=\"b\">", "2")),
            "f{\"a\": \"1\"};g{\"b\": 2};");
  // A word longer than any tag's is text at once.
  EXPECT_EQ(value("<abcdefghijklmnopqrstuvwxyz"), "f{\"a\": \"<abcdefghijklmnopqrstuvwxyz\"};");
}

// "function_calls" has 14 letters; what is longer is no tag and is not held.
TEST(ReplyParser, HoldsNoMoreThanATagInsideAValue) {
  const std::string start = "<｜DSML｜invoke name=\"f\"><｜DSML｜parameter name=\"a\" string=\"true\">";
  for (const char* tag : {"<", "</", "<｜DSML｜", "</｜DSML｜"}) {
    EXPECT_EQ(parse(start + tag + "abcdefghijklmn", kWithTools).calls[0].arguments, "{\"a\": \"") << tag;
    EXPECT_EQ(parse(start + tag + "abcdefghijklmno", kWithTools).calls[0].arguments,
              std::string("{\"a\": \"") + tag + "abcdefghijklmno");
  }
}

TEST(ReplyParser, ValuesThatAreNotJsonBecomeStrings) {
  const auto value = [](const std::string& text) {
    return call_of(parameter(" name=\"a\" string=\"false\">", text));
  };
  for (const char* json :
       {"1", "-0.5e+10", " [1, {\"a\": null}, \"x\"] ", "{}", "\"\\ud800\"", "{\"a\":1,\"a\":2}", "true"}) {
    EXPECT_EQ(value(json), std::string("f{\"a\": ") + json + "};");
  }
  for (const char* text : {"", "01", "1.", ".5", "+1", "[1,]", "{a:1}", "'x'", "NaN", "-Infinity", "1 2", "[",
                           "]", "{\"a\":}", "nul", "1e", "[1}"}) {
    std::string quoted;
    append_json_string(quoted, text);
    EXPECT_EQ(value(text), "f{\"a\": " + quoted + "};");
  }
  const std::string deep(512, '[');
  EXPECT_EQ(value(deep + std::string(512, ']')), "f{\"a\": " + deep + std::string(512, ']') + "};");
  EXPECT_EQ(value("[" + deep + std::string(513, ']')),
            "f{\"a\": \"[" + deep + std::string(513, ']') + "\"};");
}

TEST(ReplyParser, ASpecialTokenSpelledByOrdinaryTextIsText) {
  ReplyParser parser(kWithTools);
  const std::string text = "<｜DSML｜invoke name=\"f\"></think><｜end▁of▁sentence｜>";
  parser.push_text(text);
  parser.finish_stopped();
  ReplyMessage message;
  for (const ReplyEvent& event : parser.take_events()) message.add(event);
  EXPECT_EQ(message.content, text);
  EXPECT_TRUE(message.calls.empty());
  EXPECT_EQ(message.finish_reason, FinishReason::kStop);
}

TEST(ReplyParser, LineFeedsBeforeASkippedTokenAreNotPartOfABlockAfterIt) {
  const ReplyMessage message = parse("a\n\n</think><｜DSML｜invoke name=\"f\">", kWithTools);
  EXPECT_EQ(message.content, "a\n\n");
  EXPECT_EQ(message.calls.size(), 1u);
}

TEST(ReplyParser, TextThatWasNoBlockMayBeginOne) {
  const ReplyMessage message = parse("<｜DSML｜invoke name=\"x<｜DSML｜invoke name=\"g\">", kWithTools);
  EXPECT_EQ(message.content, "<｜DSML｜invoke name=\"x");
  ASSERT_EQ(message.calls.size(), 1u);
  EXPECT_EQ(message.calls[0].name, "g");
}

TEST(ReplyParser, AFailedBlockInReasoningIsReasoning) {
  const ReplyMessage message =
      parse("r\n\n<｜DSML｜tool_calls>\n</think>c<｜end▁of▁sentence｜>", kReasoningWithTools);
  EXPECT_EQ(message.reasoning, "r\n\n<｜DSML｜tool_calls>\n");
  EXPECT_EQ(message.content, "c");
}

TEST(ReplyParser, ThinkOpensReasoningOnlyAsTheVeryFirstToken) {
  EXPECT_EQ(parse("<think>r</think>c", kNoTools).reasoning, "r");
  EXPECT_EQ(parse("</think><think>c", kNoTools).content, "c");
  EXPECT_EQ(parse("r</think><think>c", kReasoningWithTools).content, "c");
}

TEST(ReplyParser, NothingIsTakenAfterTheEnd) {
  ReplyParser parser(kNoTools);
  parser.push_text("a");
  EXPECT_FALSE(parser.ended());
  parser.push_marker(ReplyMarker::kEnd, "<｜end▁of▁sentence｜>");
  EXPECT_TRUE(parser.ended());
  parser.push_text("b");
  parser.push_marker(ReplyMarker::kThinkClose, "</think>");
  parser.finish_cut();
  parser.finish_stopped();
  EXPECT_EQ(describe(parser.take_events()), "content:a\nfinished:stop\n");
}

TEST(ParseReplyLine, UnitsOfAnyLengthGiveTheSameMessage) {
  for (const JsonValue& line : test::read_chat_fixture("parse.jsonl")) {
    for (const int size : {1, 2, 3, 7, 1000}) {
      ParseReplyOptions options;
      options.unit_code_points = size;
      EXPECT_EQ(parse_reply_line(write_json(line), options), write_json(*line.find("expect"))) << size;
    }
  }
}

TEST(ParseReplyLine, AWrongLineGivesAnErrorLine) {
  for (const char* bad : {"", "{", "[]", "{}", R"({"text": 1})", R"({"units": ["a", 2]})",
                          R"({"text": "x", "thinking_mode": "loud"})", R"({"text": "x", "tools": 1})"}) {
    const auto got = read_json(parse_reply_line(bad, {}));
    ASSERT_TRUE(got.ok());
    EXPECT_EQ(got->find("error")->as_int64(), 400) << bad;
  }
}

}  // namespace
}  // namespace fathom
