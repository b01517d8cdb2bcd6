// SPDX-License-Identifier: MIT
#include "text/constraint_parameters.h"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <optional>
#include <utility>
#include <vector>

#include "base/concat.h"
#include "text/constraint_pattern.h"
#include "text/constraint_schema.h"

namespace fathom {
namespace {

using std::string_view;
constexpr auto kIgnore = ConstraintSpec::Keywords::kIgnoreUnsupported;

constexpr int kMaxReferenceChain = 16;
constexpr size_t kMaxShapes = 64;
// A head of chat.md 6.4 has 1,024 code points; the rest of it takes fewer than 64.
constexpr size_t kMaxNameBytes = 960;
// Longer than any reply: no bound at all.
constexpr int64_t kMaxTextLength = 1'000'000;

// Keywords that say what is valid, as opposed to annotations.
constexpr std::array<string_view, 26> kConstraining = {"type",
                                                       "enum",
                                                       "const",
                                                       "anyOf",
                                                       "oneOf",
                                                       "allOf",
                                                       "$ref",
                                                       "properties",
                                                       "required",
                                                       "items",
                                                       "prefixItems",
                                                       "additionalItems",
                                                       "minItems",
                                                       "maxItems",
                                                       "minLength",
                                                       "maxLength",
                                                       "pattern",
                                                       "format",
                                                       "minimum",
                                                       "maximum",
                                                       "multipleOf",
                                                       "minProperties",
                                                       "maxProperties",
                                                       "exclusiveMinimum",
                                                       "exclusiveMaximum",
                                                       "additionalProperties"};

bool is_one_of(string_view word, std::initializer_list<string_view> words) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// Whether a schema has constraining keywords, and only these.
bool has_only(const JsonValue& schema, std::initializer_list<string_view> allowed) {
  bool any = false;
  for (const auto& [key, value] : schema.members()) {
    if (std::find(kConstraining.begin(), kConstraining.end(), key) == kConstraining.end()) continue;
    if (!is_one_of(key, allowed)) return false;
    any = true;
  }
  return any;
}

bool is_unconstrained(const JsonValue& schema) {
  return std::none_of(schema.members().begin(), schema.members().end(), [](const auto& member) {
    return std::find(kConstraining.begin(), kConstraining.end(), member.first) != kConstraining.end();
  });
}

JsonValue with_type(const JsonValue& schema, std::vector<JsonValue> types) {
  JsonValue copy = schema.clone();
  copy.set("type", JsonValue::array(std::move(types)));
  return copy;
}

// A schema of one value, cut into what stands raw (texts: Lark terminal expressions) and what stands as JSON.
class ValueForms {
 public:
  ValueForms(const JsonValue& root, const JsonValue& schema) : root_(root) { split(schema, 0); }

  const std::vector<std::string>& texts() const { return texts_; }
  // One schema for all JSON forms; nothing when there are none.
  std::optional<JsonValue> json() {
    if (values_.empty()) return std::nullopt;
    if (values_.size() == 1) return std::move(values_.front());
    JsonValue any = JsonValue::object();
    any.set("anyOf", JsonValue::array(std::move(values_)));
    return any;
  }

 private:
  void split(const JsonValue& schema, int chain) {
    if (schema.is_bool() && !schema.as_bool()) return;
    if (schema.is_bool() || is_unconstrained(schema)) return split_anything();
    if (chain > kMaxReferenceChain) return add_whole(schema);
    if (has_only(schema, {"$ref"})) return split_reference(schema, chain);
    if (has_only(schema, {"const", "type"}) && schema.find("const") != nullptr) return split_constant(schema);
    if (has_only(schema, {"enum", "type"}) && schema.find("enum") != nullptr) return split_enum(schema);
    for (const string_view key : {"anyOf", "oneOf", "allOf"}) {
      if (has_only(schema, {key})) return split_options(schema, key, chain);
    }
    split_types(schema);
  }

  void split_anything() {
    texts_.emplace_back("/(?s:.*)/");
    std::vector<JsonValue> types;
    for (const char* type : {"object", "array", "number", "boolean", "null"}) {
      types.push_back(JsonValue::string(type));
    }
    values_.push_back(with_type(JsonValue::object(), std::move(types)));
  }

  void split_reference(const JsonValue& schema, int chain) {
    const JsonValue& reference = *schema.find("$ref");
    const JsonValue* target = reference.is_string() ? find_reference(root_, reference.as_string()) : nullptr;
    if (target == nullptr || !(target->is_object() || target->is_bool())) return add_whole(schema);
    split(*target, chain + 1);
  }

  void split_constant(const JsonValue& schema) {
    const JsonValue& value = *schema.find("const");
    if (!value.is_string()) return add_whole(schema);
    texts_.push_back(LarkText::quoted(value.as_string()));
  }

