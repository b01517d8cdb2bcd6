#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares a program's shared libraries with THIRD_PARTY.md and prints their licences (docs/reliability.md R-9).

usage: check_licences.py PROGRAM [--root ROOT]

Fails on a library, a CMake package or a Rust crate that the document does not list, and on a GPL licence without an
exception in its tables of what is in the program.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
from pathlib import Path

Row = dict[str, str]


def read_tables(markdown: str) -> dict[str, list[Row]]:
    """Heading -> rows of the table below it, each row by the names in the table's head."""
    tables: dict[str, list[Row]] = {}
    heading, head = "", []
    for line in markdown.splitlines():
        if line.startswith("## "):
            heading, head = line[3:].strip(), []
        elif line.startswith("|") and not set(line) <= set("|- "):
            cells = [cell.strip() for cell in line.strip("|").split("|")]
            if not head:
                head = cells
            else:
                tables.setdefault(heading, []).append(dict(zip(head, cells, strict=True)))
    return tables


def names(rows: list[Row], column: str) -> dict[str, Row]:
    """Name -> row, for a column that holds a list of names."""
    return {name.strip(): row for row in rows for name in row[column].split(",")}


def needed_libraries(program: Path) -> list[str]:
    """File names of all shared libraries the program loads, those of its libraries included."""
    out = subprocess.run(["ldd", str(program)], check=True, capture_output=True, text=True).stdout
    found = [line.split()[0] for line in out.splitlines() if line.strip()]
    return sorted(Path(name).name for name in found if not name.startswith("linux-vdso"))


def gpl_without_exception(licence: str) -> bool:
    return bool(re.search(r"(?<!L)GPL", licence)) and "exception" not in licence.lower()


def crate_problems(lock: str, crates: list[Row]) -> list[str]:
    """What is wrong with the table of Rust crates, given the text of Cargo.lock. The crate of this repository has no source."""
    packages = [dict(re.findall(r'^(\w+) = "(.*)"$', part, re.M)) for part in lock.split("[[package]]")[1:]]
    known = names(crates, "crates")
    problems = [f"THIRD_PARTY.md: crate {package['name']} is locked but not listed"
                for package in packages if "source" in package and package["name"] not in known]
    return problems + [f"THIRD_PARTY.md: {row['crates']}: {row['licence']} may not be in the program"
                       for row in crates if row["where"] == "in the program" and gpl_without_exception(row["licence"])]


def check(libraries: list[str], cmake: str, document: str, lock: str = "") -> list[str]:
    """What is wrong, given the library names and the texts of CMakeLists.txt, THIRD_PARTY.md and Cargo.lock."""
    tables = read_tables(document)
    program, tests = tables["In the program"], tables["In tests only"]
    listed = names(program, "shared libraries")
    problems = [f"THIRD_PARTY.md: {library} is linked but not listed" for library in libraries if library not in listed]
    packages = names(program, "CMake").keys() | names(tests, "CMake").keys()
    problems += [f"THIRD_PARTY.md: CMake package {package} is used but not listed"
                 for package in re.findall(r"find_package\((\w+)", cmake) if package not in packages]
    problems += [f"THIRD_PARTY.md: {row['Debian package']}: {row['licence']} may not be in the program"
                 for row in program if gpl_without_exception(row["licence"])]
    problems += crate_problems(lock, tables.get("Rust crates", []))
    if not problems:
        for library in libraries:
            print(f"  {library:<24}{listed[library]['licence']}")
    return problems


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("program", type=Path)
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    args = parser.parse_args()
    libraries = needed_libraries(args.program)
    problems = check(libraries, (args.root / "CMakeLists.txt").read_text(encoding="utf-8"),
                     (args.root / "THIRD_PARTY.md").read_text(encoding="utf-8"),
                     (args.root / "rust/constraint/Cargo.lock").read_text(encoding="utf-8"))
    print("\n".join(problems + [f"check_licences: {len(libraries)} libraries, {len(problems)} problems"]))
    return 1 if problems or not libraries else 0


if __name__ == "__main__":
    sys.exit(main())
