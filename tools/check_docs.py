#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Checks the documents (docs/style.md 7): sections cited, links resolve, marked shell blocks run.

usage: check_docs.py [--root ROOT] [--build FOLDER]

- Every section of docs/architecture.md is cited as "architecture.md N" by a source in src/ and by a test.
- Links [text](target) between files of the repository resolve, anchors included; so do, in README.md and CONTRIBUTING.md,
  paths in back quotes that begin with a folder or file of the repository.
- With --build: each block that opens with ```sh test runs with `bash -eu` in a scratch folder where the repository's files
  are visible and build/release is FOLDER.
"""

from __future__ import annotations

import argparse
import re
import subprocess
import sys
import tempfile
from pathlib import Path

from repo_files import repo_files

# Sections that nothing implements yet, with the reason; an entry that is no longer needed is a problem.
UNCITED = {8: "Engram: no released checkpoint has it, and nothing reads its tables yet"}

CITATION = re.compile(r"architecture\.md\s+(\d+(?:(?:,\s*|\s+and\s+|\s+to\s+|-)\d+)*)")
LINK = re.compile(r"(?<!!)\[[^\]\n]+\]\(([^)\s]+)\)")
BLOCK = re.compile(r"^```sh test\n(.*?)^```$", re.MULTILINE | re.DOTALL)
FENCED = re.compile(r"^```.*?^```$", re.MULTILINE | re.DOTALL)
QUOTED = re.compile(r"`([^`\n]+)`")
BLOCK_SECONDS = 120


def cited_sections(text: str) -> set[int]:
    """The sections of architecture.md that a text cites: "architecture.md 4", "architecture.md 2, 3 and 5-7"."""
    cited: set[int] = set()
    for found in CITATION.findall(text):
        for part in re.split(r",\s*|\s+and\s+", found):
            ends = [int(number) for number in re.findall(r"\d+", part)]
            cited.update(range(ends[0], ends[-1] + 1))
    return cited


def anchors(markdown: str) -> set[str]:
    """The anchors of a document's headings, as GitHub makes them."""
    heads = re.findall(r"^#+\s+(.*?)\s*$", FENCED.sub("", markdown), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", head.lower()).replace(" ", "-") for head in heads}


def check_citations(root: Path, files: list[Path]) -> list[str]:
    """Sections of architecture.md without a source or without a test."""
    text = (root / "docs/architecture.md").read_text(encoding="utf-8")
    sections = {int(number) for number in re.findall(r"^## (\d+)\. ", text, re.MULTILINE)}
    by_source: set[int] = set()
    by_test: set[int] = set()
    for path in files:
        # tests/lint tests this file, with citations of its own.
        if path.suffix in {".h", ".cc", ".py"} and path.parts[0] in {"src", "tests"} and path.parts[1] != "lint":
            is_source = path.parts[0] == "src" and not path.name.endswith("_test.cc")
            cited = cited_sections((root / path).read_text(encoding="utf-8"))
            (by_source if is_source else by_test).update(cited)
    problems = []
    for section in sorted(sections):
        lacking = [kind for kind, cited in (("source", by_source), ("test", by_test)) if section not in cited]
        if lacking and section not in UNCITED:
            problems.append(f"docs/architecture.md: section {section} is cited by no {' and no '.join(lacking)}")
        if not lacking and section in UNCITED:
            problems.append(f"tools/check_docs.py: section {section} is cited now and needs no excuse")
    return problems + [f"{kind}s cite section {section} of docs/architecture.md, which does not exist"
                       for kind, cited in (("source", by_source), ("test", by_test))
                       for section in sorted(cited - sections)]


def check_links(root: Path, path: Path, text: str) -> list[str]:
    """Links of one document that lead nowhere."""
    problems = []
    for target in LINK.findall(FENCED.sub("", text)):
        if re.match(r"[a-z]+:", target):
            continue
        name, _, anchor = target.partition("#")
        goal = (root / path.parent / name).resolve() if name else root / path
        if not goal.exists():
            problems.append(f"{path}: link to {target}: no such file")
        elif anchor and anchor not in anchors(goal.read_text(encoding="utf-8")):
            problems.append(f"{path}: link to {target}: no such heading")
    return problems


def check_quoted_paths(root: Path, path: Path, text: str) -> list[str]:
    """Paths in back quotes whose first part is in the repository but whose rest is not."""
    problems = []
    for quoted in QUOTED.findall(FENCED.sub("", text)):
        if re.fullmatch(r"[\w.\-]+(/[\w.\-]+)*/?", quoted) and "/" in quoted:
            first = quoted.split("/")[0]
            if first != "build" and (root / first).exists() and not (root / quoted).exists():
                problems.append(f"{path}: `{quoted}`: no such file")
    return problems


def run_blocks(root: Path, path: Path, text: str, build: Path) -> tuple[int, list[str]]:
    """Runs the marked shell blocks of one document; how many ran, and what failed."""
    problems = []
    blocks = BLOCK.findall(text)
    for number, block in enumerate(blocks, 1):
        with tempfile.TemporaryDirectory() as name:
            scratch = Path(name)
            for entry in root.iterdir():
                if entry.name not in {".git", "build"}:
                    (scratch / entry.name).symlink_to(entry)
            (scratch / "build").mkdir()
            (scratch / "build/release").symlink_to(build)
            try:
                done = subprocess.run(["bash", "-eu", "-o", "pipefail", "-c", block], cwd=scratch, text=True,
                                      stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                      timeout=BLOCK_SECONDS)
                if done.returncode != 0:
                    problems.append(f"{path}: block {number}: exit status {done.returncode}:\n{block}{done.stdout}")
            except subprocess.TimeoutExpired:
                problems.append(f"{path}: block {number}: still running after {BLOCK_SECONDS} s:\n{block}")
    return len(blocks), problems


def main() -> int:
    parser = argparse.ArgumentParser()
    parser.add_argument("--root", type=Path, default=Path(__file__).resolve().parent.parent)
    parser.add_argument("--build", type=Path)
    args = parser.parse_args()
    root = args.root.resolve()
    files = repo_files(root)
    problems = check_citations(root, files)
    documents = [path for path in files if path.suffix == ".md"]
    ran = 0
    for path in documents:
        text = (root / path).read_text(encoding="utf-8")
        problems += check_links(root, path, text)
        if path.as_posix() in {"README.md", "CONTRIBUTING.md"}:
            problems += check_quoted_paths(root, path, text)
        if args.build:
            count, failed = run_blocks(root, path, text, args.build.resolve())
            ran += count
            problems += failed
    print("\n".join(problems + [f"check_docs: {len(documents)} documents, {ran} shell blocks run, "
                                f"{len(problems)} problems"]))
    return 1 if problems or not documents else 0


if __name__ == "__main__":
    sys.exit(main())
