#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Checks of the chat page; 77 (skipped) with a message where a tool is missing.
#
# usage: run.sh types | unit | browser FILES | server PROGRAM FILES
#   types     type check of the page, its worker and the unit tests
#   unit      unit tests of the modules that need no browser
#   browser   the page in headless Chromium on the mock server; FILES: the folder the build made
#   server    the same browser on `PROGRAM serve builtin:tiny-chat`
set -euo pipefail
here=$(cd "$(dirname "$0")" && pwd)
web=${here%/tests/web}/web

skip() {
  echo "skipped: $1"
  exit 77
}
need_packages() {
  command -v node >/dev/null && command -v npm >/dev/null || skip "no node or no npm here; ./setup test installs them"
  [ -f "$web/node_modules/.installed" ] || skip "npm could not install the packages of web/package-lock.json"
}
need_browser() {
  export FATHOM_CHROMIUM=${FATHOM_CHROMIUM:-$(command -v chromium || true)}
  [ -n "$FATHOM_CHROMIUM" ] || skip "no chromium here; ./setup test installs it"
}

need_packages
case "$1" in
  types)
    for project in tsconfig.json tsconfig.worker.json tsconfig.test.json; do
      node "$web/node_modules/typescript/bin/tsc" --noEmit -p "$web/$project"
    done
    ;;
  unit) node "$here/unit_tests.mjs" ;;
  browser)
    need_browser
    FATHOM_WEB_FILES=$2 node --test "$here/page_tests.mjs"
    ;;
  server)
    need_browser
    FATHOM=$2 FATHOM_WEB_FILES=$3 node --test "$here/server_test.mjs"
    ;;
esac
