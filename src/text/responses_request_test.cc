// SPDX-License-Identifier: MIT
#include <gtest/gtest.h>

#include <string>

#include "text/chat_codec.h"
#include "text/chat_request.h"

namespace fathom {
namespace {

using Calls = ConstraintSpec::Calls;
using Format = ConstraintSpec::Format;
using Reader = Result<ChatRequest> (*)(const JsonValue&, const RequestDefaults&);

Result<ChatRequest> read(Reader reader, std::string_view body) {
  return reader(*read_json(body), RequestDefaults{});
}

// The prompt that a body renders to, or the error.
std::string prompt_of(Reader reader, std::string_view body) {
  const auto request = read(reader, body);
  if (!request.ok()) return std::string(request.status().message());
  return encode_conversation(request->conversation, Dialect::kPreview)->text();
}

TEST(ResponsesRequest, RendersAsTheSameChat) {
  EXPECT_EQ(prompt_of(read_responses_request, R"({"instructions": "Be short.", "input": "Hi"})"),
            prompt_of(read_chat_request, R"({"messages": [{"role": "system", "content": "Be short."},
                                                          {"role": "user", "content": "Hi"}]})"));
}

TEST(ResponsesRequest, ItemsOfOneAssistantTurnAreOneMessage) {
  const std::string tools = R"("tools": [{"type": "function", "name": "f", "description": "d",
      "parameters": {"type": "object"}, "strict": true}, {"type": "web_search"}])";
  const std::string chat_tools =
      R"("tools": [{"type": "function", "function": {"name": "f", "description": "d",
      "parameters": {"type": "object"}, "strict": true}}])";
  EXPECT_EQ(prompt_of(read_responses_request, R"({"input": [
      {"role": "user", "content": [{"type": "input_text", "text": "Go"}]},
      {"type": "reasoning", "summary": [], "content": [{"type": "reasoning_text", "text": "I call."}]},
      {"type": "message", "role": "assistant", "content": [{"type": "output_text", "text": "Calling"}]},
      {"type": "function_call", "call_id": "c1", "name": "f", "arguments": "{\"a\": 1}"},
      {"type": "function_call", "call_id": "c2", "name": "f", "arguments": ""},
      {"type": "function_call_output", "call_id": "c2", "output": "two"},
      {"type": "function_call_output", "call_id": "c1", "output": [{"type": "input_text", "text": "one"}]}], )" +
                                                  tools + "}"),
            prompt_of(read_chat_request, R"({"messages": [{"role": "user", "content": "Go"},
      {"role": "assistant", "content": "Calling", "reasoning_content": "I call.", "tool_calls": [
        {"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{\"a\": 1}"}},
        {"id": "c2", "type": "function", "function": {"name": "f", "arguments": "{}"}}]},
      {"role": "tool", "tool_call_id": "c2", "content": "two"},
      {"role": "tool", "tool_call_id": "c1", "content": "one"}], )" +
                                             chat_tools + "}"));
}

TEST(ResponsesRequest, CustomToolsTakeOneText) {
  const auto request = read(read_responses_request,
                            R"({"input": [{"role": "user", "content": "x"},
      {"type": "custom_tool_call", "call_id": "c", "name": "patch", "input": "+a"},
      {"type": "custom_tool_call_output", "call_id": "c", "output": "done"}],
      "tools": [{"type": "custom", "name": "patch"}]})");
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_EQ(request->conversation.messages[2].tool_calls[0].arguments, R"({"input": "+a"})");
  EXPECT_NE(request->constraint.tools[0].parameters.find("\"required\": [\"input\"]"), std::string::npos);
}

