// SPDX-License-Identifier: MIT
// Masks and what random replies under them look like (api.md 4.6, chat.md 5 and 6; reliability.md P-6).
#include "text/constraint.h"

#include <gtest/gtest.h>

#include <bit>
#include <string>
#include <vector>

#include "base/concat.h"
#include "tests/constraint/random_walk.h"
#include "tests/support/jsonl.h"
#include "text/chat_markers.h"

namespace fathom {
namespace {

using Calls = ConstraintSpec::Calls;
using Format = ConstraintSpec::Format;
using Start = ReplyOptions::Start;

const Tokenizer& tokenizer() {
  static const Tokenizer loaded =
      Tokenizer::from_json(test::read_text_file(FATHOM_SOURCE_DIR "/models/tiny-chat/tokenizer.json"))
          .value();
  return loaded;
}

const ConstraintCompiler& compiler() {
  static const ConstraintCompiler made = ConstraintCompiler::create(tokenizer()).value();
  return made;
}

int32_t id_of(Marker marker) { return *MarkerIds(tokenizer()).id(marker); }

ConstraintSpec schema_spec(std::string schema) {
  ConstraintSpec spec;
  spec.format = Format::kJsonSchema;
  spec.format_text = std::move(schema);
  return spec;
}

ConstraintSpec tools_spec(Calls calls, std::vector<ConstraintTool> tools) {
  ConstraintSpec spec;
  spec.calls = calls;
  spec.tools = std::move(tools);
  return spec;
}

test::RandomReply walk(const ConstraintSpec& spec, uint64_t seed = 1) {
  const auto plan = compiler().compile(spec);
  EXPECT_TRUE(plan.ok()) << plan.status().message();
  auto reply = test::random_walk(tokenizer(), *plan, spec, {.seed = seed});
  EXPECT_TRUE(reply.ok()) << reply.status().message();
  return std::move(*reply);
}

std::string error_of(const ConstraintSpec& spec) {
  const auto plan = compiler().compile(spec);
  return plan.ok() ? "accepted" : std::string(plan.status().message());
}

class Mask {
 public:
  explicit Mask(TokenConstraint& constraint) : bits_(static_cast<size_t>(tokenizer().size()) / 32 + 3, ~0U) {
    const Status status = constraint.mask(bits_);
    EXPECT_TRUE(status.ok()) << status.message();
  }
  bool allows(int32_t id) const { return (bits_[static_cast<size_t>(id) / 32] >> (id % 32) & 1) != 0; }
  int count() const {
    int all = 0;
    for (const uint32_t word : bits_) all += std::popcount(word);
    return all;
  }

 private:
  std::vector<uint32_t> bits_;
};

class Constraint : public testing::Test {
 protected:
  void SetUp() override {
    if (!constraints_available()) GTEST_SKIP() << "built without the grammar engine";
  }

