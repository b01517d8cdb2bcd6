#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The OpenAI SDK for Python, unchanged (docs/serving.md)."""

from __future__ import annotations

import asyncio
import json
import unittest
from typing import Literal

import openai
from pydantic import BaseModel

from clients import CITIES, KEY, WithServer, check_cities, weather

MODEL = "gpt-4o"
HELLO = [{"role": "user", "content": "Hello! Who are you?"}]
TOOL = {"type": "function", "function": {"name": "weather", "description": "Weather of a city", "parameters": CITIES}}
NO_THINKING = {"thinking": {"type": "disabled"}}
THINKING = {"thinking": {"type": "enabled", "budget_tokens": 16}}


class Pet(BaseModel):
    kind: Literal["cat", "dog"]
    age: int


class Answer(BaseModel):
    pet: Pet
    certain: bool


class OpenAi(WithServer):
    def setUp(self) -> None:
        self.client = openai.OpenAI(base_url=self.server.url + "/v1", api_key=KEY, max_retries=0)

    def test_chat_and_its_stream_say_the_same(self) -> None:
        whole = self.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=24, temperature=0)
        stream = self.client.chat.completions.create(model=MODEL, messages=HELLO, max_tokens=24, temperature=0, stream=True,
                                                     stream_options={"include_usage": True})
        text, usage = "", None
        for chunk in stream:
            usage = chunk.usage or usage
            for choice in chunk.choices:
                text += choice.delta.content or ""
        self.assertEqual(text, whole.choices[0].message.content)
        self.assertEqual(usage.completion_tokens, whole.usage.completion_tokens)

    def test_the_stream_helper_adds_up(self) -> None:
        with self.client.chat.completions.stream(model=MODEL, messages=HELLO, max_tokens=200, temperature=0,
                                                 extra_body=NO_THINKING) as stream:
            kinds = {event.type for event in stream}
            final = stream.get_final_completion()
        self.assertIn("content.delta", kinds)
        self.assertTrue(final.choices[0].message.content)

    def test_a_tool_loop_of_several_turns_with_thinking(self) -> None:
        messages = [{"role": "user", "content": "What is the weather in Rome and in Oslo?"}]
        for turn in range(4):
            reply = self.client.chat.completions.create(
                model=MODEL, messages=messages, tools=[TOOL], tool_choice="required" if turn < 3 else "none",
                temperature=0, max_tokens=300, extra_body=THINKING)
            (choice,) = reply.choices
            self.assertTrue(hasattr(choice.message, "reasoning_content"))
            if turn == 3:
                self.assertIn(choice.finish_reason, ("stop", "length"))
                self.assertFalse(choice.message.tool_calls)
                return
            self.assertEqual(choice.finish_reason, "tool_calls")
            # One turn gives the reasoning back, one loses it, as clients do.
            messages.append(choice.message.model_dump(exclude_none=True) if turn != 1 else
                            {"role": "assistant", "content": None,
                             "tool_calls": [call.model_dump() for call in choice.message.tool_calls]})
            for call in choice.message.tool_calls:
                arguments = json.loads(call.function.arguments)
                check_cities(self, arguments)
                messages.append({"role": "tool", "tool_call_id": call.id, "content": weather(arguments)})

    def test_streamed_calls_add_up_to_valid_arguments(self) -> None:
        with self.client.chat.completions.stream(
                model=MODEL, messages=HELLO, tools=[TOOL], parallel_tool_calls=False, temperature=1, seed=3, max_tokens=400,
                tool_choice={"type": "function", "function": {"name": "weather"}}, extra_body=NO_THINKING) as stream:
            for _ in stream:
                pass
            (call,) = stream.get_final_completion().choices[0].message.tool_calls
        check_cities(self, json.loads(call.function.arguments))

    def test_parse_gives_the_type_that_was_asked_for(self) -> None:
        for extra in (NO_THINKING, THINKING):
            for seed in range(3):
                parsed = self.client.chat.completions.parse(
                    model=MODEL, messages=[{"role": "user", "content": "A pet, please."}], response_format=Answer,
                    max_tokens=300, seed=seed, temperature=1, extra_body=extra)
                self.assertIsInstance(parsed.choices[0].message.parsed, Answer)

    def test_responses_and_their_stream_say_the_same(self) -> None:
        asked = dict(model=MODEL, input="Hello! Who are you?", max_output_tokens=40, temperature=0)
        whole = self.client.responses.create(**asked)
        with self.client.responses.stream(**asked) as stream:
            for _ in stream:
                pass
            final = stream.get_final_response()
        self.assertEqual(whole.output_text, final.output_text)
        self.assertEqual(whole.usage.output_tokens, final.usage.output_tokens)
        self.assertIn(whole.status, ("completed", "incomplete"))

    def test_responses_parse_and_call_functions(self) -> None:
        parsed = self.client.responses.parse(model=MODEL, input="A pet, please.", text_format=Answer, temperature=0,
                                             reasoning={"effort": "none"}, max_output_tokens=300)
        self.assertIsInstance(parsed.output_parsed, Answer)
        tool = {"type": "function", "name": "weather", "parameters": CITIES, "strict": True}
        items: list = [{"role": "user", "content": "Weather in Rome?"}]
        for choice in ("required", "required", "none"):
            reply = self.client.responses.create(model=MODEL, input=items, tools=[tool], tool_choice=choice, temperature=0,
                                                 max_output_tokens=300, reasoning={"effort": "none"}, store=False)
            items += reply.output
            calls = [item for item in reply.output if item.type == "function_call"]
            self.assertEqual(bool(calls), choice == "required")
            for call in calls:
                arguments = json.loads(call.arguments)
                check_cities(self, arguments)
                items.append({"type": "function_call_output", "call_id": call.call_id, "output": weather(arguments)})

    def test_completions_and_models(self) -> None:
        reply = self.client.completions.create(model=MODEL, prompt="One, two, three,", max_tokens=8, temperature=0, logprobs=2)
        self.assertEqual(len(reply.choices[0].logprobs.tokens), reply.usage.completion_tokens)
        (model,) = self.client.models.list().data
        self.assertEqual(self.client.models.retrieve(model.id).id, model.id)

    def test_errors_have_the_sdk_s_types(self) -> None:
        create = self.client.chat.completions.create
        with self.assertRaises(openai.NotFoundError):
            create(model="unknown", messages=HELLO)
        with self.assertRaises(openai.BadRequestError) as error:
            create(model=MODEL, messages=HELLO, temperature=9)
        self.assertEqual(error.exception.param, "temperature")
        with self.assertRaises(openai.AuthenticationError):
            openai.OpenAI(base_url=self.server.url + "/v1", api_key="wrong").models.list()
        with self.assertRaises(openai.BadRequestError):
            create(model=MODEL, messages=HELLO, response_format={"type": "json_schema", "json_schema": {
                "name": "x", "strict": True, "schema": {"type": "object", "not": {}}}})

    def test_64_streams_at_once_each_say_what_they_say_alone(self) -> None:
        questions = [f"Tell me about the number {i}." for i in range(8)]

        async def ask(client: openai.AsyncOpenAI, question: str) -> str:
            text = ""
            async for chunk in await client.chat.completions.create(
                    model=MODEL, messages=[{"role": "user", "content": question}], max_tokens=16, temperature=0, stream=True,
                    extra_body=NO_THINKING):
                for choice in chunk.choices:
                    text += choice.delta.content or ""
            return text

        async def ask_all() -> tuple[list[str], list[str]]:
            async with openai.AsyncOpenAI(base_url=self.server.url + "/v1", api_key=KEY) as client:
                alone = [await ask(client, question) for question in questions]
                # A key has 32 places; the client tries again after the 429 that says so.
                together = await asyncio.gather(*(ask(client.with_options(max_retries=20), q) for q in questions * 8))
                return alone, list(together)

        alone, together = asyncio.run(ask_all())
        self.assertEqual(together, alone * 8)


if __name__ == "__main__":
    unittest.main()
