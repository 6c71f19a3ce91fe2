#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make demo`: restores the bundled image of a real HVM guest on a simulated
# host of its own, shows what exists afterwards and proves that the memory is
# the image's. $1: build folder.
set -euo pipefail

O=$1
image=data/demo-hvm.save.zst
host=$O/demo-host
xensr=$O/bin/xensr

title() { printf '\n\033[1m== %s\033[0m\n' "$*"; }
show() { printf '$ %s\n' "$*"; "$@"; }
# Most of a small guest's records say only that there is no memory: one line.
fold_empty()
{
    awk '/PAGE_DATA.*\(0 with content\)/ { n++; last = $0; next }
        n { sub(/^.*record /, "", last); sub(/:.*/, "", last)
            print "       ... " n " records without content, up to " last; n = 0 }
        { print; fflush() }'
}
[ -t 1 ] || title() { printf '\n== %s\n' "$*"; }

mkdir -p "$host"
host=$(cd "$host" && pwd)
rm -rf "$host" # every demo starts on a new host

title "A guest that a real Xen 4.17 saved comes back on a simulated host"
printf '$ %s\n' "$xensr --sim=$host -v restore $image"
"$xensr" --sim="$host" -v restore "$image" 2>&1 | fold_empty

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
every record of the image
  $xensr inspect $image
what the guest and a toolstack see
  $xensr --sim=$O/demo-host sim xenstore /local/domain/$domid
destroy it, and restore it again from a pipe
  $xensr --sim=$O/demo-host sim destroy $domid
  zstdcat $image | $xensr --sim=$O/demo-host restore -
the way of one byte through the sources
  docs/walk-restore.md
EOF
