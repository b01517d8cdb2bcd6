// SPDX-License-Identifier: MIT
#include "text/constraint_grammar.h"

#include <vector>

#include "base/concat.h"
#include "text/constraint_parameters.h"
#include "text/constraint_pattern.h"
#include "text/constraint_schema.h"

namespace fathom {
namespace {

using Format = ConstraintSpec::Format;
using std::string_view;

Result<std::string> add_json_format(const ConstraintSpec& spec, LarkText& lark) {
  if (spec.format == Format::kJsonObject) {
    JsonValue any_object = JsonValue::object();
    any_object.set("type", JsonValue::string("object"));
    return lark.json(std::move(any_object), spec.keywords);
  }
  FATHOM_ASSIGN_OR_RETURN(const JsonValue schema, read_schema(spec.format_text, spec.keywords, "schema"));
  FATHOM_ASSIGN_OR_RETURN(JsonValue document, standalone_schema(schema, schema));
  return lark.json(std::move(document), spec.keywords);
}

// The slash ends a Lark regular expression.
std::string escape_slashes(string_view expression) {
  std::string out;
  bool escaped = false;
  for (const char c : expression) {
    if (c == '/' && !escaped) out.push_back('\\');
    escaped = c == '\\' && !escaped;
    out.push_back(c);
  }
  return out;
}

Status check_size(const ConstraintSpec& spec, size_t cap) {
  if (spec.format_text.size() <= cap && !spec.format_text.empty()) return {};
  return {StatusCode::kInvalidArgument,
          concat("grammar: expected 1 ... ", cap, " bytes, found ", spec.format_text.size())};
}

// A tool's call from its name to the end: `invoke name="N">` ... `</` DSML `invoke>`.
Result<std::string> add_invoke(const ConstraintTool& tool, string_view dsml, LarkText& lark) {
  const std::string where = concat("tool \"", tool.name, '"');
  JsonValue schema = JsonValue::object();
  if (!tool.parameters.empty()) {
    FATHOM_ASSIGN_OR_RETURN(
        schema, read_schema(tool.parameters, ConstraintSpec::Keywords::kIgnoreUnsupported, where));
  }
  auto body = add_parameters(schema, dsml, lark);
  if (!body.ok()) return body.status().in(where);
  return lark.rule(concat(LarkText::quoted(concat("invoke name=\"", tool.name, "\">\n")), ' ', *body));
}

}  // namespace

std::string LarkText::add(char prefix, string_view body) {
  const auto found = names_.find(body);
  if (found != names_.end()) return found->second;
  std::string name = concat(prefix, names_.size());
  lines_.append(concat(name, ": ", body, "\n"));
  names_.emplace(std::string(body), name);
  return name;
}

std::string LarkText::rule(string_view body) { return add('r', body); }
std::string LarkText::terminal(string_view body) { return add('T', body); }

std::string LarkText::json(JsonValue schema, ConstraintSpec::Keywords keywords) {
  if (schema.is_bool()) {
    const bool anything = schema.as_bool();
    schema = JsonValue::object();
    if (!anything) schema.set("enum", JsonValue::array());
  }
  const bool lenient = keywords == ConstraintSpec::Keywords::kIgnoreUnsupported;
  JsonValue options = JsonValue::object();
  options.set("item_separator", JsonValue::string(", ?"));
  options.set("key_separator", JsonValue::string(": ?"));
  options.set("whitespace_flexible", JsonValue::boolean(false));
  options.set("coerce_one_of", JsonValue::boolean(lenient));
  options.set("lenient", JsonValue::boolean(lenient));
  schema.set("x-guidance", std::move(options));
  return rule(concat("%json ", write_json(schema)));
}

std::string LarkText::finish(string_view start) const { return concat("start: ", start, "\n", lines_); }

// A Lark string is a JSON string in which DEL must be escaped too.
std::string LarkText::quoted(string_view text) {
  std::string json;
  append_json_string(json, text);
  std::string out;
  for (const char c : json) {
    if (c == '\x7F') {
      out.append("\\u007f");
    } else {
      out.push_back(c);
    }
  }
  return out;
}

Result<std::string> content_grammar(const ConstraintSpec& spec) {
  if (spec.format == Format::kLark) {
    FATHOM_RETURN_IF_ERROR(check_size(spec, kMaxSchemaBytes));
    return spec.format_text;
  }
  LarkText lark;
  if (spec.format == Format::kRegex) {
    FATHOM_RETURN_IF_ERROR(check_size(spec, kMaxPatternBytes));
    if (!is_automaton_pattern(spec.format_text)) {
      return Status(StatusCode::kInvalidArgument,
                    "grammar: expected an expression without look-around, back "
                    "references, word borders or more than 1000 repetitions");
    }
    return lark.finish(lark.terminal(concat('/', escape_slashes(spec.format_text), '/')));
  }
  FATHOM_ASSIGN_OR_RETURN(const std::string json, add_json_format(spec, lark));
  return lark.finish(json);
}

Result<std::string> calls_grammar(const ConstraintSpec& spec, int32_t dsml_id, BlockFrom from) {
  LarkText lark;
  const std::string dsml = concat("<[", dsml_id, "]>");
  std::string names;
  for (const ConstraintTool& tool : spec.tools) {
    FATHOM_ASSIGN_OR_RETURN(const std::string invoke, add_invoke(tool, dsml, lark));
    names.append(concat(names.empty() ? "" : " | ", invoke));
  }
  const std::string invoke = lark.rule(names);
  const std::string more = spec.call_count == ConstraintSpec::CallCount::kOne
                               ? std::string()
                               : concat(" (\"\\n<\" ", dsml, " ", invoke, ")*");
  const std::string block = lark.rule(
      concat("\"tool_calls>\\n<\" ", dsml, " ", invoke, more, " \"\\n</\" ", dsml, " \"tool_calls>\""));
  if (from == BlockFrom::kMarker) return lark.finish(block);
  std::string start = concat("\"\\n\\n<\" ", dsml, " ", block);
  if (spec.format != Format::kText && spec.calls != ConstraintSpec::Calls::kRequired) {
    FATHOM_ASSIGN_OR_RETURN(const std::string json, add_json_format(spec, lark));
    start.append(concat(" | ", json));
  }
  return lark.finish(start);
}

}  // namespace fathom
