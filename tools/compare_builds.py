#!/usr/bin/env python3
# SPDX-License-Identifier: MIT
"""Compares the speed of two builds of fathom: OLD NEW [-- BENCH ARGUMENTS].

Runs `BINARY bench BENCH ARGUMENTS --json` of both in turn, A B B A A B B A ..., and prints for every figure the median
of the pairwise ratios and their range, above 1 when NEW is faster (docs/performance.md 4). Ends with 1 when a figure
has become slower: its median ratio is below 1 - allowed and all pairs but one at most say slower.
"""
import argparse
import json
import statistics
import subprocess
import sys

LEAST_PAIRS = 7
# Units of what takes longer when it is worse.
TIME_UNITS = {"ms", "us", "s"}
# Units of what is faster when it is more; figures of other units are not about speed.
RATE_UNITS = {"tok/s"}


def speeds(json_lines):
    """Name to speed, more is better, of the figures that measure the program."""
    found = {}
    for line in json_lines.splitlines():
        figure = json.loads(line)
        name, value, unit = figure["name"], figure["value"], figure["unit"]
        if name.startswith("limit") or not value:
            continue
        if unit in RATE_UNITS:
            found[name] = value
        elif unit in TIME_UNITS:
            found[name] = 1.0 / value
    return found


def order(pairs):
    """Which build runs when, old 0 and new 1: old new, new old, old new, ..."""
    return [build for pair in range(pairs) for build in ((0, 1) if pair % 2 == 0 else (1, 0))]


def verdict(ratios, allowed):
    """"slower", "faster" or "equal" for ratios new / old of one figure."""
    middle = statistics.median(ratios)
    if middle < 1.0 - allowed and sum(r >= 1.0 for r in ratios) <= 1:
        return "slower"
    if middle > 1.0 + allowed and sum(r <= 1.0 for r in ratios) <= 1:
        return "faster"
    return "equal"


def report(pairs, allowed):
    """Lines of text and whether a figure is slower, of pairs (old, new) of what speeds() returns."""
    names = [name for name in pairs[0][0] if all(name in side for pair in pairs for side in pair)]
    lines, worse = [], False
    for name in names:
        ratios = sorted(new[name] / old[name] for old, new in pairs)
        word = verdict(ratios, allowed)
        worse = worse or word == "slower"
        lines.append(f"{name:28} {statistics.median(ratios):6.3f}  {ratios[0]:.3f}..{ratios[-1]:.3f}  {word}")
    return lines, worse


def run(binary, arguments):
    done = subprocess.run([binary, "bench", *arguments, "--json"], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        sys.exit(f"compare_builds: {binary}: {done.stderr.strip()}")
    return speeds(done.stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--pairs", type=int, default=LEAST_PAIRS)
    parser.add_argument("--allowed", type=float, default=0.03, help="median loss that is not called slower")
    parser.add_argument("bench", nargs="*", help="arguments of `fathom bench`, after --")
    options = parser.parse_args()
    if options.pairs < LEAST_PAIRS:
        parser.error(f"--pairs: expected at least {LEAST_PAIRS}, found {options.pairs}")
    runs = []
    for build in order(options.pairs):
        runs.append((build, run((options.old, options.new)[build], options.bench)))
    pairs = []
    for first, second in zip(runs[::2], runs[1::2]):
        old, new = (first, second) if first[0] == 0 else (second, first)
        pairs.append((old[1], new[1]))
    lines, worse = report(pairs, options.allowed)
    print("figure                       new/old  range         verdict")
    print("\n".join(lines))
    return 1 if worse or not lines else 0


if __name__ == "__main__":
    sys.exit(main())
