#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Fails on any include that the folder table of docs/design.md (section 2) does not allow.

usage: check_layers.py [ROOT]

A file of src/FOLDER may include its own folder and the folders in its row of the table; *_test.cc files also
what tests share (tests/support). Third-party headers and intrinsics appear only in the folders design.md 16 and 7 name for them, and
third-party ones in no header at all.
"""

from __future__ import annotations

import re
import sys
from pathlib import Path

# Header prefix -> folders that may include it (design.md 16, 7).
THIRD_PARTY = {
    "boost/": {"server"},
    "openssl/": {"io", "server"},
    "toml++/": {"io"},
    "xxhash.h": {"io"},
    "zstd.h": {"io"},
    "CLI/": {"apps"},
    "histedit.h": {"apps"},
    "editline/": {"apps"},
}
INTRINSICS = re.compile(r"^(\w*intrin|arm_\w+|cpuid)\.h$")
INTRINSICS_FOLDERS = {"kernels", "base"}  # base: CPU facts read cpuid

INCLUDE = re.compile(r'^\s*#\s*include\s*(?:"([^"]+)"|<([^>]+)>)')


def parse_table(design: str) -> dict[str, set[str]]:
    """Folder -> folders it may include, from the table whose head is `| folder | holds | may include |`."""
    table: dict[str, set[str]] = {}
    inside = False
    for line in design.splitlines():
        cells = [cell.strip() for cell in line.strip().strip("|").split("|")]
        if cells == ["folder", "holds", "may include"]:
            inside = True
        elif inside and not line.lstrip().startswith("|"):
            break
        elif inside and not set(line) <= set("|- "):
            if len(cells) != 3 or cells[0] in table:
                raise ValueError(f"docs/design.md: folder table: cannot read row: {line}")
            table[cells[0]] = set() if cells[2] == "-" else {name.strip() for name in cells[2].split(",")}
    for folder, allowed in table.items():
        for name in allowed - set(table):
            raise ValueError(f"docs/design.md: folder table: {folder} may include unknown folder {name}")
    if not table:
        raise ValueError("docs/design.md: folder table not found")
    return table


def check_quoted(folder: str, target: str, is_test: bool, table: dict[str, set[str]]) -> str | None:
    """What is wrong with `#include "target"` in src/folder, if anything."""
    if is_test and target.startswith(("tests/support/", "support/")):
        return None
    first, slash, _ = target.partition("/")
    if not slash or first not in table:
        return f'"{target}" does not begin with a folder of src/'
    if first != folder and first not in table[folder]:
        return f'"{target}": {folder} may include only {", ".join(sorted(table[folder])) or "nothing"}'
    return None


def check_angled(folder: str, target: str, is_header: bool) -> str | None:
    """What is wrong with `#include <target>` in src/folder, if anything."""
    if INTRINSICS.match(target) and folder not in INTRINSICS_FOLDERS:
        return f"<{target}>: intrinsics belong to {', '.join(sorted(INTRINSICS_FOLDERS))}"
    for prefix, folders in THIRD_PARTY.items():
        if target.startswith(prefix):
            if folder not in folders:
                return f"<{target}> is allowed only in {', '.join(sorted(folders))}"
            if is_header:
                return f"<{target}>: third-party headers stay out of our headers"
    return None


def check_file(path: Path, folder: str, table: dict[str, set[str]]) -> list[str]:
    """Messages `PATH:LINE: ...` for the includes of one file."""
    is_test = path.name.endswith("_test.cc")
    problems = []
    for number, line in enumerate(path.read_text(encoding="utf-8").splitlines(), 1):
        if found := INCLUDE.match(line):
            quoted, angled = found.groups()
            problem = (check_quoted(folder, quoted, is_test, table) if quoted
                       else check_angled(folder, angled, path.suffix == ".h"))
            if problem:
                problems.append(f"{path}:{number}: {problem}")
    return problems


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    table = parse_table((root / "docs/design.md").read_text(encoding="utf-8"))
    problems, checked = [], 0
    for path in sorted((root / "src").rglob("*")):
        if path.suffix not in {".h", ".cc"}:
            continue
        folder = path.relative_to(root / "src").parts[0]
        if folder not in table:
            problems.append(f"{path}: folder {folder} is not in the table of docs/design.md")
            continue
        problems += check_file(path, folder, table)
        checked += 1
    print("\n".join(problems + [f"check_layers: {checked} files, {len(problems)} problems"]))
    return 1 if problems or not checked else 0


if __name__ == "__main__":
    sys.exit(main())