  void split_enum(const JsonValue& schema) {
    const JsonValue& members = *schema.find("enum");
    if (!members.is_array()) return add_whole(schema);
    std::vector<JsonValue> others;
    for (const JsonValue& member : members.items()) {
      if (member.is_string()) {
        texts_.push_back(LarkText::quoted(member.as_string()));
      } else {
        others.push_back(member.clone());
      }
    }
    if (others.empty()) return;
    JsonValue rest = schema.clone();
    rest.set("enum", JsonValue::array(std::move(others)));
    // With `type: string` no other member is valid.
    if (const JsonValue* type = schema.find("type"); type != nullptr && type->is_string()) {
      if (type->as_string() == "string") return;
    }
    values_.push_back(std::move(rest));
  }

  void split_options(const JsonValue& schema, string_view key, int chain) {
    const JsonValue& options = *schema.find(key);
    const bool all_of_many = key == "allOf" && options.is_array() && options.items().size() != 1;
    if (!options.is_array() || all_of_many) return add_whole(schema);
    for (const JsonValue& option : options.items()) {
      if (!option.is_object() && !option.is_bool()) return add_whole(schema);
      split(option, chain + 1);
    }
  }

  void split_types(const JsonValue& schema) {
    const JsonValue* type = schema.find("type");
    for (const char* key : {"enum", "const", "anyOf", "oneOf", "allOf", "$ref"}) {
      if (schema.find(key) != nullptr) return add_whole(schema);
    }
    if (type == nullptr || !(type->is_string() || type->is_array())) return add_whole(schema);
    std::vector<JsonValue> others;
    bool text = type->is_string() && type->as_string() == "string";
    if (type->is_array()) {
      for (const JsonValue& item : type->items()) {
        const bool is_text = item.is_string() && item.as_string() == "string";
        text = text || is_text;
        if (!is_text) others.push_back(item.clone());
      }
    }
    if (type->is_string() && !text) return add_whole(schema);
    if (text) add_text(schema);
    if (!others.empty()) values_.push_back(with_type(schema, std::move(others)));
  }

  // A string of the schema's length and pattern, which also stands for its format.
  void add_text(const JsonValue& schema) {
    std::string all;
    const auto also = [&all](string_view expression) {
      all.append(concat(all.empty() ? "" : " & ", expression));
    };
    if (const JsonValue* pattern = schema.find("pattern"); pattern != nullptr && pattern->is_string()) {
      const auto expression = lark_pattern(pattern->as_string());
      if (!expression || schema.find("format") != nullptr)
        return add_whole(with_type(schema, one_type("string")));
      also(*expression);
    }
    const int64_t least = length(schema, "minLength").value_or(0);
    const auto most = length(schema, "maxLength");
    if (least > 0 || most) {
      also(concat("/(?s:.{", least, ",", most ? concat(*most) : std::string(), "})/"));
    }
    texts_.push_back(all.empty() ? std::string("/(?s:.*)/") : concat("(", all, ")"));
  }

  static std::vector<JsonValue> one_type(const char* type) {
    std::vector<JsonValue> types;
    types.push_back(JsonValue::string(type));
    return types;
  }

  static std::optional<int64_t> length(const JsonValue& schema, string_view key) {
    const JsonValue* value = schema.find(key);
    if (value == nullptr || !value->is_number()) return std::nullopt;
    const auto number = value->as_int64();
    return number && *number >= 0 && *number <= kMaxTextLength ? number : std::nullopt;
  }

  // Any valid value as JSON, strings in quotes.
  void add_whole(const JsonValue& schema) { values_.push_back(schema.clone()); }

  const JsonValue& root_;
  std::vector<std::string> texts_;
  std::vector<JsonValue> values_;
};

// One way to fill the arguments: named parameters, and perhaps others.
struct Shape {
  std::vector<std::pair<std::string, JsonValue>> parameters;
  std::vector<std::string> required;
  std::optional<JsonValue> others;

  Shape clone() const {
    Shape copy;
    for (const auto& [name, schema] : parameters) copy.parameters.emplace_back(name, schema.clone());
    copy.required = required;
    if (others) copy.others = others->clone();
    return copy;
  }
  bool requires_name(const std::string& name) const {
    return std::find(required.begin(), required.end(), name) != required.end();
  }
  bool has(const std::string& name) const { return find(name) != nullptr; }
  const JsonValue* find(const std::string& name) const {
    for (const auto& [known, schema] : parameters) {
      if (known == name) return &schema;
    }
    return nullptr;
  }
};

// Both at once; a parameter of both must be valid twice.
void merge(Shape& into, const Shape& other) {
  for (const auto& [name, schema] : other.parameters) {
    const auto same = std::find_if(into.parameters.begin(), into.parameters.end(),
                                   [&](const auto& parameter) { return parameter.first == name; });
    if (same == into.parameters.end()) {
      into.parameters.emplace_back(name, schema.clone());
      continue;
    }
    std::vector<JsonValue> both;
    both.push_back(std::move(same->second));
    both.push_back(schema.clone());
    same->second = JsonValue::object();
    same->second.set("allOf", JsonValue::array(std::move(both)));
  }
  into.required.insert(into.required.end(), other.required.begin(), other.required.end());
  if (other.others) into.others = other.others->clone();
}

class ShapeReader {
 public:
  explicit ShapeReader(const JsonValue& root) : root_(root) {}

