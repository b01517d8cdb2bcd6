#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Random replies under JSON schema and tool constraints, judged by PyPI's jsonschema (docs/reliability.md P-6).

usage: schema_walks_test.py [--schemas N]
"""

from __future__ import annotations

import datetime
import json
import os
import random
import subprocess
import sys
import unittest
from typing import Any

import jsonschema

SCHEMAS = 150
WALKS = 4
Schema = dict[str, Any]

FORMATS = ["date", "time", "date-time", "uuid", "ipv4", "email"]
PATTERNS = ["^[a-z]{1,8}$", "\\d{3}", "^(red|green)-[0-9]+$", "^a.*z$", "x|y", "^[^/]{2,5}$", "^\\w+@\\w+$"]


def nested(levels: int) -> Schema:
    schema: Schema = {"type": "integer"}
    for _ in range(levels):
        schema = {"type": "object", "properties": {"a": schema}, "required": ["a"], "additionalProperties": False}
    return schema


NODE: Schema = {"$ref": "#/$defs/node", "$defs": {"node": {
    "type": "object", "properties": {"value": {"type": "integer"}, "left": {"anyOf": [{"$ref": "#/$defs/node"}, {"type": "null"}]},
                                     "rest": {"type": "array", "items": {"$ref": "#/$defs/node"}, "maxItems": 2}},
    "required": ["value", "left"], "additionalProperties": False}}}

NAMED: dict[str, Schema] = {
    "94 properties": {"type": "object", "properties": {f"parameter_{i}": {"type": ["string", "integer", "boolean", "null"][i % 4]}
                                                        for i in range(94)},
                      "required": [f"parameter_{i}" for i in range(0, 94, 5)], "additionalProperties": False},
    "500 members": {"type": "object", "properties": {"e": {"enum": [f"member number {i * 7919}" for i in range(500)]}},
                    "required": ["e"], "additionalProperties": False},
    # 31 objects are 62 levels of JSON.
    "depth": nested(31),
    "recursive": NODE,
    "all formats": {"type": "object", "properties": {f: {"type": "string", "format": f} for f in FORMATS}, "required": FORMATS,
                    "additionalProperties": False},
    "union": {"type": "object", "properties": {"u": {"oneOf": [
        {"type": "object", "properties": {"kind": {"const": "a"}, "n": {"type": "integer"}}, "required": ["kind", "n"]},
        {"type": "object", "properties": {"kind": {"const": "b"}, "s": {"type": "string"}}, "required": ["kind", "s"]}]}},
              "required": ["u"]},
    "all of": {"allOf": [{"type": "object", "properties": {"a": {"type": "integer"}}, "required": ["a"]},
                         {"type": "object", "properties": {"b": {"type": "string"}}, "required": ["b"]}]},
    "tuple": {"type": "object", "properties": {"t": {"type": "array", "prefixItems": [{"type": "string"}, {"type": "integer"}],
                                                     "items": {"type": "boolean"}, "minItems": 2, "maxItems": 4}}, "required": ["t"]},
    "numbers": {"type": "object", "properties": {
        "i": {"type": "integer", "minimum": -5, "exclusiveMaximum": 17}, "m": {"type": "integer", "multipleOf": 7},
        "n": {"type": "number", "exclusiveMinimum": 0, "maximum": 1.5}}, "required": ["i", "m", "n"], "additionalProperties": False},
    "map": {"type": "object", "additionalProperties": {"type": "integer"}},
    "names": {"type": "object", "properties": {"definitions": {"type": "string"}, "$ref": {"type": "integer"}, "ü \"q\"": {"type": "null"}},
              "required": ["definitions", "$ref", "ü \"q\""], "additionalProperties": False},
}


def random_schema(rng: random.Random, depth: int = 0) -> Schema:
    """A schema of supported keywords; containers become rarer inside."""
    kinds = ["string", "integer", "number", "boolean", "null", "enum", "any of", "text"]
    kind = rng.choice(kinds + (["object", "object", "array"] if depth < 3 else []))
    if kind == "enum":
        return {"enum": rng.sample(["a", "b c", "\"", "\n", 1, -2.5, True, None, [1], {"k": "v"}], rng.randint(1, 5))}
    if kind == "any of":
        return {"anyOf": [random_schema(rng, depth + 1) for _ in range(rng.randint(1, 3))]}
    if kind == "text":
        return {"type": "string"} | rng.choice([{"pattern": rng.choice(PATTERNS)}, {"format": rng.choice(FORMATS)},
                                                {"minLength": rng.randint(0, 3), "maxLength": rng.randint(3, 9)}])
    if kind == "object":
        names = rng.sample(["a", "b", "long name", "ключ", "x-y", "quote\"d"], rng.randint(0, 4))
        schema: Schema = {"type": "object", "properties": {name: random_schema(rng, depth + 1) for name in names},
                          "required": [name for name in names if rng.random() < 0.6]}
        return schema | rng.choice([{}, {"additionalProperties": False}, {"additionalProperties": {"type": "integer"}}])
    if kind == "array":
        return {"type": "array", "items": random_schema(rng, depth + 1), "minItems": rng.randint(0, 2), "maxItems": rng.randint(2, 4)}
    if kind in ("integer", "number") and rng.random() < 0.5:
        low = rng.randint(-50, 50)
        return {"type": kind, "minimum": low, "maximum": low + rng.randint(1, 100)}
    return {"type": [kind, "null"]} if rng.random() < 0.2 else {"type": kind}


def judge(schema: Schema) -> jsonschema.Draft202012Validator:
    checker = jsonschema.FormatChecker(["date", "uuid", "ipv4", "email"])
    # jsonschema leaves these two to a package of its own.
    for name, kind in (("date-time", datetime.datetime), ("time", datetime.time)):
        checker.checks(name, ValueError)(
            lambda value, kind=kind: not isinstance(value, str) or kind.fromisoformat(value).tzinfo is not None)
    return jsonschema.Draft202012Validator(schema, format_checker=checker)


def run(specs: list[dict[str, Any]]) -> list[dict[str, Any]]:
    tokenizer = os.environ["FATHOM_SOURCE_DIR"] + "/models/tiny-chat/tokenizer.json"
    done = subprocess.run([os.environ["CONSTRAINT_WALKS"], tokenizer, str(WALKS)], check=False, text=True, capture_output=True,
                          input="".join(json.dumps(spec) + "\n" for spec in specs))
    if done.returncode == 77:
        raise unittest.SkipTest(done.stderr.strip())
    assert done.returncode == 0, (done.returncode, done.stderr)
    return [json.loads(line) for line in done.stdout.splitlines()]


class Walks(unittest.TestCase):
    def setUp(self) -> None:
        seed = 20260731
        rng = random.Random(seed)
        print("seed", seed, flush=True)
        self.schemas = [(name, schema) for name, schema in NAMED.items()]
        self.schemas += [(f"random {i}", random_schema(rng)) for i in range(SCHEMAS)]

    def check(self, schema: Schema, text: str, what: str) -> None:
        try:
            judge(schema).validate(json.loads(text))
        except (ValueError, jsonschema.ValidationError) as error:
            self.fail(f"{what}: {json.dumps(schema)[:600]}\nwrote {text[:600]!r}\n{error}")

    def test_content_is_valid_against_its_schema(self) -> None:
        answers = run([{"format": "json_schema", "text": json.dumps(schema)} for _, schema in self.schemas])
        ended = 0
        for (name, schema), answer in zip(self.schemas, answers, strict=True):
            self.assertNotIn("error", answer, f"{name}: {schema}")
            for reply in answer["replies"]:
                ended += reply["ended"]
                if reply["ended"]:
                    self.check(schema, reply["content"], name)
        self.assertGreater(ended, 0.95 * WALKS * len(answers), "walks that came to their end")

    def test_arguments_are_valid_against_the_tool_s_schema(self) -> None:
        objects = [(name, schema) for name, schema in self.schemas if schema.get("type") == "object" or name in ("recursive", "all of")]
        answers = run([{"calls": "required", "tools": [{"name": "tool", "parameters": schema}]} for _, schema in objects])
        ended = 0
        for (name, schema), answer in zip(objects, answers, strict=True):
            self.assertNotIn("error", answer, f"{name}: {schema}")
            for reply in answer["replies"]:
                ended += reply["ended"]
                if not reply["ended"]:
                    continue
                self.assertEqual(reply["content"], "")
                self.assertTrue(reply["calls"])
                for call in reply["calls"]:
                    self.check(schema, call["arguments"], name)
        self.assertGreater(ended, 0.95 * WALKS * len(answers), "walks that came to their end")


if __name__ == "__main__":
    if "--schemas" in sys.argv:
        at = sys.argv.index("--schemas")
        SCHEMAS = int(sys.argv[at + 1])
        del sys.argv[at:at + 2]
    unittest.main()
