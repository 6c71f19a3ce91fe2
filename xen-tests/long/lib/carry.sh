# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Images that travel from one release of Xen to the next: each boot leaves its
# own in the folder that all boots see (41-carried-out.sh) and reads what older
# releases left there (40-carried-in.sh). Names are RELEASE,TYPE,WRITER.save.zst.
# Xen promises this way only; an older one is not asked to read a newer image.

CARRY=${CARRY:-$SHARE/carry}

# older A B: is release A older than B?
older()
{
    [ "$1" != "$2" ] &&
        [ "$(printf '%s\n' "$1" "$2" | sort -V | head -n 1)" = "$1" ]
}
# carried: names of the images of older releases, without the ending.
carried()
{
    local f
    for f in "$CARRY"/*,*.save.zst; do
        f=${f##*/} f=${f%.save.zst}
        [ -e "$CARRY/$f.save.zst" ] && older "${f%%,*}" "$XEN_RELEASE" && echo "$f"
    done | sort -V
}

# leave TYPE WRITER: an image of a fresh guest for the releases to come. It is
# whole before it has its name.
leave()
{
    local name=$XEN_RELEASE,$1,$2
    rm -f "$CARRY/$name.save.zst"
    # shellcheck disable=SC2086 # words
    [[ $1 == linux-* ]] && guest_start g "$1" || guest_start g "$1" $BUSY || return
    with "$2" xl save g "$T/g.save" || { guest_stop g; return 1; }
    zstd -q -c "$T/g.save" >"$CARRY/$name.part" || return
    rm "$T/g.save"
    mv "$CARRY/$name.part" "$CARRY/$name.save.zst"
}

# arrive NAME READER: it is restored and says that it is intact.
arrive()
{
    ok "$1 is restored by $2" with "$2" xl restore "$T/g.save" &&
        ok "  and the guest is intact" guest_intact g
    guest_gone g || guest_stop g
}
# arrives NAME: for every reader.
arrives()
{
    local type=${1#*,} reader
    type=${type%,*}
    if ! release_has "$type"; then
        skip "$1" "no device model for HVM guests here"
        return
    fi
    zstd -q -d -f -o "$T/g.save" "$CARRY/$1.save.zst" || { fail "$1 is there"; return; }
    ok "$1: xensr check finds nothing wrong" "$XENSR" check "$T/g.save"
    echo "$type" >"$T/g.type"
    for reader in $HELPERS; do
        guest_mark g
        arrive "$1" "$reader"
    done
    ok "  the host is as before" host_same
    tell "$1: done"
}
