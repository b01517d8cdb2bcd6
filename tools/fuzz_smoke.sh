#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs one fuzz target over its corpus and then on new inputs for a while (docs/reliability.md F-8). New finds of coverage stay in
# the build folder; an input that crashes is written beside the target and named in the output.
#
# usage: fuzz_smoke.sh TARGET FUZZ_FOLDER SECONDS
set -euo pipefail

target=$1 fuzz_folder=$2 seconds=$3
name=$(basename "$target")
seeds=$fuzz_folder/corpus/$name
if [ -z "$(ls -A "$seeds" 2>/dev/null)" ]; then
  echo "fuzz_smoke: $name has no seeds: expected files in fuzz/corpus/$name" >&2
  exit 1
fi

grown=$(dirname "$target")/grown/$name
mkdir -p "$grown"
options=(-max_total_time="$seconds" -timeout=5 -rss_limit_mb=512 -print_final_stats=1 -verbosity=0
  -artifact_prefix="$(dirname "$target")/find-$name-")
[ -f "$fuzz_folder/$name.dict" ] && options+=(-dict="$fuzz_folder/$name.dict")
exec "$target" "${options[@]}" "$grown" "$seeds"
