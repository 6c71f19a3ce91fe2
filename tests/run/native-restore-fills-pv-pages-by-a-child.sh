#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Our engine in the helper fills the pages of a PV guest by a child process. The
# memory is the image's, with page tables everywhere in it; and whatever comes
# in the middle, a stop, a lost child, a lost helper, the end of the stream: the
# restore says what it was, and nothing is left.
. "${0%/*}/../lib.sh"
requires jq

export XENSR_ENGINE=native
fresh_host
img=$(image pv --memory 32) || exit 1

whole()
{
    xensr -q restore --paused "$img" &&
        memory_equals "$(domids)" "$img" && "$SIM" destroy "$(domids)" &&
        host_is_clean
}
ok "a guest comes back by it" whole
head -c $((20 << 20)) "$img" >"$T/cut"
ok "an image that ends in the middle is refused" \
    must_fail 3 xensr -q restore "$T/cut"
ok "... by its name" says 'PAGE_DATA'
ok "... and nothing is left" within 10 host_is_clean

# half: a restore that waits for the second half of its image.
half()
{
    rm -f "$T/slow"
    mkfifo "$T/slow"
    (
        exec 7>"$T/slow"
        cat "$T/cut" >&7
        exec sleep 120
    ) 2>/dev/null &
    feeder=$!
    "$XENSR" --sim="$XENSR_SIM_DIR" restore --paused - <"$T/slow" \
        >"$T/out" 2>"$T/err" &
    parent=$!
    within 20 has_child
}
has_child()
{
    helper=$(pgrep -f xensr-helper -P "$parent") || return 1
    child=$(pgrep -P "$helper") && [ -n "$child" ]
}
# stopped CODE TEXT: the restore ended so.
stopped()
{
    local code
    wait "$parent"
    code=$?
    kill "$feeder" 2>/dev/null
    [ "$code" -eq "$1" ] || { echo "status $code"; cat "$T/err"; return 1; }
    grep -q "$2" "$T/err" || { cat "$T/err"; return 1; }
}
child_is_gone() { ! kill -0 "$child" 2>/dev/null; }

ok "a helper in the middle of an image has a child" half
kill -KILL "$child"
ok "the child is killed: an error, which says so" stopped 1 'ended unexpectedly'
ok "... and nothing is left" within 10 host_is_clean

ok "again" half
kill -TERM "$helper"
ok "the helper is asked to stop: it does" stopped 1 'stopped'
ok "... its child is gone" within 10 child_is_gone
ok "... and nothing is left" within 10 host_is_clean

ok "again" half
kill -KILL "$helper"
ok "the helper is killed: an error" stopped 1 'signal 9\|killed'
ok "... its child is gone" within 10 child_is_gone
ok "... and nothing is left" within 10 host_is_clean

ok "the same image comes back afterwards" whole
done_testing
