#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""The prefix cache as clients see it (docs/reliability.md C-2, C-10, S-15): it saves work, changes no answer, and keys share
nothing."""

from __future__ import annotations

import tempfile
import unittest
from pathlib import Path

from serving import Server, wait_until

LONG = [{"role": "system", "content": "You know this: " + "The cat sat on the mat. " * 80},
        {"role": "user", "content": "Where did the cat sit?"}]
ASK = {"messages": LONG, "max_tokens": 12, "temperature": 0, "thinking": {"type": "disabled"}}
ADA = {"Authorization": "Bearer key-of-ada-1"}
BOB = {"Authorization": "Bearer key-of-bob-2"}


def answer(server: Server, headers: dict[str, str] | None = None, **fields: object) -> tuple[str, int]:
    """Content and cached tokens of the long question."""
    status, _, reply = server.post("/v1/chat/completions", ASK | fields, headers)
    assert status == 200, reply
    usage = reply["usage"]
    assert usage["prompt_cache_hit_tokens"] == usage["prompt_tokens_details"]["cached_tokens"]
    return reply["choices"][0]["message"]["content"], usage["prompt_cache_hit_tokens"]


class Cache(unittest.TestCase):
    def test_the_second_time_is_cheaper_and_says_the_same(self) -> None:
        with Server("--cache-ram", "0") as server:
            cold, cached = answer(server)
            self.assertEqual((answer(server), cached), ((cold, 0), 0))
        with Server() as server:
            self.assertEqual(answer(server), (cold, 0))
            text, cached = answer(server)
            self.assertEqual(text, cold)
            self.assertGreaterEqual(cached, 128)
            other = [LONG[0], {"role": "user", "content": "Who sat there?"}]
            self.assertGreaterEqual(answer(server, messages=other)[1], 128, "the system text is shared")
            self.assertGreater(server.metric("fathom_cache_hits_total"), 0)
            self.assertGreater(server.metric("fathom_cached_prompt_tokens_total"), 0)
            self.assertGreater(server.metric("fathom_cache_bytes"), 0)

    def test_keys_and_users_share_nothing(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            keys = Path(folder) / "keys"
            keys.write_text("ada key-of-ada-1\nbob key-of-bob-2\n")
            with Server("--api-key-file", str(keys)) as server:
                answer(server, ADA)
                self.assertEqual(answer(server, BOB)[1], 0)
                self.assertEqual(answer(server, BOB, user="ada")[1], 0)
                self.assertEqual(answer(server, ADA, user="one")[1], 0, "a user narrows")
                self.assertGreater(answer(server, ADA)[1], 0, "what was there is still there")
                self.assertGreater(answer(server, ADA, user="one")[1], 0)

    def test_a_directory_outlives_the_server(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            place = str(Path(folder) / "cache")
            with Server("--cache-dir", place, "--cache-bytes", "64MiB") as server:
                cold, _ = answer(server)
                wait_until(lambda: server.metric('fathom_cache_bytes{model="builtin:tiny-chat",tier="disk"}') > 0, 10, "written")
            with Server("--cache-dir", place, "--cache-bytes", "64MiB") as server:
                text, cached = answer(server)
                self.assertEqual(text, cold)
                self.assertGreaterEqual(cached, 128)
                self.assertEqual(server.post("/v1/chat/completions", {"messages": LONG, "max_tokens": 1})[0], 200)
            for path in Path(place).iterdir():
                self.assertEqual(path.stat().st_mode & 0o077, 0, f"{path} is nobody else's business")

    def test_a_directory_that_takes_no_files_is_seen(self) -> None:
        with Server("--cache-dir", "/proc/no-such-place") as server:
            cold, _ = answer(server)
            _, _, health = server.get("/health")
            self.assertIn(b"degraded", health)
            self.assertIn(b"cache", health)
            self.assertEqual(answer(server)[0], cold)
            self.assertEqual(server.get("/ready")[0], 200)


if __name__ == "__main__":
    unittest.main()