TEST(ResponsesRequest, WhatItCannotDoIsNamed) {
  const auto error = [](std::string_view body) { return prompt_of(read_responses_request, body); };
  EXPECT_NE(error(R"({"input": "x", "previous_response_id": "resp_1"})").find("previous_response_id"),
            std::string::npos);
  EXPECT_NE(error(R"({"input": [{"type": "computer_call"}]})").find("input[0].type"), std::string::npos);
  EXPECT_NE(error(R"({"input": [{"role": "user", "content": [{"type": "input_image"}]}]})")
                .find("input[0].content[0].type"),
            std::string::npos);
  EXPECT_NE(error(R"({"input": 5})").find("input: expected"), std::string::npos);
  EXPECT_NE(error(R"({})").find("input: expected"), std::string::npos);
  EXPECT_NE(error(R"({"input": "x", "tool_choice": "required"})").find("tool_choice"), std::string::npos);
}

TEST(ResponsesRequest, FormatIsShownAndHeld) {
  const auto request =
      read(read_responses_request, R"({"input": "x", "text": {"format": {"type": "json_schema",
      "name": "n", "schema": {"type": "object"}, "strict": true}}})");
  EXPECT_EQ(
      request->conversation.messages.front().response_format,
      R"({"type": "json_schema", "json_schema": {"name": "n", "schema": {"type": "object"}, "strict": true}})");
  EXPECT_EQ(request->constraint.format, Format::kJsonSchema);
  EXPECT_EQ(request->constraint.format_text, R"({"type": "object"})");
  EXPECT_EQ(request->constraint.keywords, ConstraintSpec::Keywords::kRefuseUnsupported);
}

// All three APIs ask for the same calls in their own words.
TEST(RequestConstraint, ChoiceOfToolsBecomesAConstraint) {
  const std::string chat = R"({"messages": [{"role": "user", "content": "x"}], "tools": [
      {"type": "function", "function": {"name": "a", "parameters": {"type": "object"}}},
      {"type": "function", "function": {"name": "b"}}])";
  const std::string messages = R"({"messages": [{"role": "user", "content": "x"}], "tools": [
      {"name": "a", "input_schema": {"type": "object"}}, {"name": "b", "input_schema": {}}])";
  const auto chat_spec = [&](const std::string& rest) {
    return std::move(read(read_chat_request, chat + rest + "}")->constraint);
  };
  const auto messages_spec = [&](const std::string& rest) {
    return std::move(read(read_messages_request, messages + rest + "}")->constraint);
  };
  EXPECT_EQ(chat_spec("").calls, Calls::kAllowed);
  EXPECT_EQ(messages_spec("").calls, Calls::kAllowed);
  EXPECT_EQ(chat_spec("").tools.size(), 2U);
  EXPECT_EQ(chat_spec("").tools[0].parameters, R"({"type": "object"})");
  EXPECT_EQ(chat_spec("").tools[1].parameters, "");
  EXPECT_EQ(chat_spec(R"(, "tool_choice": "none")").calls, Calls::kForbidden);
  EXPECT_EQ(messages_spec(R"(, "tool_choice": {"type": "none"})").calls, Calls::kForbidden);
  EXPECT_EQ(chat_spec(R"(, "tool_choice": "required")").calls, Calls::kRequired);
  EXPECT_EQ(messages_spec(R"(, "tool_choice": {"type": "any"})").calls, Calls::kRequired);
  const ConstraintSpec named = messages_spec(R"(, "tool_choice": {"type": "tool", "name": "b"})");
  ASSERT_EQ(named.tools.size(), 1U);
  EXPECT_EQ(named.tools[0].name, "b");
  EXPECT_EQ(named.calls, Calls::kRequired);
  EXPECT_EQ(chat_spec(R"(, "parallel_tool_calls": false)").call_count, ConstraintSpec::CallCount::kOne);
  EXPECT_EQ(
      messages_spec(R"(, "tool_choice": {"type": "auto", "disable_parallel_tool_use": true})").call_count,
      ConstraintSpec::CallCount::kOne);
}

TEST(RequestConstraint, RequestsWithoutToolsOrFormatAreFree) {
  const std::string body = R"({"messages": [{"role": "user", "content": "x"}]})";
  EXPECT_TRUE(read(read_chat_request, body)->constraint.is_free());
  EXPECT_TRUE(read(read_messages_request, body)->constraint.is_free());
}

}  // namespace
}  // namespace fathom
