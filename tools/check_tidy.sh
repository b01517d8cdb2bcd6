#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs clang-tidy-19 with .clang-tidy over product sources: those that differ from a base revision, or all of them.
#
# usage: check_tidy.sh [--all | BASE]      needs build/release configured; BASE: origin/main where there is one, else HEAD~1
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "${1:-}" = --all ]; then
  mapfile -t files < <(git ls-files 'src/*.cc' ':!*_test.cc' ':!src/text/unicode_tables.cc')
else
  base=${1:-$(git rev-parse -q --verify origin/main || git rev-parse -q --verify HEAD~1)}
  mapfile -t files < <(git diff --name-only --diff-filter=d "$base" -- 'src/*.cc' ':!*_test.cc' ':!src/text/unicode_tables.cc')
fi
if [ "${#files[@]}" -gt 0 ]; then
  printf '%s\0' "${files[@]}" | xargs -0 -P 2 -n 1 clang-tidy-19 -p build/release --quiet 2>/dev/null
fi
echo "check_tidy: ${#files[@]} files"
