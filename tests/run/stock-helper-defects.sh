#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What Debian's save helper does where it harms people, with the libxenguest
# that belongs to it, and what ours does in the same place. The stock column is
# an expectation, too: when it is not met any more, upstream has changed, and
# this table and docs/formats/helper-ipc.md want a look.
. "${0%/*}/../lib.sh"
requires_stock
. "${0%/*}/../bad-lib.sh"

export XENSR_STUBS_DIR=$BUILD/stubs-hybrid

# met HELPER OP MISHAP: the line of what it left.
met()
{
    xensr sim run -- "$BUILD/tests/bin/helperbox" --helper "$1" \
        --preload "$AT_CALL_SO" --mark "$T/mark" --op "$2" "$DOMID" "$3" |
        sed -n 's/^show //p' | tee "$T/met"
}
shows() # PATTERN
{
    grep -Eq -- "$1" "$T/met" && return
    echo "expected: $1"
    echo "found:    $(cat "$T/met")"
    return 1
}

on='log-dirty Xen on, device model on'
off='log-dirty Xen off, device model off'
stopped="complete -1 125; $off; .*stopped by signal"
sure='exited with status 0'

# sentence | operation | mishap | stock helper | ours
table()
{
    grep -v '^#' <<END
dies of SIGPIPE when the receiver closes the stream|live|octet:3000000:before:close-stream|signal 13.*no complete; $on|$sure.*complete -1 32; $off; .*receiver closed
dies of SIGPIPE when the parent has gone|live|message:5:before:close-all|signal 13.*no complete; .*device model on|status 1; no complete; log-dirty Xen off
leaves with an answer outstanding: SIGTERM during log-dirty|live|request:1:before:15|status 254; no complete; .*device model on|$sure.*$stopped 15
leaves with an answer outstanding: SIGTERM during suspend|live|request:2:before:15|status 254; no complete; $on|$sure.*$stopped 15
dies of SIGINT in the stream|live|octet:3000000:before:2|signal 2 .*no complete; $on|$sure.*$stopped 2
dies of SIGHUP in the stream|live|octet:3000000:before:1|signal 1 .*no complete; $on|$sure.*$stopped 1
dies of SIGINT during suspend|live|request:2:before:2|signal 2 .*no complete; $on|$sure.*$stopped 2
leaves log-dirty on at the end of its answers|live|request:2:before:close-in|status 254; no complete; $on|status 1; no complete; log-dirty Xen off
leaves log-dirty on at half an answer|live|request:2:before:half-answer|status 254; no complete; $on|status 1; no complete; log-dirty Xen off
says EBADF when it was stopped|live|octet:3000000:before:15|$sure.*complete -1 9; $off; .*Bad file descriptor|$sure.*$stopped 15
says Success when the suspend was refused|live|request:2:before:refuse|$sure.*complete -1 0; .*Save failed|$sure.*complete -1 125; $off; .*could not suspend the guest
dies of SIGTERM in a restore|restore|octet:3000000:before:15|signal 15.*no complete|$sure.*$stopped 15
dies of SIGINT in a restore|restore|octet:3000000:before:2|signal 2 .*no complete|$sure.*$stopped 2
says Success when the stream ended|restore|octet:3000000:before:close-stream|$sure.*complete -1 0; .*Success|$sure.*complete -1 61; .*end
leaves a restore with an answer outstanding|restore|request:1:before:15|signal 15.*no complete|$sure.*$stopped 15
END
}

fresh_host
DOMID=$(bad_guest hvm) || exit 1
while IFS='|' read -r sentence op mishap stock ours; do
    met "$STOCK" "$op" "$mishap" >/dev/null
    ok "the stock helper $sentence" shows "$stock" ||
        note "upstream has changed, or it is another release"
    met "$HELPER" "$op" "$mishap" >/dev/null
    ok "... and ours does not" shows "$ours"
done < <(table)
ok "the guest is as before" "$SIM" guest "$DOMID"
"$SIM" destroy "$DOMID"

# A host without log-dirty mode for PV guests, as Debian's own is.
fresh_host no-shadow
"$SIM" init --no-shadow >"$T/init"
DOMID=$(bad_guest pv) || exit 1
live_save() { xensr -q save --live --keep running --helper "$1" "$DOMID" "$T/img"; }
ok "the stock helper cannot save a running PV guest without log-dirty mode" \
    must_fail '1|4' live_save "$STOCK"
ok "... which it says" says '[Ll]ogdirty|log-dirty'
ok "... and ours saves it while it is suspended" live_save "$HELPER"
ok "the PV guest is as before" "$SIM" guest "$DOMID"
"$SIM" destroy "$DOMID"
done_testing
