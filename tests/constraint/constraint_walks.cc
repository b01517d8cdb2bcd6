// SPDX-License-Identifier: MIT
// Reads one constraint a line from standard input and writes random replies under it, for walks_test.py and
// for measuring: constraint_walks TOKENIZER_JSON [WALKS] [SOFT_LIMIT]
//
// Line: {"format"?: json_object | json_schema | regex | lark, "text"?, "strict"?: bool, "calls"?: forbidden |
// allowed | required, "one_call"?: bool, "tools"?: [{"name", "parameters"?}], "thinking"?: bool}.
// Answer: {"error", "code"} or {"compile_ms", "mask_p99_ms", "mask_max_ms", "replies": [{"ended", "text",
// "reasoning", "content", "calls": [{"name", "arguments"}]}]}.
#include <algorithm>
#include <chrono>
#include <cstdlib>
#include <fstream>
#include <iostream>
#include <iterator>
#include <string>
#include <vector>

#include "io/json.h"
#include "tests/constraint/random_walk.h"

namespace {

using fathom::ConstraintSpec;
using fathom::JsonValue;
using Clock = std::chrono::steady_clock;

std::string read_file(const char* path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

double milliseconds_since(Clock::time_point begin) {
  return std::chrono::duration<double, std::milli>(Clock::now() - begin).count();
}

std::string text_of(const JsonValue& line, std::string_view key) {
  const JsonValue* value = line.find(key);
  return value == nullptr ? std::string() : value->as_string();
}

bool flag_of(const JsonValue& line, std::string_view key) {
  const JsonValue* value = line.find(key);
  return value != nullptr && value->as_bool();
}

ConstraintSpec read_spec(const JsonValue& line) {
  ConstraintSpec spec;
  const std::string format = text_of(line, "format");
  if (format == "json_object") spec.format = ConstraintSpec::Format::kJsonObject;
  if (format == "json_schema") spec.format = ConstraintSpec::Format::kJsonSchema;
  if (format == "regex") spec.format = ConstraintSpec::Format::kRegex;
  if (format == "lark") spec.format = ConstraintSpec::Format::kLark;
  spec.format_text = text_of(line, "text");
  if (flag_of(line, "strict")) spec.keywords = ConstraintSpec::Keywords::kRefuseUnsupported;
  const std::string calls = text_of(line, "calls");
  if (calls == "forbidden") spec.calls = ConstraintSpec::Calls::kForbidden;
  if (calls == "allowed") spec.calls = ConstraintSpec::Calls::kAllowed;
  if (calls == "required") spec.calls = ConstraintSpec::Calls::kRequired;
  if (flag_of(line, "one_call")) spec.call_count = ConstraintSpec::CallCount::kOne;
  if (flag_of(line, "thinking")) spec.start = fathom::ReplyOptions::Start::kReasoning;
  if (const JsonValue* tools = line.find("tools")) {
    for (const JsonValue& tool : tools->items()) {
      const JsonValue* parameters = tool.find("parameters");
      spec.tools.push_back(
          {text_of(tool, "name"), parameters == nullptr ? std::string() : fathom::write_json(*parameters)});
    }
  }
  return spec;
}

JsonValue reply_json(const fathom::test::RandomReply& reply) {
  JsonValue json = JsonValue::object();
  json.set("ended", JsonValue::boolean(reply.ended));
  json.set("tokens", JsonValue::integer(static_cast<int64_t>(reply.ids.size())));
  json.set("reasoning", JsonValue::string(reply.message.reasoning));
  json.set("content", JsonValue::string(reply.message.content));
  JsonValue calls = JsonValue::array();
  for (const fathom::ReplyCall& call : reply.message.calls) {
    JsonValue item = JsonValue::object();
    item.set("name", JsonValue::string(call.name));
    item.set("arguments", JsonValue::string(call.arguments));
    calls.items().push_back(std::move(item));
  }
  json.set("calls", std::move(calls));
  return json;
}

JsonValue error_json(const fathom::Status& status) {
  JsonValue json = JsonValue::object();
  json.set("error", JsonValue::string(std::string(status.message())));
  const bool unsupported = status.code() == fathom::StatusCode::kUnsupported;
  const bool invalid = status.code() == fathom::StatusCode::kInvalidArgument;
  json.set("code", JsonValue::string(unsupported ? "unsupported" : invalid ? "invalid" : "other"));
  return json;
}

JsonValue run(const fathom::Tokenizer& tokenizer, const fathom::ConstraintCompiler& compiler,
              const ConstraintSpec& spec, int walks, int soft_limit) {
  const auto begin = Clock::now();
  const auto plan = compiler.compile(spec);
  const double compile_ms = milliseconds_since(begin);
  if (!plan.ok()) {
    JsonValue json = error_json(plan.status());
    json.set("compile_ms", JsonValue::number(compile_ms));
    return json;
  }
  std::vector<double> masks;
  JsonValue replies = JsonValue::array();
  for (int walk = 0; walk < walks; ++walk) {
    auto reply = fathom::test::random_walk(
        tokenizer, *plan, spec,
        {.seed = static_cast<uint64_t>(walk), .soft_limit = soft_limit, .limit = 100 * soft_limit});
    if (!reply.ok()) return error_json(reply.status().in("walk"));
    masks.insert(masks.end(), reply->mask_ms.begin(), reply->mask_ms.end());
    replies.items().push_back(reply_json(*reply));
  }
  std::sort(masks.begin(), masks.end());
  JsonValue json = JsonValue::object();
  json.set("compile_ms", JsonValue::number(compile_ms));
  if (!masks.empty()) {
    json.set("mask_p50_ms", JsonValue::number(masks[masks.size() / 2]));
    json.set("mask_p99_ms", JsonValue::number(masks[masks.size() * 99 / 100]));
    json.set("mask_max_ms", JsonValue::number(masks.back()));
  }
  json.set("replies", std::move(replies));
  return json;
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 2) return 2;
  const int walks = argc > 2 ? std::atoi(argv[2]) : 20;
  const int soft_limit = argc > 3 ? std::atoi(argv[3]) : 60;
  const auto tokenizer = fathom::Tokenizer::from_json(read_file(argv[1]));
  if (!tokenizer.ok()) return 2;
  const auto begin = Clock::now();
  const auto compiler = fathom::ConstraintCompiler::create(*tokenizer);
  if (!compiler.ok()) {
    std::cerr << compiler.status().message() << '\n';
    return 77;
  }
  std::cerr << "vocabulary of " << tokenizer->size() << " tokens: " << milliseconds_since(begin) << " ms\n";
  for (std::string text; std::getline(std::cin, text);) {
    const auto line = fathom::read_json(text, {.max_depth = 128});
    if (!line.ok()) return 2;
    std::cout << fathom::write_json(run(*tokenizer, *compiler, read_spec(*line), walks, soft_limit)) << '\n';
  }
  return 0;
}
