#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Whoever reads what a restore says may go away, be full or never have been
# there: the restore is completed or undone, never left in the middle, and its
# exit code tells whether its result arrived.
. "${0%/*}/../lib.sh"
requires jq

fresh_host
img=$(image hvm) || exit 1
head -c $(($(stat -c %s "$img") - 20)) "$img" >"$T/cut"

# Standard error is a pipe whose reader has gone already.
to_nobody() # STATUS ARGUMENT...
{
    local want=$1 rc
    shift
    mkfifo "$T/pipe"
    # opening it for reading too does not wait for another side
    exec 8<>"$T/pipe"
    exec 9>"$T/pipe" 8<&-
    rc=0
    "$XENSR" --sim "$@" >"$T/out" 2>&9 9>&- || rc=$?
    exec 9>&-
    rm -f "$T/pipe"
    [ "$rc" -eq "$want" ] || { echo "status $rc, expected $want"; return 1; }
}
whole()
{
    memory_equals "$(domids)" "$img" && xensr destroy "$(domids)" &&
        "$SIM" xenstore >/dev/null
}
ok "a restore is completed though nobody reads its lines" \
    to_nobody 0 -v restore "$img"
ok "the domain is whole" whole
fresh_host
ok "a damaged image is refused though nobody reads why" \
    to_nobody 3 -v restore "$T/cut"
ok "nothing is left" host_is_clean

with_output() # FILE ARGUMENT...
{
    local file=$1
    shift
    "$XENSR" --sim "$@" >"$file"
}
for form in --json --paused; do
    ok "$form: a result that does not arrive is not success" \
        must_fail 5 with_output /dev/full restore $form "$img"
    ok "it says that the domain is there" \
        says "domain [0-9]+ .* is restored.*cannot be written"
    ok "and it is" whole
done
ok "a help text that does not arrive is not success" \
    must_fail 1 with_output /dev/full --help

closed() { "$XENSR" --sim "$@" <&- >&- 2>&-; }
ok "works without any standard descriptor" closed restore "$img"
ok "and the domain is whole" whole
fresh_host
ok "an error that is no UTF-8 is still JSON" \
    must_fail 1 xensr restore --json --helper "$T/"$'no\xff' "$img"
message() { jq -e '.error.code == 1 and (.error.message | length > 0)' "$T/out"; }
ok "with code and message" message
ok "nothing is left at the end" host_is_clean
done_testing
