#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`fathom train` and `fathom gradients` from outside: text to a model that talks, resume, what is refused."""

from __future__ import annotations

import json
import os
import struct
import subprocess
import tempfile
import unittest
from pathlib import Path

FATHOM = os.environ["FATHOM"]
ROOT = Path(os.environ["FATHOM_SOURCE_DIR"])
FIXTURE = ROOT / "tests/fixtures/train"
TOKENIZER = ROOT / "models/tiny-chat/tokenizer.json"
RECIPE = """
[model]
config = "config.json"
tokenizer = "{tokenizer}"
[run]
directory = "run"
steps = {steps}
checkpoint_every = 20
validate_every = 20
[data]
sources = [{{ path = "chat.jsonl" }}]
sequence_tokens = 64
sequences_per_step = 8
validation_fraction = 0.0
[optimiser]
learning_rate = 0.01
[[stage]]
attention = "dense"
[[stage]]
from = 10
"""


def fathom(*arguments: str | Path) -> subprocess.CompletedProcess[str]:
    """Runs the program with two threads at most."""
    return subprocess.run([FATHOM, *map(str, arguments)], capture_output=True, text=True, check=False, timeout=280)


def read_safetensors(path: Path) -> dict[str, tuple[list[int], bytes]]:
    """Name -> shape and bytes."""
    data = path.read_bytes()
    size = struct.unpack("<Q", data[:8])[0]
    header = json.loads(data[8 : 8 + size])
    tensors = {}
    for name, entry in header.items():
        begin, end = entry["data_offsets"]
        tensors[name] = (entry["shape"], data[8 + size + begin : 8 + size + end])
    return tensors


class Train(unittest.TestCase):
    """One small run: a conversation learned by heart."""

    def setUp(self) -> None:
        self.temporary = tempfile.TemporaryDirectory()
        self.root = Path(self.temporary.name)
        self.addCleanup(self.temporary.cleanup)
        config = json.loads((FIXTURE / "config.json").read_text())
        config.update(vocab_size=4096, hidden_size=64)
        (self.root / "config.json").write_text(json.dumps(config))
        line = {"messages": [{"role": "user", "content": "Say it."}, {"role": "assistant", "content": "Plums are blue."}]}
        (self.root / "chat.jsonl").write_text((json.dumps(line) + "\n") * 64)

    def recipe(self, steps: int) -> Path:
        """The recipe of a run of so many steps."""
        path = self.root / "recipe.toml"
        path.write_text(RECIPE.format(tokenizer=TOKENIZER, steps=steps))
        return path

    def test_trained_model_talks_and_a_run_resumes(self) -> None:
        steps = 20 if os.environ.get("FATHOM_SANITIZE") else 60
        first = fathom("train", self.recipe(steps), "--set", "run.steps=20")
        self.assertEqual(first.returncode, 0, first.stderr)
        resumed = fathom("train", self.recipe(steps), "--resume")
        self.assertEqual(resumed.returncode, 0, resumed.stderr)
        rows = [json.loads(row) for row in (self.root / "run/metrics.jsonl").read_text().splitlines()]
        self.assertEqual([row["step"] for row in rows], list(range(1, steps + 1)))
        self.assertLess(rows[-1]["loss/main"], rows[0]["loss/main"] - 2.0)
        for name in ("report.html", "model/config.json", "model/model.safetensors", "model/tokenizer.json"):
            self.assertTrue((self.root / "run" / name).is_file(), name)
        reply = fathom("chat", self.root / "run/model", "-m", "Say it.", "--temperature", "0", "-n", "8")
        self.assertEqual(reply.returncode, 0, reply.stderr)
        if steps == 60:
            self.assertIn("Plums are blue.", reply.stdout)

    def test_a_second_new_run_in_the_directory_is_refused(self) -> None:
        self.assertEqual(fathom("train", self.recipe(1)).returncode, 0)
        again = fathom("train", self.recipe(1))
        self.assertEqual(again.returncode, 2)
        self.assertIn("--resume", again.stderr)

    def test_mistakes_are_named(self) -> None:
        for change, message in (
            ("run.stepz=1", "recipe: run.stepz: expected a key of this table"),
            ("optimiser.learning_rate=99", "recipe: optimiser.learning_rate: expected a number"),
            ("model.config=nothing.json", "nothing.json"),
            ("data.sources=[{path='nothing.jsonl'}]", "nothing.jsonl"),
        ):
            result = fathom("train", self.recipe(1), "--set", change)
            self.assertNotEqual(result.returncode, 0, change)
            self.assertEqual(result.stdout, "")
            self.assertIn(message, result.stderr)
            self.assertTrue(result.stderr.splitlines()[-1].startswith("fathom: error: "), result.stderr)


class Gradients(unittest.TestCase):
    """The options of `fathom gradients`; the numbers are golden_test's."""

    def run_gradients(self, *options: str) -> tuple[subprocess.CompletedProcess[str], Path]:
        """On the fixture's model and its packed batch."""
        out = Path(tempfile.mkdtemp()) / "out.safetensors"
        return fathom("gradients", FIXTURE, "--tokens", FIXTURE / "batch.safetensors", "--out", out, *options), out

    def test_packed_batch_gives_the_packed_fixture(self) -> None:
        result, out = self.run_gradients()
        self.assertEqual(result.returncode, 0, result.stderr)
        got, want = read_safetensors(out), read_safetensors(FIXTURE / "packed.safetensors")
        self.assertEqual({n: s for n, (s, _) in got.items()}, {n: s for n, (s, _) in want.items()})
        loss = [struct.unpack("<f", t["loss"][1])[0] for t in (got, want)]
        self.assertAlmostEqual(loss[0], loss[1], delta=1e-5)

    def test_wrong_options_are_refused(self) -> None:
        for options in (["--loss", "lmm"], ["--loss", "lm=x"], ["--loss", "lm:dense"], ["--loss", "indexer=1:thick"],
                        ["--qat", "fp3"], ["--dense", "--loss", "indexer=1:sparse"]):
            result, _ = self.run_gradients(*options)
            self.assertEqual(result.returncode, 2, options)
            self.assertIn("expected", result.stderr)


if __name__ == "__main__":
    unittest.main()
