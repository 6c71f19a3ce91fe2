#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What keeps a migration from beginning or from being accepted: a transport that
# is not there, answers with something else, or fails; a name in use at the
# receiver; a guest that does not suspend. The message names the cause, the guest
# runs on, and the same migration succeeds without the cause.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq perl

two_hosts pvh --dirty-rate 500 || exit 1
mapfile -t to < <(receiver)

refused() # REGEX OPTIONS TRANSPORT...
{
    local words=$1 options=$2
    shift 2
    must_fail 1 migrate_by "$options" "$@" && says "$words" &&
        whole_on a && empty_on b
}
ok "no such transport" refused 'cannot start the transport.*[Nn]o such file' \
    "" "$T/none"
ok "a transport that ends at once" refused \
    'closed the connection instead of sending its banner.*exited with status 7' \
    "" sh -c 'exit 7'
ok "its last words are in the message" refused 'last words: "no route to host"' \
    "" sh -c 'echo no route to host >&2; exit 255'
ok "a login script that prints" refused 'sent "Welcome to b.*login script' \
    "" sh -c 'echo "Welcome to b"; exec "$@"' - "${to[@]}"
ok "a killed transport" refused 'killed by signal 9' \
    "" sh -c 'kill -9 $$'
ok "a receiver that never speaks" refused 'did not answer within 1 s' \
    "--timeout 1" sleep 2
ok "one that ignores the end of its input is ended" refused \
    'did not end by itself' "--timeout 1" perl -e '$SIG{TERM} = "IGNORE"; $| = 1;
        print "no\n"; sleep 60'
ok "a receiver's own failure" refused \
    'instead of sending its READY|closed' \
    "" env XENSR_HELPER=/bin/false "${to[@]}"

# The name, or the one that it gets while it arrives, is in use there.
for name in web web--incoming; do
    d=$(sim_on b create --type pvh --memory 4 --name $name)
    must_fail 1 migrate_by "" "${to[@]}"
    ok "$name is in use at the receiver: said there" \
        says "name \"$name\" is in use"
    ok "$name: the guest runs on" whole_on a
    sim_on b destroy "$d"
    ok "$name: the receiver has nothing of it" empty_on b
done

ok "no such domain" must_fail 1 "$XENSR" --sim="$T/host-a" migrate nobody -- \
    "${to[@]}"
ok "it is named" says 'no domain called "nobody"'
ok "without a transport" must_fail 2 "$XENSR" --sim="$T/host-a" migrate web
ok "the usage tells of one" says 'ssh HOST'
ok "an unknown option" must_fail 2 "$XENSR" --sim="$T/host-a" migrate --fast \
    web -- "${to[@]}"
ok "a receiver of Remus" must_fail 4 bash -c \
    '"$@" -r </dev/null | cat; exit "${PIPESTATUS[0]}"' - "${to[@]}"
ok "a receiver without a sender" must_fail 3 bash -c \
    '"$@" -e -d -t -T </dev/null | cat; exit "${PIPESTATUS[0]}"' - "${to[@]}"
ok "nothing of all this is left" empty_on b
ok "whole, there and back" again_there_and_back

two_hosts pvh --no-suspend || exit 1
ok "a guest that does not suspend" must_fail 1 migrate_by \
    "--suspend-timeout 1" "${to[@]}"
ok "the message says so" says 'suspend'
ok "it runs on" whole_on a
ok "the receiver has nothing" empty_on b
done_testing
