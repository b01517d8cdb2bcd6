#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""LangChain's ChatOpenAI, unchanged (docs/serving.md)."""

from __future__ import annotations

import unittest
from typing import Literal

from langchain_core.messages import HumanMessage, SystemMessage, ToolMessage
from langchain_core.tools import tool
from langchain_openai import ChatOpenAI
from pydantic import BaseModel, Field

from clients import KEY, WithServer

NO_THINKING = {"thinking": {"type": "disabled"}}


class Weather(BaseModel):
    """What the weather is like."""

    sky: Literal["clear", "cloudy"]
    degrees: int = Field(ge=-60, le=60)


@tool
def add(a: int, b: int) -> int:
    """Adds two numbers."""
    return a + b


class LangChain(WithServer):
    def model(self, **fields: object) -> ChatOpenAI:
        return ChatOpenAI(model="gpt-4o", base_url=self.server.url + "/v1", api_key=KEY, temperature=0, max_retries=0,
                          max_tokens=300, extra_body=NO_THINKING, **fields)

    def test_invoke_and_stream_say_the_same(self) -> None:
        asked = [SystemMessage("Be kind."), HumanMessage("Hello!")]
        whole = self.model().invoke(asked)
        streamed = "".join(chunk.content for chunk in self.model().stream(asked))
        self.assertEqual(streamed, whole.content)
        self.assertGreater(whole.usage_metadata["input_tokens"], 0)

    def test_structured_output_in_both_ways(self) -> None:
        for method in ("json_schema", "function_calling"):
            answer = self.model().with_structured_output(Weather, method=method).invoke("How is the weather?")
            self.assertIsInstance(answer, Weather, method)

    def test_a_tool_loop(self) -> None:
        messages: list = [HumanMessage("Add 2 and 3, then 4 and 5.")]
        forced = self.model().bind_tools([add], tool_choice="required")
        for _ in range(2):
            reply = forced.invoke(messages)
            self.assertTrue(reply.tool_calls)
            messages.append(reply)
            for call in reply.tool_calls:
                self.assertEqual(set(call["args"]), {"a", "b"})
                messages.append(ToolMessage(str(add.invoke(call["args"])), tool_call_id=call["id"]))
        self.assertIsInstance(self.model().bind_tools([add], tool_choice="none").invoke(messages).content, str)


if __name__ == "__main__":
    unittest.main()
