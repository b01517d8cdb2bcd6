#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fails when a program lacks one of the protections of docs/reliability.md R-5: position independent, read-only relocations bound
# at start, no executable stack, stack protector, no search path for libraries, no wish for another user's rights.
#
# usage: check_hardening.sh PROGRAM
set -euo pipefail

program=$1
problems=0
expect() {
  if ! grep -qE -- "$2" <<<"$3"; then
    echo "check_hardening: $program: expected $1"
    problems=$((problems + 1))
  fi
}
refuse() {
  if grep -qE -- "$2" <<<"$3"; then
    echo "check_hardening: $program: found $1"
    problems=$((problems + 1))
  fi
}

header=$(readelf -hW "$program")
segments=$(readelf -lW "$program")
dynamic=$(readelf -dW "$program")
symbols=$(readelf --dyn-syms -W "$program")

expect "a position independent executable" 'Type: +DYN' "$header"
expect "an interpreter (a program, not a library)" ' INTERP ' "$segments"
expect "read-only relocations" ' GNU_RELRO ' "$segments"
expect "binding at start" '\(FLAGS(_1)?\).*(BIND_NOW|NOW)' "$dynamic"
expect "a stack segment" ' GNU_STACK ' "$segments"
refuse "an executable stack" ' GNU_STACK .* RWE ' "$segments"
refuse "a segment that is writable and executable" ' LOAD .* RWE ' "$segments"
expect "stack protection" '__stack_chk_fail' "$symbols"
refuse "a library search path" '\((RPATH|RUNPATH)\)' "$dynamic"
refuse "a relocation in read-only code" '\(TEXTREL\)' "$dynamic"
if [ -u "$program" ] || [ -g "$program" ]; then
  echo "check_hardening: $program: found a set-user or set-group bit"
  problems=$((problems + 1))
fi
echo "check_hardening: $problems problems"
[ "$problems" -eq 0 ]
