#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`fathom bench` from outside: layout, JSON, history, plot, another program beside it, and what it refuses.

Speeds are never compared with fixed values: the machine is shared.
"""

from __future__ import annotations

import csv
import json
import os
import re
import subprocess
import tempfile
import unittest
import xml.etree.ElementTree
from pathlib import Path

FATHOM = os.environ["FATHOM"]
KEYS = ["name", "value", "unit", "limit", "ratio", "low", "high", "n", "load", "tier", "threads", "commit"]


def bench(*arguments: str) -> subprocess.CompletedProcess:
    """Runs `fathom bench ARGUMENTS --quick` on two threads."""
    return subprocess.run([FATHOM, "bench", *arguments, "--quick", "--threads", "2"], capture_output=True, timeout=250)


class Bench(unittest.TestCase):
    """The contract of docs/conformance.md."""

    def figures(self, *arguments: str) -> dict[str, dict]:
        """name -> object of `--json`."""
        done = bench(*arguments, "--json")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        self.assertEqual(done.stderr, b"")
        lines = [json.loads(line) for line in done.stdout.decode().splitlines()]
        for line in lines:
            self.assertEqual(list(line), KEYS)
            self.assertEqual(line["threads"], 2)
        return {line["name"]: line for line in lines}

    def test_json_has_limits_and_figures_of_every_group(self) -> None:
        figures = self.figures("limits", "kernels", "decode", "batch", "load", "--preset", "tiny")
        for name in ["limit read", "limit fp32", "limit barrier", "read 1 thread", "read 2 threads", "fp8 matrix M=1",
                     "fp4 matrix M=8", "bf16 matrix M=2", "decode ctx 64", "decode ctx 8192", "decode ctx 32768",
                     "pass M=2", "pass M=4", "pass M=8", "8 sequences", "memory above weights"]:  # fmt: skip
            self.assertGreater(figures[name]["value"], 0, name)
        self.assertEqual(figures["decode ctx 64"]["unit"], "tok/s")
        self.assertEqual(figures["decode ctx 64"]["n"], 2)
        for figure in figures.values():
            if figure["limit"] is None or figure["name"] == "limits moved":
                continue
            self.assertAlmostEqual(figure["ratio"], figure["value"] / figure["limit"], 6)
            self.assertLessEqual(figure["low"], figure["ratio"] + 1e-9)
            self.assertLessEqual(figure["ratio"], figure["high"] + 1e-9)

    def test_the_table_has_the_layout_of_the_document(self) -> None:
        done = bench("prefill", "--preset", "tiny")
        self.assertEqual(done.returncode, 0, done.stderr.decode())
        machine, run, head, *rows = done.stdout.decode().splitlines()
        self.assertRegex(machine, r"^machine  .+, 2 threads, read [\d.]+ GB/s, .*GFLOP/s.*, barrier [\d.]+ us$")
        self.assertRegex(run, r"^run      tiny, commit \w+, load average .* limits moved by [\d.]+ %")
        self.assertRegex(head, r"^figure +value +limit +ratio +range +n$")
        self.assertEqual([row.split("  ")[0] for row in rows], ["prefill 512", "prefill 2048"])
        for row in rows:
            self.assertRegex(row, r"^prefill \d+ +[\d.]+ tok/s +[\d.]+ tok/s +\d\.\d\d   [\d.]+\.\.[\d.]+ +2   \d+ GFLOP/s$")

    def test_history_and_plot_are_written(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            history, plot = Path(folder) / "history.csv", Path(folder) / "roofline.svg"
            arguments = ["decode", "--preset", "tiny", "--figure", "decode ctx 64", "--csv", str(history)]
            self.figures(*arguments, "--svg", str(plot))
            self.figures(*arguments)
            rows = list(csv.DictReader(history.read_text().splitlines()))
            self.assertEqual(sum(row["name"] == "decode ctx 64" for row in rows), 2)
            self.assertEqual({row["model"] for row in rows}, {"tiny"})
            svg = xml.etree.ElementTree.fromstring(plot.read_text())
            words = [node.text for node in svg.iter("{http://www.w3.org/2000/svg}text")]
            self.assertIn("decode ctx 64", words)

    def test_another_program_is_measured_beside(self) -> None:
        arguments = ["decode", "--preset", "tiny", "--figure", "decode ctx 64", "--against"]
        figure = self.figures(*arguments, "echo noise; echo 2.5")["decode ctx 64 against"]
        self.assertEqual(figure["limit"], 2.5)
        self.assertLessEqual(figure["low"], figure["ratio"])
        self.assertLessEqual(figure["ratio"], figure["high"])
        for command in ["echo none", "true", "echo 3; exit 1", "echo 0"]:
            done = bench(*arguments, command)
            self.assertEqual(done.returncode, 2, command)
            self.assertIn(b"--against: " + command.encode() + b": expected a number above 0", done.stderr)

    def test_the_built_in_model_can_be_measured(self) -> None:
        figures = self.figures("load", "decode", "builtin:tiny-chat")
        self.assertGreater(figures["load"]["value"], 0)
        self.assertEqual(figures["load"]["limit"], 1.0)

    def test_bad_arguments_are_refused(self) -> None:
        for arguments, message in [
            (["decode"], "MODEL: expected a model or --preset, found neither"),
            (["decode", "builtin:tiny-chat", "--preset", "tiny"], "MODEL: expected a model or --preset, found both"),
            (["decode", "--preset", "huge"], 'preset: expected one of flash-slice, pro-slice, mini, tiny, found "huge"'),
            (["decode", "a", "b"], "and one MODEL, found a and b"),
            (["decode", "--preset", "tiny", "--figure", "x"], "--figure: expected one of decode ctx 64"),
        ]:
            done = bench(*arguments)
            self.assertEqual((done.returncode, done.stdout), (2, b""), arguments)
            last = done.stderr.decode().splitlines()[-1]
            self.assertTrue(re.match(r"fathom: error: ", last) and message in last, last)


if __name__ == "__main__":
    unittest.main()
