#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Prints lines of C++ per folder: product, tests and the share of comments (docs/style.md 4, 8). Enforces nothing.

usage: count_lines.py [ROOT]
"""

from __future__ import annotations

import sys
from dataclasses import dataclass
from pathlib import Path

from repo_files import repo_files


@dataclass
class Count:
    """Lines of one folder; empty lines are in no number."""

    product: int = 0
    comments: int = 0  # of product
    tests: int = 0

    def add(self, other: Count) -> None:
        self.product += other.product
        self.comments += other.comments
        self.tests += other.tests


def count(path: Path, text: str) -> Count:
    """Counts one file; a line that begins with // is a comment."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    if path.parts[0] != "src" or path.name.endswith("_test.cc"):
        return Count(tests=len(lines))
    return Count(product=len(lines), comments=sum(line.startswith("//") for line in lines))


def main() -> int:
    root = Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).resolve().parent.parent
    folders: dict[str, Count] = {}
    total = Count()
    for path in repo_files(root):
        if path.suffix in {".cc", ".h"} and path.parts[0] in {"src", "tests", "fuzz", "bench"}:
            here = count(path, (root / path).read_text(encoding="utf-8"))
            folders.setdefault("/".join(path.parts[:-1][:2]), Count()).add(here)
            total.add(here)
    print(f"{'folder':<18}{'product':>8}{'comments':>10}{'tests':>8}")
    for folder, c in [*sorted(folders.items()), ("all", total)]:
        share = f"{100 * c.comments / c.product:.0f} %" if c.product else "-"
        print(f"{folder:<18}{c.product:>8}{share:>10}{c.tests:>8}")
    return 0 if folders else 1


if __name__ == "__main__":
    sys.exit(main())
