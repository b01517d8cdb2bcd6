#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The Anthropic SDK for Python, unchanged (docs/serving.md)."""

from __future__ import annotations

import json
import unittest

import anthropic
import jsonschema

from clients import CITIES, KEY, PERSON, WithServer, check_cities, weather

MODEL = "claude-any"
HELLO = [{"role": "user", "content": "Hello! Who are you?"}]
GREEDY = {"temperature": 0}  # the SDK has no name for it any more
TOOL = {"name": "weather", "description": "Weather of a city", "input_schema": CITIES}


class Anthropic(WithServer):
    def setUp(self) -> None:
        self.client = anthropic.Anthropic(base_url=self.server.url, api_key=KEY, max_retries=0)

    def test_a_message_and_its_stream_say_the_same(self) -> None:
        asked = dict(model=MODEL, max_tokens=24, extra_body=GREEDY, messages=HELLO, system=[{"type": "text", "text": "Be kind."}])
        whole = self.client.messages.create(**asked)
        with self.client.messages.stream(**asked) as stream:
            text = "".join(stream.text_stream)
            final = stream.get_final_message()
        self.assertEqual(text, whole.content[0].text)
        self.assertEqual(final.content[0].text, text)
        self.assertEqual(final.usage.output_tokens, whole.usage.output_tokens)
        self.assertEqual(final.stop_reason, whole.stop_reason)

    def test_counted_tokens_are_those_of_the_request(self) -> None:
        counted = self.client.messages.count_tokens(model=MODEL, messages=HELLO, tools=[TOOL], system="Be kind.")
        usage = self.client.messages.create(model=MODEL, messages=HELLO, tools=[TOOL], system="Be kind.", max_tokens=1).usage
        self.assertEqual(counted.input_tokens, usage.input_tokens + usage.cache_read_input_tokens)

    def test_a_tool_loop_with_thinking(self) -> None:
        messages: list = [{"role": "user", "content": "What is the weather in Rome and in Oslo?"}]
        for turn in range(4):
            with self.client.messages.stream(
                    model=MODEL, max_tokens=300, extra_body=GREEDY, messages=messages, tools=[TOOL],
                    tool_choice={"type": "any"} if turn < 3 else {"type": "none"},
                    thinking={"type": "enabled", "budget_tokens": 16}) as stream:
                for _ in stream:
                    pass
                reply = stream.get_final_message()
            calls = [block for block in reply.content if block.type == "tool_use"]
            if turn == 3:
                self.assertEqual(calls, [])
                return
            self.assertEqual(reply.stop_reason, "tool_use")
            self.assertTrue(calls)
            # One turn gives the thinking back, one loses it.
            kept = [block for block in reply.content if turn != 1 or block.type != "thinking"]
            messages.append({"role": "assistant", "content": kept})
            results = []
            for call in calls:
                self.assertTrue(call.id.startswith("toolu_"))
                check_cities(self, call.input)
                results.append({"type": "tool_result", "tool_use_id": call.id, "content": weather(call.input)})
            messages.append({"role": "user", "content": results})

    def test_one_named_tool_and_no_more(self) -> None:
        reply = self.client.messages.create(
            model=MODEL, max_tokens=300, messages=HELLO, tools=[TOOL, {"name": "now", "input_schema": {"type": "object"}}],
            tool_choice={"type": "tool", "name": "weather", "disable_parallel_tool_use": True})
        (call,) = reply.content
        self.assertEqual(call.name, "weather")
        check_cities(self, call.input)

    def test_structured_output_is_valid(self) -> None:
        reply = self.client.messages.create(
            model=MODEL, max_tokens=300, messages=[{"role": "user", "content": "Somebody, please."}],
            extra_body=GREEDY | {"output_config": {"format": {"type": "json_schema", "schema": PERSON}}})
        jsonschema.validate(json.loads(reply.content[0].text), PERSON)

    def test_the_last_assistant_message_is_continued(self) -> None:
        reply = self.client.messages.create(model=MODEL, max_tokens=8, extra_body=GREEDY,
                                            messages=HELLO + [{"role": "assistant", "content": "I am"}])
        self.assertFalse(reply.content[0].text.startswith("I am"))

    def test_stop_sequences_are_reported(self) -> None:
        text = self.client.messages.create(model=MODEL, max_tokens=24, extra_body=GREEDY, messages=HELLO).content[0].text
        stop = text.split()[1]
        reply = self.client.messages.create(model=MODEL, max_tokens=24, extra_body=GREEDY, messages=HELLO, stop_sequences=[stop])
        self.assertEqual(reply.stop_reason, "stop_sequence")
        self.assertEqual(reply.stop_sequence, stop)
        self.assertEqual("".join(block.text for block in reply.content), text[:text.index(stop)])

    def test_models(self) -> None:
        (model,) = self.client.models.list().data
        self.assertEqual(self.client.models.retrieve(model.id).type, "model")

    def test_errors_have_the_sdk_s_types(self) -> None:
        with self.assertRaises(anthropic.NotFoundError):
            self.client.messages.create(model="unknown", max_tokens=1, messages=HELLO)
        with self.assertRaises(anthropic.BadRequestError):
            self.client.messages.create(model=MODEL, max_tokens=1, messages=[])
        with self.assertRaises(anthropic.AuthenticationError):
            anthropic.Anthropic(base_url=self.server.url, api_key="wrong").models.list()


if __name__ == "__main__":
    unittest.main()
