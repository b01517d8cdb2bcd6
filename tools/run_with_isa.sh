#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a program with FATHOM_ISA=TIER, or exits with 77 ("skipped" for ctest) where the CPU lacks the tier. Reads the CPU's
# abilities from the kernel, not from fathom, so a fault in our own detection cannot hide a tier.
#
# usage: run_with_isa.sh TIER PROGRAM [ARGUMENT...]
#        run_with_isa.sh --rerun TIERS TIER PROGRAM [ARGUMENT...]
#            the same, but skips the tier that is the default on this CPU, which has been run so; TIERS: all, lowest
#            first, with commas
#        run_with_isa.sh --count TIER...     prints the tiers; fails when an x86-64 CPU runs none but generic
set -euo pipefail
shopt -s inherit_errexit

cpuinfo=${FATHOM_TEST_CPUINFO:-/proc/cpuinfo}

flags_of() {
  case "$1" in
    generic) echo ;;
    avx2) echo avx2 fma f16c ;;
    avx512) echo avx512f avx512bw avx512vl avx512dq avx2 fma f16c ;;
    avx512-bf16) echo avx512f avx512bw avx512vl avx512dq avx2 fma f16c avx512vbmi avx512_vnni avx512_bf16 ;;
    amx) echo "$(flags_of avx512-bf16)" amx_tile amx_bf16 ;;
    neon) echo asimd ;;
    *)
      echo "run_with_isa: unknown tier $1" >&2
      exit 2
      ;;
  esac
}

missing_flags() {
  local have flag flags
  flags=$(flags_of "$1")
  have=" $(sed -nE 's/^(flags|Features)[[:space:]]*:[[:space:]]*//p' "$cpuinfo" | sed -n 1p) "
  for flag in $flags; do
    [[ "$have" == *" $flag "* ]] || echo "$flag"
  done
}

# Whether this CPU takes the tier by itself (docs/design.md 7): products of bfloat16 pairs are fast on AMD only.
is_default() {
  case "$1" in
    avx512-bf16) grep -q '^vendor_id.*AuthenticAMD' "$cpuinfo" ;;
    amx) false ;;
  esac
}

if [ "${1:-}" = --count ]; then
  shift
  runnable=() skipped=()
  for tier in "$@"; do
    missing=$(missing_flags "$tier")
    if [ -z "$missing" ]; then runnable+=("$tier"); else skipped+=("$tier"); fi
  done
  echo "isa: ${#runnable[@]} tiers run here: ${runnable[*]}; ${#skipped[@]} skipped: ${skipped[*]:-none}"
  if [ "$(uname -m)" = x86_64 ] && [ "${runnable[*]}" = generic ]; then
    echo "isa: no SIMD tier can run on this CPU, so none was tested" >&2
    exit 1
  fi
  exit 0
fi

highest=
if [ "${1:-}" = --rerun ]; then
  for tier in ${2//,/ }; do
    missing=$(missing_flags "$tier")
    [ -n "$missing" ] || ! is_default "$tier" || highest=$tier
  done
  shift 2
fi

tier=$1
shift
if [ "$tier" = "$highest" ]; then
  echo "skipped: $tier is the default on this CPU, so the plain run has used it"
  exit 77
fi
missing=$(missing_flags "$tier")
if [ -n "$missing" ]; then
  echo "skipped: this CPU lacks ${missing//$'\n'/ } (tier $tier)"
  exit 77
fi
FATHOM_ISA=$tier exec "$@"
