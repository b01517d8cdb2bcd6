#!/usr/bin/env bash
# SPDX-License-Identifier: MIT
# Proves that a machine with nothing but Debian 12, git and make can build and test fathom (docs/building.md): makes a minimal
# system with debootstrap, clones this repository's HEAD into it, and runs a command there without a terminal.
#
# usage: bare_container_test.sh [--folder DIR] [COMMAND...]      needs root and debootstrap; default command: bash .ci/run
#
# The mirror and the apt settings (proxies) are those of this machine. The folder (default: a new one below /var/tmp) is
# removed at the end unless --folder named it; a base system found in a named folder is used again.
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

mounted() { awk -v under="$root/" 'index($2, under) == 1 {print $2}' /proc/mounts | sort -r; }
cleanup() {
  local point
  mounted | while read -r point; do umount "$point"; done
  # Never delete through a mount that would not go away.
  if [ -z "$(mounted)" ]; then
    if [ "$keep" = yes ]; then rm -rf "$root"; else rm -rf "$folder"; fi
  fi
}
trap cleanup EXIT

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
git -c safe.directory='*' clone -q --no-local "$source_root" "$root/root/fathom"

mount -t proc proc "$root/proc"
mount --rbind --make-rslave /dev "$root/dev"
echo "bare_container_test: ${command[*]}"
status=0
env -i HOME=/root PATH=/usr/sbin:/usr/bin:/sbin:/bin CI=true \
  chroot "$root" /bin/bash -c 'cd /root/fathom && exec "$@"' bash "${command[@]}" </dev/null || status=$?
echo "bare_container_test: exit status $status"
exit "$status"
