#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The folder of the simulated host is on a disk that somebody else fills: no
# program crashes, domains that are there can be listed and destroyed, and a
# restore fails as on a host without memory. With room it works again.
. "${0%/*}/../lib.sh"
requires unshare

img=$(image pvh --memory 16) || exit 1
img2=$(image pvh --memory 16 --seed 8) || exit 1
small=$T/small
mkdir "$small"

# Everything happens on one small tmpfs; what it said is looked at afterwards.
cat >"$T/inside" <<'INSIDE'
mount -t tmpfs -o size=48m none "$1" || exit 77
export XENSR_SIM_DIR=$1/host XENSR_DM_DIR=$T/dm XENSR_STATE_DIR=$T/state
mkdir -p "$T/dm" "$T/state"
step() { "$@" >"$T/$name" 2>&1; echo "rc=$?" >>"$T/$name"; }
name=first step "$XENSR" --sim -q restore "$img"
dd if=/dev/zero of="$1/fill" bs=64k 2>/dev/null
name=restore-full step "$XENSR" --sim -q restore "$img2"
name=list-full step "$XENSR" --sim sim list
name=destroy-full step "$XENSR" --sim sim destroy 1
name=list-after step "$XENSR" --sim sim list
rm "$1/fill"
name=again step "$XENSR" --sim -q restore "$img"
rm -rf "$XENSR_SIM_DIR"
dd if=/dev/zero of="$1/fill" bs=64k 2>/dev/null
name=new-full step "$XENSR" --sim sim list
exit 0
INSIDE

on_small_disk()
{
    local root=-r
    [ "$(id -u)" -ne 0 ] || root=
    export img img2
    # shellcheck disable=SC2086 # nothing or one word
    unshare $root -m bash "$T/inside" "$small"
}
ended() # NAME RC
{
    grep -qx "rc=$2" "$T/$1" || {
        cat "$T/$1" >&2
        return 1
    }
}
on_small_disk 2>/dev/null
if [ $? -eq 77 ]; then
    skip "a full folder" "cannot mount a small tmpfs"
    done_testing
    exit 0
fi
ok "with room it restores" ended first 0
ok "on a full disk a restore is refused" ended restore-full 1
ok "as without memory" grep -qi 'no space\|cannot allocate memory' \
    "$T/restore-full"
ok "list works" ended list-full 0
ok "and shows what is there" grep -q '^ *1 ' "$T/list-full"
ok "destroy works" ended destroy-full 0
ok "list then" ended list-after 0
ok "with room again it restores" ended again 0
ok "no host is made on a full disk" ended new-full 1
ok "the error says so" grep -qi 'no space' "$T/new-full"
done_testing
