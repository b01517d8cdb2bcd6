#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Proves that a machine with nothing but Debian 12, git and make can build and test fathom (docs/building.md): makes a minimal
# system with debootstrap, clones this repository's HEAD into it, and runs a command there without a terminal.
#
# usage: bare_container_test.sh [--folder DIR] [COMMAND...]      needs root and debootstrap; default command: bash .ci/run
#
# The mirror, the apt settings (proxies) and the trusted certificates are those of this machine. The folder (default: a new one
# below /var/tmp) is removed at the end unless --folder named it; a base system found in a named folder is used again.
set -euo pipefail

source_root=$(cd "$(dirname "$0")/.." && pwd)
folder=
if [ "${1:-}" = --folder ]; then
  folder=$2
  shift 2
fi
command=("$@")
[ "${#command[@]}" -gt 0 ] || command=(bash .ci/run)

if [ "$(id -u)" -ne 0 ] || ! command -v debootstrap >/dev/null; then
  echo "bare_container_test: needs root and debootstrap (apt-get install debootstrap)" >&2
  exit 1
fi

keep=yes
if [ -z "$folder" ]; then
  folder=$(mktemp -d /var/tmp/fathom-bare.XXXXXX)
  keep=no
fi
root=$folder/root

child=
cleanup() {
  # With the first process of the namespace all others in it end.
  if [ -n "$child" ] && kill -KILL "$child" 2>/dev/null; then
    wait "$child" || true
    sleep 1
  fi
  # Nothing is mounted here: that was in a namespace of its own, which is gone with its processes.
  if [ "$keep" = yes ]; then rm -rf --one-file-system "$root"; else rm -rf --one-file-system "$folder"; fi
}
trap cleanup EXIT
trap 'exit 130' INT TERM

debian_sources() { grep -lsE '^(URIs:|deb ).*/debian/? ?' /etc/apt/sources.list /etc/apt/sources.list.d/*; }
mapfile -t sources < <(debian_sources)
mirror=$(grep -ohE 'https?://[^ ]+/debian/?( |$)' "${sources[@]}" | head -n 1 | tr -d ' ')
release=bookworm

if [ ! -d "$folder/base" ]; then
  echo "bare_container_test: debootstrap $release"
  debootstrap --variant=minbase --include=git,make,ca-certificates "$release" "$folder/base.part" "$mirror" >"$folder/debootstrap.log"
  mv "$folder/base.part" "$folder/base"
fi
rm -rf "$root"
cp -a "$folder/base" "$root"
rm -f "$root/etc/apt/sources.list"
cp --parents "${sources[@]}" "$root"
cp -r /etc/apt/apt.conf.d/. "$root/etc/apt/apt.conf.d/"
cp -L /etc/resolv.conf "$root/etc/resolv.conf"
# Certificates that this machine trusts besides Debian's: npm asks for its packages over TLS.
cp -r /usr/local/share/ca-certificates/. "$root/usr/local/share/ca-certificates/"
chroot "$root" update-ca-certificates >/dev/null 2>&1
git -c safe.directory='*' clone -q --no-local "$source_root" "$root/root/fathom"

echo "bare_container_test: ${command[*]}"
status=0
# shellcheck disable=SC2016  # expanded by the inner shells
unshare --mount --pid --fork --kill-child bash -euc '
  root=$1
  shift
  mount -t proc proc "$root/proc"
  mount --rbind --make-rslave /dev "$root/dev"
  exec env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CI=true \
    chroot "$root" /bin/bash -c "cd /root/fathom && exec \"\$@\"" bash "$@"
' bash "$root" "${command[@]}" </dev/null &
child=$!
wait "$child" || status=$?
child=
echo "bare_container_test: exit status $status"
exit "$status"
