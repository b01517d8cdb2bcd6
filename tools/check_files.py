#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks every file of the repository (docs/style.md 2, 11): length, size, SPDX line, white space, words that stay out.

usage: check_files.py [ROOT]

tools/check_files_allow.txt lists what may break a rule: `PATH: RULE: REASON`, PATH as in fnmatch. An entry that excuses
nothing is itself a problem.
"""

from __future__ import annotations

import fnmatch
import re
import sys
from pathlib import Path
from typing import Iterator

from repo_files import repo_files

MAX_LINES = {".cc": 800, ".h": 200}
MAX_BYTES = 1_000_000
SPDX = "SPDX-License-Identifier: MIT"
SPDX_SUFFIXES = {".cc", ".h", ".py", ".sh", ".cmake", ".S"}
SPDX_NAMES = {"CMakeLists.txt", "Makefile", "setup", "run", ".clang-format", ".clang-tidy", ".gitignore"}
# Formatted by their makers; long lines and trailing spaces are data there.
DATA_SUFFIXES = {".safetensors", ".json", ".jsonl", ".txt", ".dict"}
DATA_FOLDERS = {"corpus", "fixtures", "eval"}

# [.] keeps these patterns from matching themselves.
FORBIDDEN = [
    (re.compile(r"/(work|home|Users)/[\w.]"), "path of one machine"),
    (re.compile(r"\b(deb|security|ftp|snapshot)[.]debian[.]org|\bpypi[.]org|\bcrates[.]io|[.]npmjs[.]|"
                r"\bproxy[.]golang[.]|\bmaven[.]apache[.]|\bfiles[.]pythonhosted[.]"), "host of a package registry"),
]

Problem = tuple[str, str]  # rule, message


def is_data(path: Path) -> bool:
    """Data files: only their size and the forbidden words matter."""
    return path.suffix in DATA_SUFFIXES or bool(DATA_FOLDERS & set(path.parts[:-1]) and path.suffix != ".md")


def needs_spdx(path: Path) -> bool:
    return not is_data(path) and (path.suffix in SPDX_SUFFIXES or path.name in SPDX_NAMES)


def text_problems(path: Path, text: str) -> Iterator[Problem]:
    """Problems of a text file that is not data."""
    lines = text.split("\n")
    count = len(lines) - (lines[-1] == "")
    limit = MAX_LINES.get(path.suffix)
    if limit and count > limit:
        yield "length", f"expected at most {limit} lines, found {count}"
    # The second line, where the first names an interpreter.
    if needs_spdx(path) and SPDX not in lines[1 if text.startswith("#!") and len(lines) > 1 else 0]:
        yield "spdx", f"expected '{SPDX}' in the first line"
    for number, line in enumerate(lines, 1):
        if line != line.rstrip():
            yield "space", f"line {number}: white space at the end"
        if "\t" in line and path.suffix in {".cc", ".h", ".py"}:
            yield "space", f"line {number}: tab"
    if text and not text.endswith("\n"):
        yield "space", "expected a line feed at the end"
    elif text.endswith("\n\n"):
        yield "space", "empty lines at the end"


def file_problems(path: Path, content: bytes) -> Iterator[Problem]:
    """All problems of one file; path is relative to the repository."""
    if len(content) > MAX_BYTES:
        yield "size", f"expected at most {MAX_BYTES} bytes, found {len(content)}"
    try:
        text = content.decode("utf-8")
    except UnicodeDecodeError:
        return
    if "\0" in text:
        return
    for pattern, what in FORBIDDEN:
        if found := pattern.search(text):
            yield "word", f"line {text.count(chr(10), 0, found.start()) + 1}: {what}: {found.group()}"
    if not is_data(path):
        yield from text_problems(path, text)


def read_allow_list(path: Path) -> list[tuple[str, str]]:
    """(pattern, rule) of each line; a line without a reason is an error."""
    entries = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else []:
        if line and not line.startswith("#"):
            parts = [part.strip() for part in line.split(":", 2)]
            if len(parts) != 3 or not parts[2]:
                raise ValueError(f"{path.name}: expected PATH: RULE: REASON, found {line}")
            entries.append((parts[0], parts[1]))
    return entries


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    allowed = read_allow_list(root / "tools/check_files_allow.txt")
    used: set[tuple[str, str]] = set()
    problems = []
    files = repo_files(root)
    for path in files:
        for rule, message in file_problems(path, (root / path).read_bytes()):
            excuse = next((entry for entry in allowed
                           if entry[1] == rule and fnmatch.fnmatch(path.as_posix(), entry[0])), None)
            if excuse:
                used.add(excuse)
            else:
                problems.append(f"{path}: {rule}: {message}")
    problems += [f"tools/check_files_allow.txt: nothing needs '{pattern}: {rule}'"
                 for pattern, rule in allowed if (pattern, rule) not in used]
    print("\n".join(problems + [f"check_files: {len(files)} files, {len(problems)} problems"]))
    return 1 if problems or not files else 0


if __name__ == "__main__":
    sys.exit(main())
