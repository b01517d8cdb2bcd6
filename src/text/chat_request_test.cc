// SPDX-License-Identifier: MIT
// Request bodies against tests/fixtures/chat/requests.jsonl, and the errors a client sees.
#include "text/chat_request.h"

#include <gtest/gtest.h>

#include <string>

#include "base/concat.h"
#include "tests/support/chat_fixtures.h"
#include "text/chat_codec.h"
#include "text/chat_lines.h"

namespace fathom {
namespace {

using test::ids_of;
using test::small_tokenizer;

Result<ChatRequest> read_line(const JsonValue& line) {
  RequestDefaults defaults;
  defaults.dialect = *dialect_from_name(line.find("dialect")->as_string());
  const JsonValue* text = line.find("request_text");
  JsonValue parsed;
  if (text != nullptr) {
    FATHOM_ASSIGN_OR_RETURN(parsed, read_json(text->as_string()));
  }
  const JsonValue& body = text != nullptr ? parsed : *line.find("request");
  return line.find("api")->as_string() == "chat" ? read_chat_request(body, defaults)
                                                 : read_messages_request(body, defaults);
}

TEST(ChatRequest, PromptsEqualTheFixtures) {
  const MarkerIds markers(small_tokenizer());
  int accepted = 0;
  int refusals = 0;
  for (const JsonValue& line : test::read_chat_fixture("requests.jsonl")) {
    SCOPED_TRACE(line.find("name")->as_string() + ", " + line.find("dialect")->as_string());
    const auto request = read_line(line);
    if (line.find("error") != nullptr) {
      EXPECT_FALSE(request.ok());
      ++refusals;
      continue;
    }
    ASSERT_TRUE(request.ok()) << request.status().message();
    const Dialect dialect = *dialect_from_name(line.find("dialect")->as_string());
    const auto prompt = encode_conversation(request->conversation, dialect);
    ASSERT_TRUE(prompt.ok()) << prompt.status().message();
    EXPECT_EQ(prompt->text(), line.find("prompt")->as_string());
    EXPECT_EQ(*prompt->ids(small_tokenizer(), markers), ids_of(*line.find("ids_small")));
    EXPECT_EQ(thinking_mode_name(request->conversation.thinking_mode),
              line.find("thinking_mode")->as_string());
    const JsonValue& effort = *line.find("reasoning_effort");
    EXPECT_EQ(effort_name(request->conversation.effort), effort.is_null() ? "" : effort.as_string());
    ++accepted;
  }
  EXPECT_EQ(accepted, 120);
  EXPECT_EQ(refusals, 12);
}

// The encoder's own form of the same request renders to the same prompt.
TEST(ChatRequest, EncoderMessagesOfTheFixturesRenderTheSame) {
  for (const JsonValue& line : test::read_chat_fixture("requests.jsonl")) {
    const JsonValue* messages = line.find("encoder_messages");
    if (messages == nullptr) continue;
    SCOPED_TRACE(line.find("name")->as_string());
    JsonValue form = JsonValue::object();
    form.set("messages", messages->clone());
    form.set("thinking_mode", line.find("thinking_mode")->clone());
    form.set("reasoning_effort", line.find("reasoning_effort")->clone());
    const Dialect dialect = *dialect_from_name(line.find("dialect")->as_string());
    const auto conversation = read_conversation(form, dialect);
    ASSERT_TRUE(conversation.ok()) << conversation.status().message();
    // Numbers that the fixture writes as Python read them are compared through request_text above.
    EXPECT_EQ(encode_conversation(*conversation, dialect)->text(), line.find("prompt")->as_string());
  }
}

JsonValue parsed(std::string_view text) {
  auto value = read_json(text);
  EXPECT_TRUE(value.ok()) << value.status().message();
  return std::move(value).value();
}

Result<ChatRequest> read_chat(std::string_view body) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue value, read_json(body));
  return read_chat_request(value, {});
}

