#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""`fathom train-tokenizer`: files in, a tokenizer.json that `fathom tokenize` uses."""

from __future__ import annotations

import json
import os
import subprocess
import tempfile
import unittest
from pathlib import Path

FATHOM = os.environ["FATHOM"]
ROOT = Path(os.environ["FATHOM_SOURCE_DIR"])


def fathom(*arguments: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    return subprocess.run([FATHOM, *arguments], input=stdin, capture_output=True, text=True, check=False)


class TrainTokenizer(unittest.TestCase):
    def setUp(self) -> None:
        self.folder = tempfile.TemporaryDirectory()
        self.addCleanup(self.folder.cleanup)
        self.out = str(Path(self.folder.name) / "tokenizer.json")

    def file(self, name: str, text: str) -> str:
        path = Path(self.folder.name) / name
        path.write_text(text)
        return str(path)

    def test_text_and_jsonl_train_the_same_vocabulary(self) -> None:
        text = (ROOT / "README.md").read_text()
        run = fathom("train-tokenizer", "--vocab-size", "500", "--out", self.out, self.file("a.txt", text))
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        self.assertRegex(run.stdout, r"500 tokens, \d+ merges from \d+ distinct pieces")
        from_text = Path(self.out).read_text()
        line = self.file("a.jsonl", json.dumps({"text": text}) + "\n\n")
        self.assertEqual(fathom("train-tokenizer", "--vocab-size", "500", "--out", self.out, line).returncode, 0)
        self.assertEqual(Path(self.out).read_text(), from_text)

        ids = json.loads(fathom("tokenize", self.out, stdin=text).stdout)
        self.assertLess(len(ids), len(text.encode()) * 0.7)
        back = fathom("detokenize", self.out, stdin=json.dumps({"ids": ids}))
        self.assertEqual(json.loads(back.stdout)["text"], text)

    def test_what_is_wrong_is_said_and_nothing_is_written(self) -> None:
        good = self.file("good.txt", "some text")
        for arguments, code, words in [
            (["--vocab-size", "100", good], 2, "vocab_size: expected 256"),
            (["--vocab-size", "500", "--min-frequency", "0", good], 2, "min_frequency: expected at least 1"),
            (["--vocab-size", "500", self.folder.name + "/none.txt"], 3, "none.txt"),
            (["--vocab-size", "500", self.file("bad.jsonl", "{\"text\": 1}\n")], 2, "line 1: expected an object with a string text"),
        ]:
            run = fathom("train-tokenizer", "--out", self.out, *arguments)
            self.assertEqual(run.returncode, code, run.stderr)
            self.assertIn(words, run.stderr)
            self.assertEqual(run.stdout, "")
            self.assertFalse(Path(self.out).exists())


if __name__ == "__main__":
    unittest.main()
