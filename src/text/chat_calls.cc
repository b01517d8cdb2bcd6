// SPDX-License-Identifier: MIT
#include "text/chat_calls.h"

namespace fathom {
namespace {

// Python's own reader goes a thousand deep; a value deeper than this is shown as the text it is.
constexpr int kMaxArgumentDepth = 512;

// The arguments as an object whose members are the parameters.
JsonValue parameters_of(const std::string& arguments) {
  JsonReadOptions options;
  options.leniency = JsonReadOptions::Leniency::kPython;
  options.max_depth = kMaxArgumentDepth;
  Result<JsonValue> parsed = read_json(arguments, options);
  if (parsed.ok() && parsed->is_object()) return std::move(parsed).value();
  JsonValue whole = JsonValue::object();
  whole.set("arguments", JsonValue::string(arguments));
  return whole;
}

void add_parameter(Prompt& prompt, const JsonValue::Member& parameter) {
  const auto& [name, value] = parameter;
  prompt.add_template("<｜DSML｜parameter name=\"");
  prompt.add_text(name);
  prompt.add_text(value.is_string() ? "\" string=\"true\">" : "\" string=\"false\">");
  prompt.add_text(value.is_string() ? value.as_string() : write_json(value));
  prompt.add_template("</｜DSML｜parameter>");
}

void add_call(Prompt& prompt, const ToolCall& call) {
  prompt.add_template("<｜DSML｜invoke name=\"");
  prompt.add_text(call.name);
  prompt.add_text("\">\n");
  const JsonValue parameters = parameters_of(call.arguments);
  bool first = true;
  for (const JsonValue::Member& parameter : parameters.members()) {
    if (!first) prompt.add_text("\n");
    first = false;
    add_parameter(prompt, parameter);
  }
  prompt.add_template("\n</｜DSML｜invoke>");
}

}  // namespace

void add_calls(Prompt& prompt, const std::vector<ToolCall>& calls) {
  if (calls.empty()) return;
  prompt.add_template("\n\n<｜DSML｜tool_calls>\n");
  for (size_t i = 0; i < calls.size(); ++i) {
    if (i > 0) prompt.add_text("\n");
    add_call(prompt, calls[i]);
  }
  prompt.add_template("\n</｜DSML｜tool_calls>");
}

}  // namespace fathom
