#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""schemathesis on /openapi.json: no request that fits or breaks the description gives a server error (reliability.md S-1)."""

from __future__ import annotations

import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from clients import KEY, WithServer

EXAMPLES = 15  # of each route; more with --examples N
SECONDS = 240


class Description(WithServer):
    def test_no_request_is_answered_with_a_server_error(self) -> None:
        # It leaves a folder of its own behind.
        with tempfile.TemporaryDirectory() as folder:
            done = subprocess.run(
                [Path(sys.executable).with_name("schemathesis"), "run", self.server.url + "/openapi.json",
                 "--header", f"Authorization: Bearer {KEY}", "--max-examples", str(EXAMPLES), "--seed", "1",
                 "--checks", "not_a_server_error", "--phases", "fuzzing", "--request-timeout", "60",
                 "--suppress-health-check", "all", "--generation-database", "none"],
                capture_output=True, text=True, timeout=SECONDS, check=False, cwd=folder)
        self.assertEqual(done.returncode, 0, done.stdout[-6000:] + done.stderr[-2000:])
        status, _, _ = self.server.get("/health")
        self.assertEqual(status, 200)


if __name__ == "__main__":
    if "--examples" in sys.argv:
        at = sys.argv.index("--examples")
        EXAMPLES, SECONDS = int(sys.argv[at + 1]), 24 * 3600
        del sys.argv[at:at + 2]
    unittest.main()
