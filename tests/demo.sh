#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `make demo`: restores the bundled image of a real HVM guest on a simulated
# host of its own, shows what exists afterwards and proves that the memory is
# the image's; then a simulated guest that writes all the time is saved and
# migrates to a second host, and says itself whether it is still what it was.
# $1: build folder.
set -euo pipefail

O=$1
image=data/demo-hvm.save.zst
host=$O/demo-host
other=$O/demo-host-2
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
other=$(dirname "$host")/${other##*/}
rm -rf "$host" "$other" # every demo starts on new hosts

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

title "A guest that writes 2000 pages a second: saved while it runs"
show "$xensr" --sim="$host" sim create --type pvh --name web --memory 64 \
    --dirty-rate 2000
show "$xensr" --sim="$host" -q save --live --keep running web "$host/web.save"
show "$xensr" inspect "$host/web.save" | sed -n '1,4p'

title "The same guest moves to a second host while it runs"
printf '$ %s\n' "$xensr --sim=$host migrate web -- $xensr --sim=$other migrate-receive"
"$xensr" --sim="$host" -q migrate --json web -- \
    "$xensr" --sim="$other" -q migrate-receive >"$host/result"
jq -r '"\(.pages_sent) pages sent for \(.memory_pages), in \(.rounds) rounds while it ran; " +
    "\(.seconds * 1000 | floor) ms in all, the guest stood still for " +
    "\(.pause_ms) ms"' "$host/result"
show "$xensr" --sim="$other" sim list
domid2=$("$xensr" --sim="$other" sim list --json | jq -r '.. | .domid? // empty |
    select(. != 0)')
echo "what the guest says of itself (every page against what it has written):"
show "$xensr" --sim="$other" sim guest "$domid2"

title "What to try next"
cat <<EOF
every record of the image
  $xensr inspect $image
what the guest and a toolstack see
  $xensr --sim=$O/demo-host sim xenstore /local/domain/$domid
destroy it, and restore it again from a pipe
  $xensr --sim=$O/demo-host sim destroy $domid
  zstdcat $image | $xensr --sim=$O/demo-host restore -
the guest that has moved comes back from the file (its copy there may not run)
  $xensr --sim=$O/demo-host restore $O/demo-host/web.save
an installed xl with this save helper
  INSTALL
the way of one byte through the sources
  docs/walk-restore.md, docs/walk-save.md
EOF
