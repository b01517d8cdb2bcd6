#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Options of a chat request together: every pair of values of any two options occurs (docs/reliability.md S-2)."""

from __future__ import annotations

import itertools
import json
import random
import unittest
from typing import Any

from serving import HELLO, Server, data_events, joined

WEATHER = {"type": "function", "function": {
    "name": "get_weather", "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]}}}
SCHEMA = {"type": "json_schema", "json_schema": {
    "name": "answer", "schema": {"type": "object", "properties": {"city": {"type": "string", "maxLength": 8}},
                                 "required": ["city"], "additionalProperties": False}}}
ABSENT: Any = object()

OPTIONS: dict[str, list[Any]] = {
    "stream": [False, True],
    "n": [1, 3],
    "logprobs": [ABSENT, True],
    "top_logprobs": [ABSENT, 0, 2],
    "tools": [ABSENT, [WEATHER]],
    "tool_choice": [ABSENT, "auto", "none", "required", {"type": "function", "function": {"name": "get_weather"}}],
    "parallel_tool_calls": [ABSENT, False],
    "response_format": [ABSENT, {"type": "text"}, {"type": "json_object"}, SCHEMA],
    "stop": [ABSENT, ["a", "the"]],
    "frequency_penalty": [ABSENT, 0.5],
    "repetition_penalty": [ABSENT, 1.2],
    "logit_bias": [ABSENT, {"5": 10, "7": -100}],
    "temperature": [0, 1.3],
    "top_p": [ABSENT, 0.9],
    "top_k": [ABSENT, 5],
    "min_p": [ABSENT, 0.05],
    "seed": [ABSENT, 4],
    "thinking": [ABSENT, {"type": "disabled"}, {"type": "enabled", "budget_tokens": 3}],
    "reasoning_effort": [ABSENT, "high"],
    "max_tokens": [1, 24],
    "stream_options": [ABSENT, {"include_usage": True}],
    "timings": [ABSENT, True],
}


def pairs_of(row: dict[str, int]) -> set[tuple[str, int, str, int]]:
    return {(a, row[a], b, row[b]) for a, b in itertools.combinations(OPTIONS, 2)}


def covering_rows(rng: random.Random) -> list[dict[str, int]]:
    """Rows of value numbers in which every pair occurs: each is the best of some random ones."""
    missing = {(a, i, b, j) for a, b in itertools.combinations(OPTIONS, 2)
               for i in range(len(OPTIONS[a])) for j in range(len(OPTIONS[b]))}
    rows = []
    while missing:
        a, i, b, j = min(missing)
        candidates = []
        for _ in range(30):
            row = {name: rng.randrange(len(values)) for name, values in OPTIONS.items()} | {a: i, b: j}
            candidates.append((len(pairs_of(row) & missing), len(candidates), row))
        row = max(candidates)[2]
        missing -= pairs_of(row)
        rows.append(row)
    return rows


class Options(unittest.TestCase):
    def test_no_pair_of_options_breaks_a_reply(self) -> None:
        rows = covering_rows(random.Random(2))
        accepted = 0
        with Server() as server:
            for row in rows:
                body = {"messages": HELLO} | {name: OPTIONS[name][i] for name, i in row.items()
                                              if OPTIONS[name][i] is not ABSENT}
                with self.subTest(body=body):
                    status, _, text = server.request("POST", "/v1/chat/completions", json.dumps(body).encode(),
                                                     {"Content-Type": "application/json"})
                    self.assertIn(status, (200, 400), text[:300])
                    if status == 400:
                        self.assertTrue(self.may_refuse(body), text[:300])
                        continue
                    accepted += 1
                    self.check(body, text)
            self.assertEqual(server.metric('fathom_requests_finished_total{model="builtin:tiny-chat",reason="error"}'), 0)
            self.assertIsNone(server.process.poll())
        print(f"{len(rows)} requests, {accepted} answered")
        self.assertGreater(accepted, len(rows) // 3)

    @staticmethod
    def may_refuse(body: dict[str, Any]) -> bool:
        """Choosing a tool needs tools; alternatives need logprobs."""
        choice = body.get("tool_choice")
        needs_tools = choice == "required" or isinstance(choice, dict)
        return (needs_tools and "tools" not in body) or (body.get("top_logprobs", 0) > 0 and not body.get("logprobs"))

    def check(self, body: dict[str, Any], text: bytes) -> None:
        if body.get("stream"):
            events = list(data_events(text))
            self.assertEqual(events[-1], "[DONE]")
            choices = list(joined([json.loads(event) for event in events[:-1]]).values())
        else:
            choices = json.loads(text)["choices"]
        self.assertEqual(len(choices), body["n"])
        for choice in choices:
            self.assertIn(choice["finish_reason"], ("stop", "length", "tool_calls"))
            calls = choice["message"].get("tool_calls", [])
            self.assertTrue("tools" in body and body.get("tool_choice") != "none" or not calls, "no calls without tools")
            if body.get("parallel_tool_calls") is False:
                self.assertLessEqual(len(calls), 1)
            if choice["finish_reason"] == "tool_calls":
                self.assertIn("city", json.loads(calls[0]["function"]["arguments"]))


if __name__ == "__main__":
    unittest.main()
