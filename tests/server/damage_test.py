#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""A weight file that is cut short while it is served (docs/reliability.md F-7, S-15)."""

from __future__ import annotations

import json
import os
import shutil
import tempfile
import unittest
from pathlib import Path

from serving import HELLO, ROOT, Server


class Damage(unittest.TestCase):
    def test_requests_fail_the_process_lives_and_health_says_so(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            model = Path(folder) / "model"
            shutil.copytree(ROOT / "models/tiny-chat", model, ignore=shutil.ignore_patterns("eval"))
            with Server(model=str(model)) as server:
                ask = {"messages": HELLO, "max_tokens": 8, "temperature": 0}
                self.assertEqual(server.post("/v1/chat/completions", ask)[0], 200)
                os.truncate(model / "model.safetensors", 4096)
                answers = []
                for _ in range(2):
                    status, _, reply = server.post("/v1/chat/completions", ask | {"messages": [{"role": "user", "content": "And now?"}]})
                    answers.append((status, reply["error"]["code"]))
                self.assertEqual(answers, [(500, "internal_error"), (503, "model_unavailable")])
                status, _, body = server.get("/health")
                health = json.loads(body)
                self.assertEqual((status, health["status"]), (200, "degraded"))
                self.assertIn("model", health["reason"])


if __name__ == "__main__":
    unittest.main()
