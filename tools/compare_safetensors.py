#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares our safetensors reader with the Python package `safetensors` on mutants of good files (docs/reliability.md F-1).

usage: compare_safetensors.py [--command "build/release/fathom inspect"] [--mutants N] [--seed S] [--keep DIR]

COMMAND gets a model directory (config.json, model.safetensors) and accepts the file by exit status 0; 5 (corrupt) refuses
it. A file that we accept and the package refuses is a failure and is written to DIR. The other way round is allowed: we
refuse more (repeated names, unknown members, other dtypes). Exit status 77: the package is not installed.
"""

from __future__ import annotations

import argparse
import json
import random
import shlex
import shutil
import struct
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SIZES = {"BOOL": 1, "U8": 1, "I8": 1, "F8_E5M2": 1, "F8_E4M3": 1, "F8_E8M0": 1, "I16": 2, "U16": 2, "F16": 2, "BF16": 2,
         "I32": 4, "U32": 4, "F32": 4, "F64": 8, "I64": 8, "U64": 8}
NUMBERS = ["0", "1", "2", "-1", "+1", "00", "01", "1.0", "1e0", "2147483648", "4294967296", "9007199254740993",
           "9223372036854775807", "9223372036854775808", "18446744073709551615", "18446744073709551616", "null", '"1"', "[]"]
PIECES = ["{", "}", "[", "]", ",", ":", '"', "\\", " ", "\n", "\t", "\0", "\x1f", "\x7f", "null", "true", '"a"', '"dtype"',
          '"shape"', '"data_offsets"', '"__metadata__"', '"F4"', '"F32"', '"U8"', "\\u0061", "\\ud800", "\\udc00\\ud800",
          "\\/", "\\x", "\u00e9", "\U0001f600", "\ufeff", "//", "NaN"]
BAD_BYTES = [b"\xff", b"\xc0\xaf", b"\xed\xa0\x80", b"\xe2\x82", b"\xf4\x90\x80\x80"]


def file_of(header: bytes, data: bytes) -> bytes:
    return struct.pack("<Q", len(header)) + header + data


def good_file(rng: random.Random) -> tuple[dict, bytes]:
    """A random valid header (as a dict in random order) and its data."""
    entries, at = [], 0
    for i in range(rng.randrange(0, 6)):
        dtype = rng.choice(list(SIZES))
        shape = [rng.choice([0, 1, 1, 2, 3, 7]) for _ in range(rng.randrange(0, 4))]
        size = SIZES[dtype]
        for dim in shape:
            size *= dim
        members = [("dtype", dtype), ("shape", shape), ("data_offsets", [at, at + size])]
        rng.shuffle(members)
        entries.append((rng.choice(["a", "b\u00e9", "layers.0.w", "t", "\U0001f600", ""]) + str(i), dict(members)))
        at += size
    if rng.random() < 0.5:
        rng.shuffle(entries)
    if rng.random() < 0.5:
        entries.insert(0, ("__metadata__", {"format": "pt", "k": "v\"\n\u00e9"}))
    return dict(entries), rng.randbytes(at)


def change_value(header: dict, rng: random.Random) -> None:
    """Breaks the meaning of one entry and leaves the JSON alone."""
    names = [n for n in header if n != "__metadata__"]
    if not names:
        return
    entry = header[rng.choice(names)]
    if rng.random() < 0.3:  # the tensor moves as it is, so only its neighbours can tell
        by = rng.choice([-8, -1, 1, 2, 8, 2**32])
        entry["data_offsets"] = [max(0, offset + by) for offset in entry["data_offsets"]]
        return
    key = rng.choice(list(entry))
    if key == "dtype":
        entry[key] = rng.choice([*SIZES, "F4", "F6_E2M3", "C64", "f32", "", None, 1])
    elif entry[key] and rng.random() < 0.8:
        place = rng.randrange(len(entry[key]))
        entry[key][place] = rng.choice([entry[key][place] + 1, entry[key][place] - 1, 0, 1, 2**31, 2**32, 2**53 + 1,
                                        2**63 - 1, 2**63, 2**64 - 1, 2**64, 1.0, None, "1", True])
    elif rng.random() < 0.5:
        entry[key] = entry[key][:-1] + [1, 0][: rng.randrange(3)]
    else:
        entry[rng.choice(["x", "shape", "data_offsets"])] = rng.choice([[], [0, 0], 1, None])


def change_text(text: bytes, rng: random.Random) -> bytes:
    """Cuts, repeats, flips or replaces a piece of the header's text."""
    at = rng.randrange(len(text) + 1)
    end = min(len(text), at + rng.choice([1, 1, 1, 2, 5, 20]))
    kind = rng.randrange(7)
    if kind == 0:
        return text[:at] + text[end:]
    if kind == 1:
        return text[:at] + text[at:end] * 2 + text[end:]
    if kind == 2:
        return text[:at] + rng.choice(PIECES).encode() + text[at:]
    if kind == 3:
        return text[:at] + rng.choice(PIECES).encode() + text[end:]
    if kind == 4:
        return text[:at] + rng.choice(BAD_BYTES) + text[end:]
    if kind == 5 and at < len(text):
        return text[:at] + bytes([text[at] ^ (1 << rng.randrange(8))]) + text[at + 1:]
    digits = [i for i, c in enumerate(text) if chr(c).isdigit()]
    if not digits:
        return text + b" "
    start = end = rng.choice(digits)
    while end < len(text) and chr(text[end]).isdigit():
        end += 1
    return text[:start] + rng.choice(NUMBERS).encode() + text[end:]


