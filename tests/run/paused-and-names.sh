#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# --paused leaves the domain paused, --name gives it another name, and a name in
# use is refused before anything is created.
. "${0%/*}/../lib.sh"
requires jq

state() { "$SIM" info "$1" --json | jq -e -r '.state'; }
name() { "$SIM" info "$1" --json | jq -e -r '.name'; }

fresh_host
img=$(image pvh) || exit 1
ok "restores with --paused" xensr -q restore --paused --name first "$img"
a=$(domids)
ok "it is paused" [ "$(state "$a")" = paused ]
ok "it has the name that was asked for" [ "$(name "$a")" = first ]
"$SIM" xenstore >"$T/before"
ok "the name in use is refused" \
    must_fail 1 xensr restore --name first "$(image pv)"
ok "the refusal says who has it" says "first.*\b$a\b|\b$a\b.*first"
unchanged()
{
    [ "$(domids)" = "$a" ] && "$SIM" xenstore | diff "$T/before" -
}
ok "nothing has changed" unchanged
ok "the UUID in use is refused" \
    must_fail 1 xensr restore --name second "$img"
ok "the refusal says so" says "UUID.*domain $a"
ok "again nothing has changed" unchanged
ok "a second domain beside it" \
    xensr -q restore --name second "$(image pv --seed 8)"
b=$(domids | grep -vx "$a")
ok "the second one runs" [ "$(state "$b")" != paused ]
"$SIM" destroy "$a"
"$SIM" destroy "$b"
ok "both gone, nothing left" host_is_clean
done_testing
