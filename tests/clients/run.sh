#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Runs a test with the clients that people use, installed from the lock files here into FOLDER (shared by all builds); 77
# (skipped) with a message where they are not installed and the registries cannot be reached.
#
# usage: run.sh FOLDER SCRIPT        SCRIPT: *_test.py or *_test.mjs beside this file
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
folder=$1
script=$2
mkdir -p "$folder"

skip() {
  echo "skipped: $1"
  exit 77
}

# Tests run at the same time; one of them installs. The stamp names what was installed.
once() {
  local lock=$1 stamp=$2 install=$3 wanted
  wanted=$(sha256sum <"$lock")
  exec 9>"$folder/.lock"
  flock 9
  if [ "$(cat "$stamp" 2>/dev/null)" != "$wanted" ]; then
    "$install" >"$stamp.log" 2>&1 || skip "the packages of ${lock##*/} cannot be installed, see $stamp.log"
    echo "$wanted" >"$stamp"
  fi
  exec 9>&-
}

install_python() {
  python3 -m venv --clear "$folder/venv"
  timeout 400 "$folder/venv/bin/pip" install --disable-pip-version-check --retries 1 --timeout 20 --no-deps \
    -r "$here/requirements.txt"
}

install_node() {
  mkdir -p "$folder/node"
  cp "$here/package.json" "$here/package-lock.json" "$folder/node/"
  (cd "$folder/node" && timeout 180 npm ci --prefer-offline --fetch-retries=1 --fetch-timeout=20000)
}

export PYTHONPATH=$here:${here%/clients}/server PYTHONDONTWRITEBYTECODE=1
case "$script" in
  *.py)
    python3 -c 'import venv, ensurepip' 2>/dev/null || skip "Python has no venv here; ./setup test installs it"
    once "$here/requirements.txt" "$folder/python.installed" install_python
    "$folder/venv/bin/python" "$here/$script"
    ;;
  *.mjs)
    command -v npm >/dev/null && command -v node >/dev/null || skip "no node or no npm here; ./setup test installs them"
    once "$here/package-lock.json" "$folder/node.installed" install_node
    # Where a module lies decides which packages it finds.
    cp "$here/$script" "$folder/node/"
    node --test "$folder/node/$script"
    ;;
esac
