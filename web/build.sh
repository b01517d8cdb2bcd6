#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Makes the files of the chat page in OUT: the full page where npm can install the packages of package-lock.json, otherwise
# the plain one. Called by the build (web/CMakeLists.txt).
#
# usage: build.sh OUT
set -euo pipefail
web=$(cd "$(dirname "$0")" && pwd)
out=$1

# Several builds share web/node_modules; one of them installs. The stamp names the lock file that was installed.
install_packages() {
  local stamp=$web/node_modules/.installed wanted
  wanted=$(sha256sum <"$web/package-lock.json")
  mkdir -p "$web/node_modules"
  exec 9>"$web/node_modules.lock"
  flock 9
  [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ] && return 0
  (cd "$web" && timeout 180 npm ci --prefer-offline --fetch-retries=1 --fetch-timeout=30000) >"$out.npm.log" 2>&1 || return 1
  echo "$wanted" >"$stamp"
}

use_plain_page() {
  echo "web: $1; the program gets the plain chat page"
  rm -rf "$out"
  mkdir -p "$out"
  cp "$web"/plain/* "$web/icon.svg" "$out/"
}

mkdir -p "$(dirname "$out")"
if ! command -v npm >/dev/null || ! command -v node >/dev/null; then
  use_plain_page "npm is not installed"
elif ! install_packages; then
  use_plain_page "npm could not install the packages, see $out.npm.log"
else
  node "$web/bundle.mjs" "$out"
fi
