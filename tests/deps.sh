#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Installs the Debian packages that the build and the tests need, and nothing
# else; does nothing when they are there. Called by `make deps` (and so by
# `make demo`); with --check, --lint and --fuzz also what only `make check`, `make
# lint` and `make fuzz-quick` need, with --xen instead what boots real Xen in an
# emulator (`make xen-check`). Of what --check brings, QEMU and gdb judge what we
# say of their formats, and Python runs Xen's own tools.
# Needs root or a sudo that does not ask; otherwise it names the packages.
set -eu

pkgs="gcc libc6-dev make libxen-dev libcmocka-dev libjansson-dev libzstd-dev"
pkgs="$pkgs libxxhash-dev bash perl procps util-linux zstd jq valgrind"
if [ "${1-}" = --check ]; then
    pkgs="$pkgs python3 gdb qemu-system-x86"
elif [ "${1-}" = --lint ]; then
    pkgs="$pkgs clang-format codespell shellcheck git"
elif [ "${1-}" = --fuzz ]; then
    pkgs="$pkgs clang"
elif [ "${1-}" = --xen ]; then
    pkgs="bash qemu-system-x86 squashfs-tools cpio kmod zstd tar gzip util-linux"
    pkgs="$pkgs debian-archive-keyring"
fi

if ! command -v dpkg-query >/dev/null; then
    echo "deps: not a Debian system; needed are the equivalents of: $pkgs" >&2
    exit 0
fi
missing=
for p in $pkgs; do
    dpkg-query -W -f='${db:Status-Status}\n' "$p" 2>/dev/null |
        grep -qx installed || missing="$missing $p"
done
[ -n "$missing" ] || exit 0

if [ "$(id -u)" = 0 ]; then
    sudo=
elif sudo -n true 2>/dev/null; then
    sudo='sudo -n'
else
    echo "deps: missing packages, and neither root nor sudo to install them." >&2
    echo "deps: run as root: apt-get install -y --no-install-recommends$missing" >&2
    exit 1
fi
echo "deps: installing$missing"
install_missing()
{
    # shellcheck disable=SC2086 # lists of words
    $sudo env DEBIAN_FRONTEND=noninteractive apt-get install -y -q \
        --no-install-recommends $missing </dev/null
}
# Old package lists name files that are gone: fetch new ones, try once more.
install_missing || { $sudo apt-get update -q && install_missing; }