  // Feeds the tokens of a text; false at the first that is refused.
  static bool accept_text(TokenConstraint& constraint, std::string_view text) {
    for (const int32_t id : tokenizer().encode(text)) {
      if (!Mask(constraint).allows(id) || !constraint.accept(id).ok()) return false;
    }
    return true;
  }
};

TEST_F(Constraint, ExactTextIsFollowedToItsEnd) {
  const auto plan = compiler().compile(schema_spec(R"({"const": {"a": 1}})"));
  TokenConstraint constraint = plan->start();
  EXPECT_FALSE(constraint.is_free());
  EXPECT_FALSE(constraint.may_end());
  EXPECT_FALSE(Mask(constraint).allows(id_of(Marker::kEos)));
  EXPECT_TRUE(accept_text(constraint, R"({"a": 1})"));
  EXPECT_TRUE(constraint.is_finished());
  EXPECT_TRUE(constraint.may_end());
  const Mask end(constraint);
  EXPECT_TRUE(end.allows(id_of(Marker::kEos)));
  EXPECT_EQ(end.count(), 1);
}

TEST_F(Constraint, OneBlankMayFollowSeparatorsAndNoneElsewhere) {
  const auto plan = compiler().compile(schema_spec(R"({"type": "array", "items": {"type": "boolean"}})"));
  const auto accepts = [&](std::string_view text) {
    TokenConstraint constraint = plan->start();
    return accept_text(constraint, text) && constraint.is_finished();
  };
  EXPECT_TRUE(accepts("[true,false]"));
  EXPECT_TRUE(accepts("[true, false]"));
  for (const char* text :
       {" [true]", "[ true]", "[true,  false]", "[true ,false]", "[true,\nfalse]", "[true]\n"}) {
    EXPECT_FALSE(accepts(text)) << text;
  }
}

TEST_F(Constraint, KeysComeInSchemaOrder) {
  const auto plan = compiler().compile(schema_spec(
      R"({"type": "object", "properties": {"b": {"const": 1}, "a": {"const": 2}}, "additionalProperties": false})"));
  const auto accepts = [&](std::string_view text) {
    TokenConstraint constraint = plan->start();
    return accept_text(constraint, text);
  };
  EXPECT_TRUE(accepts(R"({"b": 1, "a": 2})"));
  EXPECT_TRUE(accepts(R"({"a": 2})"));
  EXPECT_FALSE(accepts(R"({"a": 2, "b": 1})"));
  EXPECT_FALSE(accepts(R"({"c": 1})"));
}

TEST_F(Constraint, TokensOutsideTheMaskAreRefused) {
  const auto plan = compiler().compile(schema_spec(R"({"type": "integer"})"));
  TokenConstraint constraint = plan->start();
  EXPECT_EQ(constraint.accept(tokenizer().encode("x").front()).code(), StatusCode::kInvalidArgument);
  EXPECT_FALSE(plan->start().accept(-1).ok());
  EXPECT_FALSE(plan->start().accept(tokenizer().size()).ok());
}

TEST_F(Constraint, ReasoningIsFreeButMustBeClosed) {
  ConstraintSpec spec = schema_spec(R"({"const": "x"})");
  spec.start = Start::kReasoning;
  const auto plan = compiler().compile(spec);
  TokenConstraint constraint = plan->start();
  for (const Marker marker : {Marker::kEos, Marker::kBos, Marker::kUser, Marker::kAssistant, Marker::kDsml}) {
    EXPECT_FALSE(Mask(constraint).allows(id_of(marker)));
  }
  EXPECT_EQ(Mask(constraint).count(), tokenizer().size() - 5);
  EXPECT_FALSE(constraint.may_end());
  EXPECT_TRUE(accept_text(constraint, "any { text"));
  EXPECT_TRUE(constraint.accept(id_of(Marker::kThinkClose)).ok());
  EXPECT_TRUE(accept_text(constraint, "\"x\""));
  EXPECT_TRUE(constraint.is_finished());
}

TEST_F(Constraint, CloneGoesOnByItself) {
  const auto plan = compiler().compile(schema_spec(R"({"enum": ["ab", "ac"]})"));
  TokenConstraint first = plan->start();
  ASSERT_TRUE(accept_text(first, "\"a"));
  TokenConstraint second = first.clone();
  EXPECT_TRUE(accept_text(first, "b\""));
  EXPECT_TRUE(accept_text(second, "c\""));
}

TEST_F(Constraint, ForbiddenCallsBanTheMarkerOnly) {
  const auto plan = compiler().compile(tools_spec(Calls::kForbidden, {{"now", ""}}));
  TokenConstraint constraint = plan->start();
  EXPECT_FALSE(constraint.is_free());
  EXPECT_FALSE(Mask(constraint).allows(id_of(Marker::kDsml)));
  EXPECT_EQ(Mask(constraint).count(), tokenizer().size() - 1);
  EXPECT_TRUE(constraint.may_end());
}

// chat.md 6: sampling is free until `<` and the marker have been produced.
TEST_F(Constraint, AllowedCallsAreHeldOnceBegun) {
  const auto plan = compiler().compile(tools_spec(
      Calls::kAllowed,
      {{"add", R"({"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]})"}}));
  TokenConstraint constraint = plan->start();
  EXPECT_TRUE(constraint.is_free());
  EXPECT_EQ(Mask(constraint).count(), tokenizer().size());
  EXPECT_TRUE(constraint.accept(id_of(Marker::kDsml)).ok());  // not after `<`: text
  EXPECT_TRUE(constraint.is_free());
  EXPECT_TRUE(accept_text(constraint, "Let me see.\n\n<"));
  EXPECT_TRUE(constraint.accept(id_of(Marker::kDsml)).ok());
  EXPECT_FALSE(constraint.is_free());
  EXPECT_FALSE(constraint.may_end());
  EXPECT_FALSE(constraint.clone().accept(tokenizer().encode("x").front()).ok());
  EXPECT_TRUE(accept_text(constraint, "tool_calls>\n<"));
  EXPECT_TRUE(constraint.accept(id_of(Marker::kDsml)).ok());
  EXPECT_TRUE(accept_text(constraint, "invoke name=\"add\">\n<"));
  EXPECT_TRUE(constraint.accept(id_of(Marker::kDsml)).ok());
  TokenConstraint as_text = constraint.clone();
  EXPECT_FALSE(accept_text(as_text, "parameter name=\"n\" string=\"true\">"));
  EXPECT_TRUE(accept_text(constraint, "parameter name=\"n\" string=\"false\">12</"));
  EXPECT_TRUE(constraint.accept(id_of(Marker::kDsml)).ok());
  EXPECT_TRUE(accept_text(constraint, "parameter>\n</"));
  EXPECT_TRUE(constraint.accept(id_of(Marker::kDsml)).ok());
  EXPECT_TRUE(accept_text(constraint, "invoke>\n</"));
  EXPECT_TRUE(constraint.accept(id_of(Marker::kDsml)).ok());
  EXPECT_TRUE(accept_text(constraint, "tool_calls>"));
  EXPECT_TRUE(constraint.is_finished());
}

TEST_F(Constraint, RequiredCallsAlwaysCome) {
  ConstraintSpec spec = tools_spec(Calls::kRequired, {{"now", ""}, {"say", R"({"type": "object", "properties":
      {"text": {"type": "string"}, "loud": {"type": "boolean"}}, "required": ["text"]})"}});
  for (uint64_t seed = 0; seed < 40; ++seed) {
    spec.start = seed % 2 == 0 ? Start::kContent : Start::kReasoning;
    const test::RandomReply reply = walk(spec, seed);
    ASSERT_TRUE(reply.ended) << "seed " << seed;
    EXPECT_EQ(reply.message.content, "");
    ASSERT_FALSE(reply.message.calls.empty()) << "seed " << seed;
    for (const ReplyCall& call : reply.message.calls) {
      const auto arguments = read_json(call.arguments);
      ASSERT_TRUE(arguments.ok()) << call.arguments;
      if (call.name == "now") {
        EXPECT_EQ(call.arguments, "{}");
      } else {
        EXPECT_EQ(call.name, "say");
        ASSERT_NE(arguments->find("text"), nullptr) << call.arguments;
        EXPECT_TRUE(arguments->find("text")->is_string());
        const JsonValue* loud = arguments->find("loud");
        EXPECT_TRUE(loud == nullptr || loud->is_bool()) << call.arguments;
      }
    }
  }
}

TEST_F(Constraint, OneCallWhenParallelCallsAreOff) {
  ConstraintSpec spec = tools_spec(Calls::kRequired, {{"a", ""}, {"b", ""}});
  spec.call_count = ConstraintSpec::CallCount::kOne;
  for (uint64_t seed = 0; seed < 20; ++seed) EXPECT_EQ(walk(spec, seed).message.calls.size(), 1U) << seed;
}

TEST_F(Constraint, ToolsAndSchemaGiveACallOrJson) {
  ConstraintSpec spec = schema_spec(R"({"const": 7})");
  spec.calls = Calls::kAllowed;
  spec.tools = {{"now", ""}};
  int calls = 0;
  for (uint64_t seed = 0; seed < 30; ++seed) {
    const ReplyMessage message = walk(spec, seed).message;
    calls += static_cast<int>(message.calls.size() > 0);
    EXPECT_EQ(message.content, message.calls.empty() ? "7" : "") << seed;
  }
  EXPECT_GT(calls, 0);
  EXPECT_LT(calls, 30);
}

TEST_F(Constraint, WrongGrammarsAreRefusedWithAReason) {
  EXPECT_NE(error_of(schema_spec("[]")).find("expected an object or a boolean"), std::string::npos);
  EXPECT_NE(error_of(schema_spec("{")).find("JSON"), std::string::npos);
  EXPECT_NE(error_of(schema_spec(R"({"$ref": "#"})")).find("nothing can satisfy it"), std::string::npos);
  EXPECT_NE(error_of(schema_spec(R"({"type": "string", "enum": [1]})")).find("incompatible"),
            std::string::npos);
  EXPECT_NE(error_of(schema_spec("false")).find("nsatisfiable"), std::string::npos);
  EXPECT_NE(error_of(tools_spec(Calls::kRequired, {})).find("expected tools"), std::string::npos);
  EXPECT_NE(error_of(tools_spec(Calls::kAllowed, {{"t", R"({"type": "array"})"}})).find("tool \"t\""),
            std::string::npos);
  ConstraintSpec regex;
  regex.format = Format::kRegex;
  regex.format_text = "a{2000}";
  EXPECT_NE(error_of(regex).find("repetitions"), std::string::npos);
}

TEST_F(Constraint, StrictNamesWhatItCannotKeep) {
  ConstraintSpec spec = schema_spec(R"({"type": "object", "if": {}})");
  EXPECT_EQ(error_of(spec), "accepted");
  spec.keywords = ConstraintSpec::Keywords::kRefuseUnsupported;
  EXPECT_EQ(error_of(spec), "schema: \"if\" is not supported with strict");
  EXPECT_EQ(compiler().compile(spec).status().code(), StatusCode::kUnsupported);
}

}  // namespace
}  // namespace fathom
