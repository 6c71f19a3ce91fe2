# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What the tests of the long suite share: what a release of Xen can do, moving a
# guest to the host where it is with a helper for each end, growth of what lives
# for long, and a word to the user now and then. Read after dom0/lib.sh by every
# long/*.sh. A test says what it needs first (needs_type, needs_tracking): where
# a release does not have it, it is skipped with the reason.

HELPERS="stock ours native"
# Long tests have guests that are busy while they are saved.
BUSY="rate=500 hot=20 zero=20"

# ---- what this release can do ------------------------------------------------

has_device_model()
{
    local f
    for f in /usr/libexec/xen-qemu-system-i386 \
        "/usr/lib/xen-$XEN_RELEASE/bin/qemu-system-i386"; do
        [ ! -x "$f" ] || return 0
    done
    return 1
}
# Xen says so itself; a hypervisor without shadow paging has no log-dirty mode
# for PV guests.
has_shadow() { xl info | grep -Eq '^virt_caps.*\<shadow\>'; }

release_has()
{
    [[ $1 != *hvm* ]] || has_device_model
}
needs_type()
{
    release_has "$1" ||
        skip_all "Debian's Xen $XEN_RELEASE has no device model for HVM guests"
}
# A live save of that type: nothing is missing for PVH and HVM guests.
has_tracking() { [[ $1 != *pv ]] || has_shadow; }
needs_tracking()
{
    has_tracking "$1" || skip_all "this Xen $XEN_RELEASE is built without" \
        "shadow paging, so there is no log-dirty mode for PV guests"
}

# ---- moving ------------------------------------------------------------------

# receiver HELPER [OPTION...]: a receiver's command, for a shell.
receiver()
{
    local helper=$STOCK_HELPER engine=''
    case $1 in
    stock) ;;
    ours) helper=$HELPER ;;
    native) helper=$HELPER engine='XENSR_ENGINE=native ' ;;
    esac
    shift
    echo "${engine}LIBXL_SAVE_HELPER=$helper xl migrate-receive $*"
}
# moves NAME FROM TO: a live migration with these helpers.
moves() { with "$2" xl migrate -s "" "$1" "env -u XENSR_ENGINE $(receiver "$3")"; }

# A guest has moved: it is another domain, has its old name and is the only one.
# The old domain goes after the sender has answered.
moved()
{
    within 60 is_moved "$@" && return
    xl list
    echo "domain $2 has not become another one"
    return 1
}
is_moved()
{
    local now
    now=$(guest_domid "$1") && [ "$now" != "$2" ] && [ "$(other_domids)" = "$now" ]
}

# moved_once TYPE [KEY=VALUE...]: a guest that has moved already. On one host both
# domains of a migration have the same /vm/UUID in xenstore, and xl removes it
# with the old one; the next time there is no such difference any more.
moved_once()
{
    local before
    # shellcheck disable=SC2086 # words
    guest_start g "$1" $BUSY "${@:2}" || return
    before=$(guest_domid g)
    guest_mark g
    moves g native native && moved g "$before" && guest_intact g
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
