#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Every field of every API with every kind of wrong value (docs/reliability.md S-1).

The cases come from /openapi.json, which the server makes from the tables that check requests; so a new field is tested
as soon as it exists.
"""

from __future__ import annotations

import json
import os
import time
import unittest
from typing import Any, Iterator

from serving import HELLO, SLOWNESS, Server

RAW = "\x00RAW\x00"  # stands for text that json.dumps cannot write
DEEP = "[" * 70 + "]" * 70

# What each route needs to be accepted, so that the one changed field is what is wrong. Routes that are not here start
# from an empty body plus what the schema requires.
BASE: dict[str, dict[str, Any]] = {
    "/v1/chat/completions": {"messages": HELLO, "max_tokens": 1},
    "/v1/completions": {"prompt": "x", "max_tokens": 1},
    "/v1/messages": {"model": "builtin:tiny-chat", "messages": HELLO, "max_tokens": 1},
    "/v1/messages/count_tokens": {"model": "builtin:tiny-chat", "messages": HELLO},
    "/v1/responses": {"input": "x", "max_output_tokens": 16},
    "/tokenize": {"text": "x"},
    "/detokenize": {"tokens": [5]},
    "/apply-template": {"messages": HELLO},
}

Path = tuple[Any, ...]


def fields(schema: dict[str, Any], path: Path = ()) -> Iterator[tuple[Path, dict[str, Any], bool]]:
    """(path, schema, whether it is required) of every field and, for arrays and maps, of their items."""
    for name, field in schema.get("properties", {}).items():
        yield (*path, name), field, name in schema.get("required", ())
        yield from fields(field, (*path, name))
        if "items" in field:
            yield (*path, name, 0), field["items"], False
            yield from fields(field["items"], (*path, name, 0))
        if isinstance(field.get("additionalProperties"), dict):
            yield (*path, name, "5"), field["additionalProperties"], False


def wrong_values(field: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Values that the schema does not allow, as JSON values or as RAW text."""
    kinds = set(field.get("type", []))
    number = bool(kinds & {"number", "integer"})
    yield "NaN", (RAW, "NaN")
    yield "Infinity", (RAW, "-Infinity")
    yield "hex", (RAW, "0x10")
    yield "deep", (RAW, DEEP)
    yield "bad UTF-8", (RAW, '"\udcff\udcfe"')
    yield "cut UTF-8", (RAW, '"\udce2\udc82"')
    yield "lone surrogate", (RAW, '"\\ud800"')
    yield "control byte", (RAW, '"\x01"')
    yield "only a comma", (RAW, ",")
    yield "trailing comma", (RAW, "[1,]")
    yield "duplicate key", (RAW, '{"a": 1, "a": 2}')
    yield "1e400", (RAW, "1e400")
    if "string" not in kinds:
        yield "text", "abc"
        yield "number as text", "1"
        yield "NaN text", "NaN"
        yield "empty text", ""
    if "boolean" not in kinds:
        yield "true", True
        yield "false", False
    if "array" not in kinds:
        yield "array", [1]
        yield "empty array", []
    if "object" not in kinds:
        yield "object", {"a": 1}
        yield "empty object", {}
    if not number:
        yield "number", 7
        yield "negative number", -1
        yield "fraction", 0.5
        yield "zero", 0
    if "integer" in kinds and "number" not in kinds:
        yield "fraction", 1.5
        yield "2^64", 2**64
    if number and "minimum" in field:
        yield "below", field["minimum"] - 1
        yield "far below", -(2**62)
    if number and "maximum" in field:
        yield "above", field["maximum"] + 1
        yield "ten times", (abs(field["maximum"]) + 1) * 10
        yield "huge", 2**62
    if "exclusiveMinimum" in field:
        yield "at the open end", field["exclusiveMinimum"]
    if "enum" in field:
        yield "another word", "nonsense"
        yield "empty word", ""
    if "maxLength" in field and kinds <= {"string", "null"}:
        yield "too long", "a" * (field["maxLength"] + 1)
        yield "far too long", "a" * (field["maxLength"] + 1) * 10
    if field.get("minLength") and "string" in kinds:
        yield "too short", ""
    if "maxItems" in field and field["maxItems"] <= 256:
        item = "a" if "string" in field.get("items", {}).get("type", []) else {}
        yield "too many", [item] * (field["maxItems"] + 1)


