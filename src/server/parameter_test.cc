// SPDX-License-Identifier: MIT
#include "server/parameter.h"

#include <gtest/gtest.h>

#include "server/chat_parameters.h"

namespace fathom {
namespace {

// The error of a chat body with these members beside its messages; "" when it is accepted.
std::string error_of(const std::string& members) {
  const std::string comma = members.empty() ? "" : ", ";
  const auto body = read_json(R"({"messages": [{"role": "user", "content": "x"}])" + comma + members + "}");
  EXPECT_TRUE(body.ok()) << members;
  return std::string(check_parameters(*body, chat_parameters(), RequestCaps{}).message());
}

TEST(Parameters, ValuesInsideTheirRangesPass) {
  for (const std::string members :
       {R"("temperature": 0)", R"("temperature": 2)", R"("top_p": 1e-9)", R"("top_k": -1)", R"("n": 8)",
        R"("n": 5.0)", R"("seed": -9223372036854775808)", R"("stop": "x")", R"("stop": ["x"])",
        R"("temperature": null)", R"("unknown": [{}])", R"("logit_bias": {"5": -100})",
        R"("tool_choice": {"function": {"name": "f"}})", R"("reasoning_effort": "ultra")",
        R"("thinking": {"type": "adaptive"})", R"("top_logprobs": 20)"}) {
    EXPECT_EQ(error_of(members), "") << members;
  }
}

TEST(Parameters, EverythingElseIsRefusedByItsPath) {
  for (const auto& [members, message] : {
           std::pair<std::string, std::string>{R"("temperature": 2.1)",
                                               "temperature: expected a number from 0 to 2, found 2.1"},
           {R"("temperature": "1")", "temperature: expected a number, found a string"},
           {R"("temperature": 1e400)", "temperature: expected a number from 0 to 2, found 1e400"},
           {R"("top_p": 0)", "top_p: expected a number above 0 to 1, found 0"},
           {R"("n": 0)", "n: expected an integer from 1 to 8, found 0"},
           {R"("n": 9)", "n: expected an integer from 1 to 8, found 9"},
           {R"("n": 80)", "n: expected an integer from 1 to 8, found 80"},
           {R"("n": 1.5)", "n: expected an integer, found 1.5"},
           {R"("n": 1e9)", "n: expected an integer from 1 to 8, found 1e9"},
           {R"("seed": 9223372036854775808)", "seed: expected an integer, found 9223372036854775808"},
           {R"("stop": "")", "stop: expected at least 1 bytes, found 0"},
           {R"("stop": [""])", "stop[0]: expected 1 to 1024 bytes, found 0"},
           {R"("stop": [5])", "stop[0]: expected a string, found 5"},
           {R"("stream": 1)", "stream: expected a boolean, found 1"},
           {R"("thinking": {})", "thinking.type: expected a string, found nothing"},
           {R"("thinking": {"type": "on"})",
            "thinking.type: expected enabled, adaptive or disabled, found another word"},
           {R"("logit_bias": {"5": 101})", "logit_bias.5: expected a number from -100 to 100, found 101"},
           {R"("tools": [{"function": {"name": ""}}])",
            "tools[0].function.name: expected 1 to 128 bytes, found 0"},
           {R"("tool_choice": "maybe")", "tool_choice: expected none, auto or required, found another word"},
       }) {
    EXPECT_EQ(error_of(members), message);
  }
}

TEST(Parameters, CapsHoldAtTheCapAndBeyond) {
  RequestCaps caps;
  caps.stop_strings = 3;
  const auto with_stops = [&](int count) {
    std::string list;
    for (int i = 0; i < count; ++i) list += std::string(i > 0 ? ", " : "") + "\"x\"";
    const auto body = read_json(R"({"messages": [{"role": "user"}], "stop": [)" + list + "]}");
    return check_parameters(*body, chat_parameters(), caps).ok();
  };
  EXPECT_TRUE(with_stops(3));
  EXPECT_FALSE(with_stops(4));
  EXPECT_FALSE(with_stops(30));
}

TEST(Parameters, TheSchemaSaysWhatTheTableSays) {
  const JsonValue schema = schema_of_table(chat_parameters(), RequestCaps{});
  const JsonValue& properties = *schema.find("properties");
  EXPECT_EQ(write_json(*properties.find("n")),
            R"({"type": ["integer", "null"], "minimum": 1, "maximum": 8})");
  EXPECT_EQ(write_json(*properties.find("top_p")),
            R"({"type": ["number", "null"], "exclusiveMinimum": 0, "maximum": 1})");
  EXPECT_EQ(write_json(*schema.find("required")), R"(["messages"])");
  EXPECT_EQ(properties.members().size(), chat_parameters().size());
}

}  // namespace
}  // namespace fathom
