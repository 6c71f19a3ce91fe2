# shellcheck shell=bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Every save helper's image under every save helper: writer and reader are each
# of the stock one, ours with the host's libxenguest, and ours with its own
# engine, with the stock `xl` above them. Read by the tests of one type of guest
# each, after lib.sh. One save for each writer, three restores of it; the guest
# that the last one made is what the next writer saves.

# restores READER WRITER: the image that WRITER left.
restores()
{
    guest_mark g
    ok "$1 restores what $2 saved" with "$1" xl restore "$T/g.save" &&
        ok "  and the guest is intact" guest_intact g &&
        ok "  and the host is as before" host_same
}

# Ours, and Xen's own judge of images, in Python.
verifier=/usr/lib/xen-$XEN_RELEASE/bin/verify-stream-v2
verifies()
{
    PYTHONPATH=/usr/lib/xen-$XEN_RELEASE/lib/python "$verifier" "$@"
}
judged()
{
    ok "  xensr check finds nothing wrong" "$XENSR" check "$T/g.save"
    if verifies --help >/dev/null 2>&1; then
        ok "  verify-stream-v2 accepts it" verifies -f xl -i "$T/g.save"
    else
        skip "  verify-stream-v2 accepts it" "it does not start here"
    fi
}

# matrix TYPE [KEY=VALUE...]
matrix()
{
    local writer reader
    guest_start g "$@" || { fail "a guest of type $1 starts"; return; }
    ok "the host is looked at" host_before
    for writer in $HELPERS; do
        ok "$writer saves" with "$writer" xl save g "$T/g.save" || return
        judged
        for reader in $HELPERS; do
            guest_gone g || guest_stop g
            restores "$reader" "$writer" || return
        done
    done
}
