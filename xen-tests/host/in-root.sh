#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Enters a root folder and runs a command there: in-root.sh mounts|nodes ROOT
# COMMAND... "mounts": in a mount namespace of its own (build.sh makes it), the
# machine's devices are bound into it; "nodes": no namespace is permitted, but
# we are root: devices are made.
set -u
how=$1 root=$2
shift 2

mkdir -p "$root"/{dev,proc}
for d in null zero random urandom; do
    if [ "$how" = mounts ]; then
        : >>"$root/dev/$d"
        mount --bind "/dev/$d" "$root/dev/$d" && continue
    elif [ -c "$root/dev/$d" ] || cp -a "/dev/$d" "$root/dev/$d"; then
        continue
    fi
    echo "in-root: /dev/$d cannot be had in $root" >&2
    exit 1
done
exec env -i PATH=/usr/sbin:/usr/bin:/sbin:/bin HOME=/root LC_ALL=C.UTF-8 \
    chroot "$root" "$@"