Result<ChatRequest> read_messages(std::string_view body) {
  FATHOM_ASSIGN_OR_RETURN(const JsonValue value, read_json(body));
  return read_messages_request(value, {});
}

TEST(ChatRequest, ErrorsNameTheFieldByItsPath) {
  const struct {
    const char* body;
    const char* path;
  } cases[] = {
      {R"([])", "request"},
      {R"({})", "messages"},
      {R"({"messages": {}})", "messages"},
      {R"({"messages": [1]})", "messages[0]"},
      {R"({"messages": [{"content": "x"}]})", "messages[0].role"},
      {R"({"messages": [{"role": 1}]})", "messages[0].role"},
      {R"({"messages": [{"role": "user", "content": 5}]})", "messages[0].content"},
      {R"({"messages": [{"role": "user", "content": ["x"]}]})", "messages[0].content[0]"},
      {R"({"messages": [{"role": "user", "content": [{"type": "text"}]}]})", "messages[0].content[0].text"},
      {R"({"messages": [{"role": "user", "content": [{"type": "input_audio"}]}]})",
       "messages[0].content[0].type"},
      {R"({"messages": [{"role": "user", "content": "x", "prefix": true}]})", "messages[0].prefix"},
      {R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": 1}]}]})",
       "messages[1].tool_calls[0].id"},
      {R"({"messages": [{"role": "user", "content": "x"}, {"role": "assistant", "tool_calls": [{"id": "c"}]}]})",
       "messages[1].tool_calls[0].function"},
      {R"({"messages": [{"role": "user"}], "tools": [{"type": "function"}]})", "tools[0].function"},
      {R"({"messages": [{"role": "user"}], "tools": [{"function": {"name": "a b"}}]})",
       "tools[0].function.name"},
      {R"({"messages": [{"role": "user"}], "tools": [{"function": {"name": "a"}}, {"function": {"name": "a"}}]})",
       "tools[1].function.name"},
      {R"({"messages": [{"role": "user"}], "tool_choice": "required"})", "tool_choice"},
      {R"({"messages": [{"role": "user"}], "tool_choice": "sometimes"})", "tool_choice"},
      {R"({"messages": [{"role": "user"}], "functions": [{"name": "f"}]})", "functions"},
      {R"({"messages": [{"role": "user"}], "response_format": {"type": "yaml"}})", "response_format.type"},
      {R"({"messages": [{"role": "user"}], "thinking": {"type": "maybe"}})", "thinking.type"},
      {R"({"messages": [{"role": "user"}], "thinking": true})", "thinking"},
      {R"({"messages": [{"role": "user"}], "reasoning_effort": "huge"})", "reasoning_effort"},
      {R"({"messages": [{"role": "user"}], "chat_template_kwargs": {"thinking": 1}})",
       "chat_template_kwargs.thinking"},
  };
  for (const auto& [body, path] : cases) {
    const auto request = read_chat(body);
    ASSERT_FALSE(request.ok()) << body;
    EXPECT_TRUE(request.status().message().starts_with(concat(path, ": expected ")))
        << request.status().message();
  }
}

// Such a number would print as `Infinity` in the prompt's schemas.
TEST(ChatRequest, NumbersBeyondBinary64AreRefused) {
  for (const char* number : {"1e400", "-1e400", "1e999999999999"}) {
    const std::string body = concat(
        R"({"messages": [{"role": "user"}], "tools": [{"function": {"name": "f", "x": [)", number, "]}}]}");
    const auto request = read_chat(body);
    ASSERT_FALSE(request.ok()) << body;
    EXPECT_NE(request.status().message().find(number), std::string_view::npos);
  }
  EXPECT_TRUE(
      read_chat(
          R"({"messages": [{"role": "user"}], "x": [1.7976931348623157e308, 1e-999, 123456789012345678901]})")
          .ok());
}

