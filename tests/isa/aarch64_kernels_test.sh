#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Builds the kernels and their test for aarch64 (preset aarch64) and runs it under qemu-aarch64: tier neon against generic, except
# for the two sweeps over row counts that take the emulator minutes; `--all` runs those too.
set -euo pipefail
shopt -s inherit_errexit

cd "$(dirname "$0")/../.."
filter=-Linear.NumberOfRowsNeverShowsInARow:Linear.EveryNumberOfWeightRowsIsRight
[ "${1:-}" = --all ] && filter='*'
cmake --preset aarch64 >/dev/null
cmake --build --preset aarch64 | tail -n 20
qemu-aarch64 -L /usr/aarch64-linux-gnu build/aarch64/kernels_test --gtest_brief=1 --gtest_filter="$filter"
