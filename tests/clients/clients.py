# SPDX-License-Identifier: MIT
"""What the client tests share: one server for a test class, tools and the questions asked."""

from __future__ import annotations

import json
import unittest
from typing import Any

from serving import Server

KEY = "a-key-of-the-tests"
CITIES = {"type": "object", "properties": {
    "city": {"type": "string", "enum": ["Paris", "Rome", "Oslo"]}, "days": {"type": "integer", "minimum": 1, "maximum": 9}},
    "required": ["city", "days"], "additionalProperties": False}
PERSON = {"type": "object", "properties": {
    "name": {"type": "string", "maxLength": 12}, "age": {"type": "integer", "minimum": 0, "maximum": 150},
    "pets": {"type": "array", "items": {"enum": ["cat", "dog"]}, "maxItems": 3}},
    "required": ["name", "age", "pets"], "additionalProperties": False}


def check_cities(test: unittest.TestCase, arguments: dict[str, Any]) -> None:
    test.assertIn(arguments["city"], ("Paris", "Rome", "Oslo"))
    test.assertIn(arguments["days"], range(1, 10))
    test.assertEqual(set(arguments), {"city", "days"})


def weather(arguments: dict[str, Any]) -> str:
    """The tool that the model may call."""
    return json.dumps({"city": arguments["city"], "forecast": ["sun"] * arguments["days"]})


class WithServer(unittest.TestCase):
    server: Server

    @classmethod
    def setUpClass(cls) -> None:
        cls.server = Server("--alias", "gpt-*", "--alias", "claude-*", "--alias", "deepseek-*", "--parallel", "16",
                            environment={"FATHOM_API_KEY": KEY})

    @classmethod
    def tearDownClass(cls) -> None:
        assert cls.server.stop() == 0, cls.server.log_text()[-3000:]
