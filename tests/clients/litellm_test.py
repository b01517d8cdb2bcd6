#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""LiteLLM with its providers openai, deepseek and anthropic, unchanged (docs/serving.md)."""

from __future__ import annotations

import json
import os
import unittest

os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"  # no outgoing connection

import litellm

from clients import CITIES, KEY, WithServer, check_cities

HELLO = [{"role": "user", "content": "Hello! Who are you?"}]
TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather of a city", "parameters": CITIES}}
litellm.telemetry = False


class LiteLlm(WithServer):
    def providers(self) -> dict[str, dict[str, str]]:
        return {"openai/gpt-4o": {"api_base": self.server.url + "/v1"},
                "deepseek/deepseek-chat": {"api_base": self.server.url + "/v1"},
                "anthropic/claude-any": {"api_base": self.server.url}}

    def test_whole_and_streamed_replies_are_the_same(self) -> None:
        for model, place in self.providers().items():
            with self.subTest(model=model):
                asked = dict(model=model, messages=HELLO, api_key=KEY, temperature=0, max_tokens=24, **place)
                whole = litellm.completion(**asked).choices[0].message.content
                streamed = "".join(chunk.choices[0].delta.content or "" for chunk in litellm.completion(stream=True, **asked))
                self.assertEqual(streamed, whole)

    def test_required_calls_come(self) -> None:
        for model, place in self.providers().items():
            with self.subTest(model=model):
                reply = litellm.completion(model=model, messages=HELLO, api_key=KEY, temperature=0, max_tokens=300,
                                           tools=[TOOL], tool_choice="required", **place)
                calls = reply.choices[0].message.tool_calls
                self.assertTrue(calls)
                for call in calls:
                    check_cities(self, json.loads(call.function.arguments))


if __name__ == "__main__":
    unittest.main()
