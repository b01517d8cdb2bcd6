// SPDX-License-Identifier: MIT
#include "text/chat_tools_block.h"

namespace fathom {
namespace {

constexpr std::string_view kBeforeSchemas = R"(## Tools

You have access to a set of tools to help answer the user's question. You can invoke tools by writing a "<｜DSML｜tool_calls>" block like the following:

<｜DSML｜tool_calls>
<｜DSML｜invoke name="$TOOL_NAME">
<｜DSML｜parameter name="$PARAMETER_NAME" string="true|false">$PARAMETER_VALUE</｜DSML｜parameter>
...
</｜DSML｜invoke>
<｜DSML｜invoke name="$TOOL_NAME2">
...
</｜DSML｜invoke>
</｜DSML｜tool_calls>

String parameters should be specified as is and set `string="true"`. For all other types (numbers, booleans, arrays, objects), pass the value in JSON format and set `string="false"`.

If thinking_mode is enabled (triggered by <think>), you MUST output your complete reasoning inside <think>...</think> BEFORE any tool calls or final response.

Otherwise, output directly after </think> with tool calls or final response.

### Available Tool Schemas

)";

constexpr std::string_view kAfterSchemas = R"(

You MUST strictly follow the above defined tool name and parameter schemas to invoke tool calls.
)";

}  // namespace

void add_tools_block(Prompt& prompt, const std::vector<std::string>& schemas) {
  prompt.add_template(kBeforeSchemas);
  for (size_t i = 0; i < schemas.size(); ++i) {
    if (i > 0) prompt.add_text("\n");
    prompt.add_text(schemas[i]);
  }
  prompt.add_template(kAfterSchemas);
}

void add_format_block(Prompt& prompt, std::string_view format) {
  prompt.add_text("## Response Format:\n\nYou MUST strictly adhere to the following schema to reply:\n");
  prompt.add_text(format);
}

}  // namespace fathom
