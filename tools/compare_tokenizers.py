#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the ids of `fathom tokenize` with those of the PyPI package `tokenizers` (reliability.md P-4).

Inputs: random strings that mix every character class with pieces of added tokens, and the given files, cut into
stretches. Exit 0 when all ids agree, 1 at the first difference (printed), 77 when the package is not installed.
Example: tools/compare_tokenizers.py models/tiny-chat/tokenizer.json README.md --random 100000
"""

import argparse
import itertools
import json
import random
import subprocess
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

CLASSES = [
    "abcdefghij", "ABCXYZ", "0123456789", " \t\n\r\u00a0\u0085\u2028\u3000", " \n", "!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~",
    "。、・゛「」…—", "中文字的一是龥龦", "ひらがなカタカナー\u3040\u3099", "éüßñçøД日한عन", "\u0301\u093f\u20e3\ufe0f",
    "\u200d\u200b\u180e\x00\x1c\x7f\ue000\U000e0001", "👨👩😀🏽", "٣²Ⅷ一〇", "\ufffd\u0378\U0010ffff",
]
STRETCH = 20_000  # characters of a file per input


def random_texts(count: int, added: list[str], rng: random.Random) -> Iterator[str]:
    """Short strings, a few classes each; every fourth has whole or cut added tokens in it."""
    for _ in range(count):
        classes = rng.sample(CLASSES, rng.randint(1, 4))
        parts = ["".join(rng.choices(rng.choice(classes), k=rng.randint(1, 6))) for _ in range(rng.randint(1, 8))]
        if added and rng.random() < 0.25:
            token = rng.choice(added)
            parts.insert(rng.randint(0, len(parts)), token[: rng.choice([len(token), rng.randint(1, len(token))])])
        yield "".join(parts)


def file_texts(paths: list[Path]) -> Iterator[str]:
    for path in paths:
        text = path.read_bytes().decode("utf-8", "replace")
        for start in range(0, len(text), STRETCH):
            yield text[start : start + STRETCH]


def fathom_ids(command: list[str], texts: list[str]) -> list[list[int]]:
    lines = "".join(json.dumps({"text": text}) + "\n" for text in texts)
    done = subprocess.run(command, input=lines, capture_output=True, text=True, encoding="utf-8", check=True)
    return [json.loads(line)["ids"] for line in done.stdout.splitlines()]


def first_difference(command: list[str], reference: object, texts: Iterable[str]) -> tuple[int, str | None]:
    """How many texts were compared, and the first one whose ids differ."""
    compared = 0
    texts = iter(texts)
    while batch := list(itertools.islice(texts, 10_000)):
        expected = [encoding.ids for encoding in reference.encode_batch(batch, add_special_tokens=False)]
        for text, ours, theirs in zip(batch, fathom_ids(command, batch), expected, strict=True):
            if ours != theirs:
                return compared, f"{json.dumps(text)}\n  fathom     {ours}\n  tokenizers {theirs}"
            compared += 1
    return compared, None


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tokenizer", type=Path, help="a tokenizer.json")
    parser.add_argument("files", type=Path, nargs="*")
    parser.add_argument("--random", type=int, default=20_000, help="how many random strings")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--fathom", default="build/release/fathom")
    args = parser.parse_intermixed_args()
    try:
        from tokenizers import Tokenizer
    except ImportError:
        print("compare_tokenizers: skipped: pip install tokenizers")
        return 77
    reference = Tokenizer.from_file(str(args.tokenizer))
    added = [token["content"] for token in json.loads(args.tokenizer.read_text())["added_tokens"]]
    command = [args.fathom, "tokenize", str(args.tokenizer), "--jsonl", "--special"]
    texts = itertools.chain(random_texts(args.random, added, random.Random(args.seed)), file_texts(args.files))
    compared, difference = first_difference(command, reference, texts)
    print(f"{compared} texts agree (seed {args.seed})" + (f"; then: {difference}" if difference else ""))
    return 1 if difference else 0


if __name__ == "__main__":
    sys.exit(main())
