#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Fails when an object file built with instruction set flags holds a weak function (docs/design.md 7): the linker keeps one copy
# of a weak function for the whole program, and the copy it keeps may be the one that this CPU cannot run.
#
# usage: check_kernel_objects.sh OBJECT...
set -euo pipefail

if [ $# -eq 0 ]; then
  echo "check_kernel_objects: expected object files, found none" >&2
  exit 2
fi

weak=0
for object in "$@"; do
  symbols=$(nm --defined-only --demangle "$object")
  # W: weak function; V: weak object, u: unique global (both come from templates and inline variables).
  if found=$(grep -E ' [WwVu] ' <<<"$symbols"); then
    echo "$object:"
    echo "$found"
    weak=1
  fi
done
echo "check_kernel_objects: $# objects, $([ "$weak" -eq 0 ] && echo none with || echo FOUND) weak symbols"
exit "$weak"
