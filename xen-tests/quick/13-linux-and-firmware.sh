#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Guests of other people's making through `xl save` and `xl restore`: Linux as
# PV and PVH guest, and a firmware that knows nothing of Xen beside a real device
# model. What we write the stock helper reads, and back. (Linux as HVM guest takes
# its time to boot: long/12.)
. "${0%/*}/../dom0/lib.sh"

# crosses WRITER READER
crosses()
{
    guest_mark g
    ok "  $1 saves" with "$1" xl save g "$T/g.save" &&
        ok "  xensr check finds nothing wrong" "$XENSR" check "$T/g.save" &&
        ok "  $2 restores" with "$2" xl restore "$T/g.save" &&
        ok "  it goes on" guest_intact g &&
        ok "  the host is as before" host_same
}
# travels TYPE WRITER...: ours by engine; the stock helper is the other end.
travels()
{
    release_has "$1" || { skip "$1 travels" "no device model here"; return; }
    ok "$1 starts" guest_start g "$1" || return
    host_before
    crosses "$2" stock && crosses stock "$3"
    guest_stop g
}
travels linux-pv native ours
travels linux-pvh ours native
travels hvm-bios ours native
done_testing
