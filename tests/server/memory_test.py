#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`fathom serve --memory`: what sequences may hold, and a start that says what is missing (docs/design.md 9)."""

from __future__ import annotations

import subprocess
import unittest

from serving import FATHOM, HELLO, Server

SMALL = ("--cache-ram", "0", "--reply-memory", "1MiB", "--batch-tokens", "64", "--parallel", "8")


class Memory(unittest.TestCase):
    def test_a_small_budget_holds_fewer_sequences_and_still_answers(self) -> None:
        with Server(*SMALL) as server:
            whole = server.metric("fathom_kv_budget_bytes")
        with Server(*SMALL, "--memory", "16MiB") as server:
            self.assertLess(server.metric("fathom_kv_budget_bytes"), whole)
            status, _, _ = server.post("/v1/chat/completions", {"messages": HELLO, "max_tokens": 4})
            self.assertEqual(status, 200)
            self.assertEqual(server.metric("fathom_kv_bytes"), 0)

    def test_too_little_is_refused_before_anything_is_served(self) -> None:
        run = subprocess.run([FATHOM, "serve", "--port", "0", *SMALL, "--memory", "2MiB"], capture_output=True, text=True, check=False)
        self.assertEqual(run.returncode, 6, run.stderr)
        self.assertRegex(run.stderr, r"memory: expected room for one sequence of 4096 tokens: .* are missing")
        self.assertNotIn("listening", run.stdout)


if __name__ == "__main__":
    unittest.main()
