#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs the named steps, all of them even when one fails, then prints a table of them and closes with ctest's own lines: those of
# the first step that failed, otherwise those of the first step. The exit status is 1 when any step failed.
#
# usage: check_all.sh STEP...
#   release      release build with GCC, tests with label `fast` (unit, golden, isa, lint)
#   slow         the slow tests of that build: long contexts, the built-in model's skills
#   asan         Clang build with AddressSanitizer, UndefinedBehaviorSanitizer and leak check, label `fast`
#   fuzz-smoke   each fuzz target of that build over its corpus and some seconds more
#   tsan         Clang build with ThreadSanitizer, label `threads`
set -euo pipefail
cd "$(dirname "$0")/.."

logs=build/logs
mkdir -p "$logs"

# ctest's output on the screen and in the step's log; one line for each test that passed would be noise.
tests() {
  ctest --preset "$1" 2>&1 | tee -a "$logs/$step.log" | sed -u -E '/^ *Start +[0-9]+:/d; / Passed +[0-9.]+ sec$/d; /^$/d'
}

run_step() {
  case "$1" in
    release) tools/build.sh release --tests && tests fast ;;
    slow) tools/build.sh release --tests && tests slow ;;
    asan) tools/build.sh asan --tests && tests asan ;;
    fuzz-smoke) tools/build.sh asan --tests && tests fuzz-smoke ;;
    tsan) tools/build.sh tsan --tests && tests tsan ;;
    *)
      echo "check_all: unknown step $1" >&2
      return 2
      ;;
  esac
}

./setup test

table=()
first_failed=
for step in "$@"; do
  echo "== $step"
  : >"$logs/$step.log"
  started=$SECONDS
  verdict=passed
  # `if` would switch off `set -e` inside the step, so it runs in a shell of its own.
  set +e
  (set -e; run_step "$step")
  [ $? -eq 0 ] || verdict=FAILED
  set -e
  [ "$verdict" = passed ] || first_failed=${first_failed:-$step}
  counts=$(grep -hoE '[0-9]+ tests failed out of [0-9]+' "$logs/$step.log" | tail -n 1 || true)
  table+=("$(printf '%-11s %-7s %4d s  %s' "$step" "$verdict" $((SECONDS - started)) "${counts:-no tests were run}")")
done

echo
printf '%s\n' "${table[@]}"
shown=${first_failed:-$1}
echo
if ! sed -n '/tests passed, .* tests failed out of/,$p' "$logs/$shown.log" | grep .; then
  echo "check_all: $shown did not get as far as its tests" >&2
fi
[ -z "$first_failed" ]