TEST(ChatRequest, MessagesAndToolsHaveCaps) {
  const auto with = [](int messages, int tools) {
    std::string body = "{\"messages\": [";
    for (int i = 0; i < messages; ++i) body += i > 0 ? ", {\"role\": \"user\"}" : "{\"role\": \"user\"}";
    body += "], \"tools\": [";
    for (int i = 0; i < tools; ++i)
      body += concat(i > 0 ? ", " : "", "{\"function\": {\"name\": \"f", i, "\"}}");
    return read_chat(body + "]}");
  };
  EXPECT_TRUE(with(4096, 0).ok());
  EXPECT_FALSE(with(4097, 0).ok());
  EXPECT_FALSE(with(40960, 0).ok());
  EXPECT_TRUE(with(1, 256).ok());
  EXPECT_FALSE(with(1, 257).ok());
  EXPECT_FALSE(with(1, 2560).ok());
}

TEST(ChatRequest, CallsAreReadWhenThereAreToolsAndTheChoiceIsNotNone) {
  const auto calls = [](std::string_view extra) {
    return read_chat(concat(R"({"messages": [{"role": "user", "content": "x"}])", extra, "}"))->calls;
  };
  constexpr std::string_view kTools = R"(, "tools": [{"type": "function", "function": {"name": "f"}}])";
  EXPECT_EQ(calls(""), ReplyOptions::Calls::kPlainText);
  EXPECT_EQ(calls(kTools), ReplyOptions::Calls::kParsed);
  EXPECT_EQ(calls(concat(kTools, R"(, "tool_choice": "none")")), ReplyOptions::Calls::kPlainText);
  EXPECT_EQ(calls(concat(kTools, R"(, "tool_choice": "required")")), ReplyOptions::Calls::kParsed);
  EXPECT_EQ(calls(concat(kTools, R"(, "tool_choice": {"type": "function", "function": {"name": "f"}})")),
            ReplyOptions::Calls::kParsed);
  EXPECT_EQ(calls(R"(, "tools": [{"type": "web_search"}])"), ReplyOptions::Calls::kPlainText);
}

TEST(ChatRequest, TemplateArgumentsAreSecondToTheRequestsOwnFields) {
  const auto mode = [](std::string_view extra) {
    return read_chat(concat(R"({"messages": [{"role": "user", "content": "x"}], )", extra, "}"))
        ->conversation.thinking_mode;
  };
  EXPECT_EQ(mode(R"("chat_template_kwargs": {"thinking": false})"), ThinkingMode::kChat);
  EXPECT_EQ(mode(R"("chat_template_kwargs": {"enable_thinking": false})"), ThinkingMode::kChat);
  EXPECT_EQ(mode(R"("chat_template_kwargs": {"thinking": false}, "thinking": {"type": "adaptive"})"),
            ThinkingMode::kThinking);
  EXPECT_EQ(mode(R"("chat_template_kwargs": {"thinking": true}, "reasoning_effort": "none")"),
            ThinkingMode::kThinking);
  EXPECT_EQ(mode(R"("chat_template_kwargs": null, "thinking": null, "reasoning_effort": null)"),
            ThinkingMode::kThinking);
}

TEST(ChatRequest, EarlierReasoningIsKeptWhenAskedFor) {
  const auto request = read_chat(
      R"({"messages": [{"role": "user", "content": "a"}, {"role": "assistant", "content": "A", "reasoning": "r"},
          {"role": "user", "content": "b"}], "chat_template_kwargs": {"drop_thinking": false}})");
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_EQ(
      encode_conversation(request->conversation, Dialect::kPreview)->text(),
      "<｜begin▁of▁sentence｜><｜User｜>a<｜Assistant｜><think>r</think>A<｜end▁of▁sentence｜><｜User｜>b"
      "<｜Assistant｜><think>");
}