  Result<std::vector<Shape>> read(const JsonValue& schema, int chain) {
    if (chain > kMaxReferenceChain) return invalid("expected an object, found endless references");
    std::vector<Shape> shapes;
    shapes.emplace_back();
    if (schema.is_bool() && schema.as_bool()) return shapes;
    if (!schema.is_object() || !may_be_object(schema)) return invalid("expected the schema of an object");
    FATHOM_RETURN_IF_ERROR(read_own(schema, shapes.front()));
    if (const JsonValue* reference = schema.find("$ref"); reference != nullptr && reference->is_string()) {
      const JsonValue* target = find_reference(root_, reference->as_string());
      if (target == nullptr) return invalid("\"$ref\": expected a place in this schema");
      FATHOM_ASSIGN_OR_RETURN(auto others, read(*target, chain + 1));
      FATHOM_RETURN_IF_ERROR(multiply(shapes, others));
    }
    FATHOM_RETURN_IF_ERROR(read_all_of(schema, chain, shapes));
    for (const char* key : {"anyOf", "oneOf"}) {
      FATHOM_RETURN_IF_ERROR(read_options(schema.find(key), chain, shapes));
    }
    return shapes;
  }

 private:
  static Status invalid(string_view reason) { return {StatusCode::kInvalidArgument, std::string(reason)}; }

  static bool may_be_object(const JsonValue& schema) {
    const JsonValue* type = schema.find("type");
    if (type == nullptr || type->is_null()) return true;
    if (type->is_string()) return type->as_string() == "object";
    return type->is_array() && std::any_of(type->items().begin(), type->items().end(), [](const auto& item) {
             return item.is_string() && item.as_string() == "object";
           });
  }

  static Status read_own(const JsonValue& schema, Shape& shape) {
    if (const JsonValue* properties = schema.find("properties"); properties != nullptr) {
      if (!properties->is_object()) return invalid("\"properties\": expected an object");
      for (const auto& [name, value] : properties->members()) {
        if (!value.is_object() && !value.is_bool()) {
          return invalid(concat("\"properties\": expected a schema for \"", name, '"'));
        }
        shape.parameters.emplace_back(name, value.clone());
      }
    }
    if (const JsonValue* required = schema.find("required"); required != nullptr && required->is_array()) {
      for (const JsonValue& name : required->items()) {
        if (name.is_string()) shape.required.push_back(name.as_string());
      }
    }
    const JsonValue* others = schema.find("additionalProperties");
    if (others != nullptr && (others->is_object() || (others->is_bool() && others->as_bool()))) {
      shape.others = others->clone();
    }
    return {};
  }

  Status read_all_of(const JsonValue& schema, int chain, std::vector<Shape>& shapes) {
    const JsonValue* parts = schema.find("allOf");
    if (parts == nullptr || !parts->is_array()) return {};
    for (const JsonValue& part : parts->items()) {
      FATHOM_ASSIGN_OR_RETURN(auto others, read(part, chain + 1));
      FATHOM_RETURN_IF_ERROR(multiply(shapes, others));
    }
    return {};
  }

  Status read_options(const JsonValue* options, int chain, std::vector<Shape>& shapes) {
    if (options == nullptr || !options->is_array() || options->items().empty()) return {};
    std::vector<Shape> all;
    for (const JsonValue& option : options->items()) {
      FATHOM_ASSIGN_OR_RETURN(auto some, read(option, chain + 1));
      std::move(some.begin(), some.end(), std::back_inserter(all));
      if (all.size() > kMaxShapes) return too_many();
    }
    return multiply(shapes, all);
  }

  static Status multiply(std::vector<Shape>& shapes, const std::vector<Shape>& others) {
    if (shapes.size() * others.size() > kMaxShapes) return too_many();
    std::vector<Shape> products;
    for (const Shape& shape : shapes) {
      for (const Shape& other : others) {
        products.push_back(shape.clone());
        merge(products.back(), other);
      }
    }
    shapes = std::move(products);
    return {};
  }

  static Status too_many() {
    return invalid(concat("expected at most ", kMaxShapes, " ways to fill the object"));
  }

  const JsonValue& root_;
};

class ShapeWriter {
 public:
  ShapeWriter(const JsonValue& root, string_view dsml, LarkText& lark)
      : root_(root), dsml_(dsml), lark_(lark), end_(concat("\"</\" ", dsml, " \"invoke>\"")) {}

