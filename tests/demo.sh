#!/bin/sh
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make demo`: restores the bundled image of a real HVM guest on a simulated
# host of its own, shows what exists afterwards and proves that the memory is
# the image's. $1: build folder.
set -eu

O=$1
image=data/demo-hvm.save.zst
host=$O/demo-host
xensr=$O/bin/xensr

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
[ -t 1 ] || title() { printf '\n== %s\n' "$*"; }

mkdir -p "$host"
host=$(cd "$host" && pwd)
rm -rf "$host" # every demo starts on a new host

title "A guest that a real Xen 4.17 saved comes back on a simulated host"
show "$xensr" --sim="$host" -v restore "$image"

title "The domain that now exists"
show "$xensr" --sim="$host" sim list
domid=$("$xensr" --sim="$host" sim list --json | jq -r '.. | .domid? // empty |
    select(. != 0)' | head -n 1)
show "$xensr" --sim="$host" sim info "$domid"

title "Is its memory what the image says? (pages that a restore rewrites apart)"
a=$host/memory-of-domain b=$host/memory-in-image
"$xensr" --sim="$host" sim memory --skip-owned "$domid" >"$a"
"$xensr" inspect --memory --skip-owned "$image" >"$b"
cmp "$a" "$b"
pages=$(($(wc -c <"$a") / 4104))
rm -f "$a" "$b"
echo "yes: $pages pages with content, all equal"

title "What to try next"
cat <<EOF
$xensr inspect $image                     every record of the image
$xensr --sim=$O/demo-host sim xenstore    what a guest and a toolstack would see
$xensr --sim=$O/demo-host sim destroy $domid       and restore again, from a pipe:
zstdcat $image | $xensr --sim=$O/demo-host restore --name again -
docs/walk-restore.md                      the way of one byte through the sources
EOF