def mutant(rng: random.Random) -> bytes:
    """Half of the mutants stay good or nearly so: a border is found from both sides."""
    header, data = good_file(rng)
    kind = rng.randrange(10)
    if kind < 2:
        change_value(header, rng)
    text = json.dumps(header, ensure_ascii=rng.random() < 0.5, separators=rng.choice([(",", ":"), (", ", " : ")])).encode()
    if 2 <= kind < 6:
        for _ in range(rng.choice([1, 1, 1, 3])):
            text = change_text(text, rng)
    text += rng.choice([b"", b" ", b"   ", b"\n\t\r"]) if rng.random() < 0.9 else rng.choice([b"\0", b"}", b"{}", b"x", b"\f"])
    if kind == 6:
        data = rng.choice([data + b"x", data[:-1], b"", data * 2])
    raw = file_of(text, data)
    if kind == 7:
        wrong = rng.choice([0, len(text) + 1, len(text) - 1, 2**31, 2**32 + len(text), 2**63, 2**64 - 1, 100_000_001])
        raw = struct.pack("<Q", wrong % 2**64) + raw[8:]
        raw = raw[: rng.choice([len(raw), 7, 8, 9, len(raw) - 1])]
    return raw


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--command", default=str(ROOT / "build/release/fathom") + " inspect")
    parser.add_argument("--mutants", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", default="safetensors-differences")
    args = parser.parse_args()
    try:
        import safetensors
    except ImportError:
        print("compare_safetensors: the Python package safetensors is not installed", file=sys.stderr)
        return 77
    command = shlex.split(args.command)
    verdicts: Counter[str] = Counter()
    bad = []
    with tempfile.TemporaryDirectory() as directory:
        model = Path(directory)
        shutil.copy(ROOT / "models/tiny-chat/config.json", model)
        for number in range(args.mutants):
            raw = mutant(random.Random(f"{args.seed}/{number}"))
            try:
                safetensors.deserialize(raw)
                theirs = True
            except Exception:  # the package raises its own and Unicode errors
                theirs = False
            (model / "model.safetensors").write_bytes(raw)
            ours = subprocess.run([*command, str(model)], capture_output=True, check=False)
            verdict = {0: "accept", 5: "refuse"}.get(ours.returncode, f"exit {ours.returncode}")
            verdicts[f"we {verdict}, it {'accepts' if theirs else 'refuses'}"] += 1
            if verdict == "accept" and not theirs or verdict.startswith("exit"):
                bad.append(number)
                Path(args.keep).mkdir(exist_ok=True)
                (Path(args.keep) / f"{args.seed}-{number}.safetensors").write_bytes(raw)
    for verdict, count in sorted(verdicts.items()):
        print(f"{verdict}: {count}")
    if bad:
        print(f"compare_safetensors: {len(bad)} mutants kept in {args.keep}", file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main())
