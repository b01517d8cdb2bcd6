#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fails when a C++ file of src, tests, fuzz or bench is not as clang-format-19 lays it out (style.md 11).
# `make format` repairs it.
#
# usage: check_format.sh [--fix] [ROOT]
set -euo pipefail

mode=(--dry-run -Werror)
if [ "${1:-}" = --fix ]; then
  mode=(-i)
  shift
fi
cd "${1:-$(dirname "$0")/..}"

folders=()
for folder in src tests fuzz bench; do
  [ -d "$folder" ] && folders+=("$folder")
done
mapfile -d '' files < <(find "${folders[@]}" -type f \( -name '*.h' -o -name '*.cc' \) -print0 | sort -z)
if [ "${#files[@]}" -eq 0 ]; then
  echo "check_format: no C++ files below $PWD" >&2
  exit 1
fi
printf '%s\0' "${files[@]}" | xargs -0 -P 2 -n 20 clang-format-19 "${mode[@]}"
echo "check_format: ${#files[@]} files"