TEST(ChatRequest, ADefaultEffortAppliesWhenNoneIsNamed) {
  RequestDefaults defaults;
  defaults.effort = Effort::kMax;
  const JsonValue body = parsed(R"({"messages": [{"role": "user", "content": "x"}]})");
  EXPECT_EQ(read_chat_request(body, defaults)->conversation.effort, Effort::kMax);
  defaults.thinking_mode = ThinkingMode::kChat;
  EXPECT_EQ(read_chat_request(body, defaults)->conversation.effort, Effort::kNone);
}

TEST(ChatRequest, PartsOfAToolResultThatAreNotTextAreNamed) {
  const auto request = read_chat(
      R"({"messages": [{"role": "user", "content": "x"}, {"role": "function", "name": "f", "content":
          [{"type": "text", "text": "a"}, {"type": "image_url"}]}]})");
  ASSERT_TRUE(request.ok()) << request.status().message();
  EXPECT_EQ(request->conversation.messages[1].content, "a\n\n[Unsupported image_url]");
}

TEST(MessagesRequest, BlocksWithoutMeaningAreRefusedOutsideToolResults) {
  for (const char* type : {"image", "document", "search_result"}) {
    const std::string block = concat(R"({"type": ")", type, R"("})");
    EXPECT_FALSE(read_messages(concat(R"({"messages": [{"role": "user", "content": [)", block, "]}]}")).ok());
    const auto inside = read_messages(concat(
        R"({"messages": [{"role": "user", "content": [{"type": "tool_result", "tool_use_id": "t", "content": [)",
        block, "]}]}]}"));
    ASSERT_TRUE(inside.ok()) << inside.status().message();
    EXPECT_EQ(inside->conversation.messages[0].content, concat("[Unsupported ", type, "]"));
  }
}

TEST(MessagesRequest, ToolsOfTheServiceItselfAreDropped) {
  const auto request = read_messages(
      R"({"messages": [{"role": "user", "content": "x"}], "tools": [{"type": "bash_20250124", "name": "bash"},
          {"type": "custom", "name": "f", "input_schema": {"type": "object"}}]})");
  ASSERT_TRUE(request.ok()) << request.status().message();
  ASSERT_EQ(request->conversation.messages[0].tools.size(), 1u);
  EXPECT_EQ(request->conversation.messages[0].tools[0], R"({"name": "f", "parameters": {"type": "object"}})");
}

TEST(TemplateLine, RendersBothFormsAndReportsErrorsAsLines) {
  const MarkerIds markers(small_tokenizer());
  int lines = 0;
  for (const char* file : {"encode.jsonl", "encode_random.jsonl", "requests.jsonl"}) {
    for (const JsonValue& line : test::read_chat_fixture(file)) {
      const JsonValue* one = line.find("dialect");
      const std::string& dialect =
          one != nullptr ? one->as_string() : line.find("dialects")->items()[0].as_string();
      const std::string out =
          template_line(write_json(line), {small_tokenizer(), markers, *dialect_from_name(dialect)});
      const JsonValue got = parsed(out);
      if (line.find("error") != nullptr) {
        EXPECT_EQ(got.find("error")->as_int64(), 400);
        EXPECT_TRUE(got.find("message")->is_string());
        continue;
      }
      for (const char* key : {"prompt", "thinking_mode", "reasoning_effort"}) {
        EXPECT_EQ(write_json(*got.find(key)), write_json(*line.find(key))) << out.substr(0, 300);
      }
      EXPECT_EQ(write_json(*got.find("ids")), write_json(*line.find("ids_small")));
      ++lines;
    }
  }
  EXPECT_EQ(lines, 226 + 78 + 120);
  for (const char* bad : {"", "[]", "{", "{}", R"({"request": {"messages": [], "messages": []}})",
                          R"({"request_text": "{"})", R"({"api": "x", "request": {}})"}) {
    const JsonValue got = parsed(template_line(bad, {small_tokenizer(), markers, Dialect::kPreview}));
    EXPECT_EQ(got.find("error")->as_int64(), 400) << bad;
  }
}

}  // namespace
}  // namespace fathom