  Result<std::string> write(Shape& shape) {
    add_required_names(shape);
    FATHOM_ASSIGN_OR_RETURN(std::string rest, others_rule(shape));  // once something has been written
    const bool may_be_other = shape.others.has_value();
    // While nothing has been written: an empty line stands for no parameters.
    std::string first = lark_.rule(concat("\"\\n</\" ", dsml_, " \"invoke>\"", may_be_other ? " | " : "",
                                          may_be_other ? concat(others_, ' ', rest) : std::string()));
    for (size_t i = shape.parameters.size(); i-- > 0;) {
      const auto& [name, schema] = shape.parameters[i];
      const bool required = shape.requires_name(name);
      FATHOM_ASSIGN_OR_RETURN(const std::string value, parameter(name, schema, required));
      if (value.empty()) continue;
      const std::string with = concat(value, ' ', rest);
      first = lark_.rule(required ? with : concat(with, " | ", first));
      rest = lark_.rule(required ? with : concat(with, " | ", rest));
    }
    return first;
  }

 private:
  static void add_required_names(Shape& shape) {
    for (const std::string& name : shape.required) {
      if (shape.has(name)) continue;
      shape.parameters.emplace_back(name, shape.others ? shape.others->clone() : JsonValue::boolean(true));
    }
  }

  // Any number of parameters that the schema does not name, then the end.
  Result<std::string> others_rule(const Shape& shape) {
    if (!shape.others) return lark_.rule(end_);
    std::string known;
    for (const auto& [name, schema] : shape.parameters) {
      known.append(concat(known.empty() ? "" : " | ", LarkText::quoted(name)));
    }
    const std::string name =
        lark_.terminal(concat("/[^\"\\n<>]{1,64}/", known.empty() ? "" : concat(" & ~(", known, ")")));
    FATHOM_ASSIGN_OR_RETURN(others_,
                            write_parameter(concat("\"parameter name=\\\"\" ", name), "", *shape.others));
    if (others_.empty()) return lark_.rule(end_);
    return lark_.rule(concat("(", others_, ")* ", end_));
  }

  // Empty for one that may be left out and can never be written.
  Result<std::string> parameter(const std::string& name, const JsonValue& schema, bool required) {
    const bool writable = name.size() <= kMaxNameBytes && name.find("\">") == std::string::npos;
    std::string rule;
    if (writable) {
      const std::string head = concat("parameter name=\"", name);
      auto written = write_parameter("", head, schema);
      if (!written.ok()) return written.status().in(concat("parameter \"", name.substr(0, 64), '"'));
      rule = *written;
    }
    if (rule.empty() && required) {
      return Status(StatusCode::kInvalidArgument,
                    concat("parameter \"", name.substr(0, 64), "\": expected one that can have a value"));
    }
    return rule;
  }

  // The head is the Lark expression `before`, then the text `head`, then the flag.
  Result<std::string> write_parameter(string_view before, string_view head, const JsonValue& schema) {
    ValueForms forms(root_, schema);
    std::string ways;
    const auto add_way = [&](string_view flag, string_view value) {
      ways.append(concat(ways.empty() ? "" : " | ", before, before.empty() ? "" : " ",
                         LarkText::quoted(concat(head, "\" string=\"", flag, "\">")), ' ', value, ' ',
                         dsml_));
    };
    if (!forms.texts().empty()) {
      std::string texts;
      for (const std::string& text : forms.texts()) texts.append(concat(texts.empty() ? "" : " | ", text));
      add_way("true", lark_.terminal(concat("(", texts, ") \"</\"")));
    }
    if (auto json = forms.json()) {
      FATHOM_ASSIGN_OR_RETURN(JsonValue document, standalone_schema(*json, root_));
      add_way("false", concat(lark_.json(std::move(document), kIgnore), " \"</\""));
    }
    if (ways.empty()) return std::string();
    return lark_.rule(concat("\"<\" ", dsml_, " (", ways, ") \"parameter>\\n\""));
  }

  const JsonValue& root_;
  string_view dsml_;
  LarkText& lark_;
  std::string end_;
  std::string others_;  // the rule of one parameter that the schema does not name
};

}  // namespace

Result<std::string> add_parameters(const JsonValue& schema, string_view dsml, LarkText& lark) {
  FATHOM_ASSIGN_OR_RETURN(auto shapes, ShapeReader(schema).read(schema, 0));
  std::string all;
  for (Shape& shape : shapes) {
    FATHOM_ASSIGN_OR_RETURN(const std::string one, ShapeWriter(schema, dsml, lark).write(shape));
    all.append(concat(all.empty() ? "" : " | ", one));
  }
  return lark.rule(all);
}

}  // namespace fathom