def put(body: Any, path: Path, value: Any) -> Any:
    """A copy of the body with the value at the path; containers on the way are made."""
    if not path:
        return value
    head, *rest = path
    if isinstance(head, int):
        items = list(body) if isinstance(body, list) and body else [{}]
        items[0] = put(items[0], tuple(rest), value)
        return items
    members = dict(body) if isinstance(body, dict) else {}
    members[head] = put(members.get(head), tuple(rest), value)
    return members


def encode(body: Any, value: Any) -> bytes:
    text = json.dumps(body, ensure_ascii=False)
    if isinstance(value, tuple):
        text = text.replace(json.dumps(RAW), value[1])
    return text.encode("utf-8", "surrogateescape")


def without(body: dict[str, Any], name: str) -> dict[str, Any]:
    return {key: value for key, value in body.items() if key != name}


class Fields(unittest.TestCase):
    def check_error(self, status: int, reply: bytes, shape: str) -> None:
        self.assertIn(status, range(400, 500), reply[:300])
        error = json.loads(reply)
        if shape == "anthropic":
            self.assertEqual(error["type"], "error")
            self.assertTrue({"type", "message"} <= set(error["error"]))
        else:
            self.assertEqual(set(error["error"]), {"message", "type", "param", "code"})

    def test_every_wrong_value_of_every_field_is_refused(self) -> None:
        cases, slowest = 0, 0.0
        with Server() as server:
            _, _, text = server.get("/openapi.json")
            connection = server.connect()
            for path, item in json.loads(text)["paths"].items():
                operation = item.get("post")
                # Other spellings of a path lead to the same table.
                if operation is None or not (path in BASE or operation["operationId"] not in self.seen_ids(BASE, text)):
                    continue
                schema = operation["requestBody"]["content"]["application/json"]["schema"]
                for case, data in self.cases(path, schema):
                    start = time.monotonic()
                    connection.request("POST", path, data, {"Content-Type": "application/json"})
                    response = connection.getresponse()
                    reply = response.read()
                    slowest = max(slowest, time.monotonic() - start)
                    with self.subTest(path=path, case=case):
                        self.check_error(response.status, reply, operation["x-errors"])
                    cases += 1
            self.assertEqual(server.get("/health")[0], 200)
            self.assertIsNone(server.process.poll(), "the same process still works")
        print(f"{cases} requests, slowest {slowest * 1000:.0f} ms")
        self.assertGreaterEqual(cases, int(os.environ.get("FATHOM_MIN_FIELD_CASES", "3000")))
        self.assertLess(slowest, 0.5 * SLOWNESS)  # 50 ms on a quiet machine

    @staticmethod
    def seen_ids(base: dict[str, Any], text: bytes) -> set[str]:
        paths = json.loads(text)["paths"]
        return {paths[path]["post"]["operationId"] for path in base if path in paths}

    @staticmethod
    def cases(path: str, schema: dict[str, Any]) -> Iterator[tuple[tuple[Any, ...], bytes]]:
        base = BASE.get(path, {})
        for body in (b"", b"{", b"[]", b"null", b'"x"', b"1", b"{}{}", b"\xff", b'{"a":1,}', b"\xef\xbb\xbf{}"):
            yield ("body", body), body
        for field, shape, required in fields(schema):
            for name, value in wrong_values(shape):
                placed = put(base, field, RAW if isinstance(value, tuple) else value)
                yield (field, name), encode(placed, value)
            if required and len(field) == 1:
                yield (field, "missing"), encode(without(base, field[0]), None)
                yield (field, "null"), encode(base | {field[0]: None}, None)
            elif required:
                yield (field, "missing"), encode(put(base, field[:-1], {}), None)
                yield (field, "null"), encode(put(base, field, None), None)


if __name__ == "__main__":
    unittest.main()
