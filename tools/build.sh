#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Configures a preset where that is still to be done and builds it with a one-line display; compiler messages are shown, the rest
# goes to build/PRESET/build.log.
#
# usage: build.sh PRESET [--tests] [TARGET...]
#   --tests   with the test binaries (needs GoogleTest); without it a first configuration leaves them out, so that the program
#             alone can be built where there is no GoogleTest
set -euo pipefail
cd "$(dirname "$0")/.."

preset=$1
shift
folder=build/$preset
log=$folder/build.log
mkdir -p "$folder"

configure=()
if [ "${1:-}" = --tests ]; then
  shift
  grep -qs '^FATHOM_BUILD_TESTS:BOOL=ON$' "$folder/CMakeCache.txt" || configure=(-DFATHOM_BUILD_TESTS=ON)
elif [ ! -f "$folder/CMakeCache.txt" ]; then
  configure=(-DFATHOM_BUILD_TESTS=OFF)
fi
if [ "${#configure[@]}" -gt 0 ] || [ ! -f "$folder/build.ninja" ]; then
  if ! cmake --preset "$preset" "${configure[@]}" >"$log" 2>&1; then
    cat "$log" >&2
    echo "build: cmake --preset $preset failed; ./setup installs what is missing" >&2
    exit 1
  fi
fi

# Reads ninja's lines: `[12/80] ...` becomes a display that stays on one line (only on a terminal), the rest passes.
show() {
  local line last=
  while IFS= read -r line; do
    printf '%s\n' "$line" >>"$log"
    if [[ "$line" =~ ^\[([0-9]+)/([0-9]+)\]\ (Building|Linking|Generating|Creating) ]]; then
      last=$line
      [ -t 1 ] && printf '\r\033[Kbuilding %s: %s of %s' "$preset" "${BASH_REMATCH[1]}" "${BASH_REMATCH[2]}"
    elif [[ ! "$line" =~ ^\[|^ninja:\ (no\ work|build\ stopped)|^--\  ]]; then
      [ -n "$last" ] && [ -t 1 ] && printf '\r\033[K'
      last=
      printf '%s\n' "$line"
    fi
  done
  [ -n "$last" ] && [ -t 1 ] && printf '\r\033[K'
  return 0
}

started=$SECONDS
if ! cmake --build --preset "$preset" ${1:+--target "$@"} 2>&1 | show; then
  echo "build: $preset failed; everything ninja said is in $log" >&2
  exit 1
fi
if [ $((SECONDS - started)) -ge 2 ]; then echo "built $preset in $((SECONDS - started)) s"; fi
