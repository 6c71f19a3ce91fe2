# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of the long suite share: growth of what lives for long, and a
# word to the user now and then. Read after dom0/lib.sh by every long/*.sh;
# dom0/move.sh, which moves guests, is read from here.

. "$XEN_TESTS/dom0/move.sh"

# Long tests have guests that are busy while they are saved.
BUSY="rate=500 hot=20 zero=20"

# ---- where it runs ------------------------------------------------------------

# runs_on RELEASE WHY: what takes a quarter of an hour and is no other elsewhere
# runs on one release, unless the test was given an argument.
runs_on()
{
    [ "$XEN_RELEASE" = "$1" ] || skip_all "it runs on Xen $1, $2"
}

# ---- growth ------------------------------------------------------------------

descriptors() # PROGRAM
{
    local p n=0
    for p in $(pidof "$1"); do
        n=$((n + $(find "/proc/$p/fd" -mindepth 1 | wc -l)))
    done
    echo "$n"
}
shared_memory() { df --output=used /dev/shm /run | awk 'NR > 1 { n += $1 } END { print n }'; }
growth_look()
{
    echo "xenstored's descriptors: $(descriptors xenstored)"
    echo "xenconsoled's descriptors: $(descriptors xenconsoled)"
    echo "xenstore's nodes: $(xenstore-ls -f / | wc -l)"
    echo "processes: $(host_look "$T/look" && wc -l <"$T/look/processes")"
    echo "files in the toolstack's folders: $(find /var/lib/xen /run/xen \
        /run/xensr -type f 2>/dev/null | wc -l)"
}
growth_before() { growth_look >"$T/growth.before"; }
no_growth_now()
{
    growth_look >"$T/growth.now"
    cmp -s "$T/growth.before" "$T/growth.now"
}
no_growth()
{
    within 30 no_growth_now && return
    diff -U0 "$T/growth.before" "$T/growth.now" | sed 1,3d
    return 1
}

# ---- progress ----------------------------------------------------------------

# tell WORDS: to whoever waits for the suite (host/watch.sh shows it).
tell()
{
    note "$*"
    [ ! -w "$SHARE/progress" ] ||
        echo "        $NAME: $* (${SECONDS} s)" >>"$SHARE/progress"
}
