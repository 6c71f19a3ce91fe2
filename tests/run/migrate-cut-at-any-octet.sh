#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The connection breaks at an octet of the handshake: there is one owner, the
# message says how to find out who, the guest is whole, and the same migration
# succeeds afterwards.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq

two_hosts pvh || exit 1

# Without changes in its memory its stream has always the same length.
xensr -q save --keep running web "$T/length.save" || exit 1
end=$(stat -c %s "$T/length.save")
rm "$T/length.save"

# breaks "CUTPIPE OPTION..." STATUSES
breaks()
{
    must_fail "$2" migrate_cut "$1" "--no-live --timeout 20" &&
        one_owner "$RC" && bring_home
}
# Messages: BANNER 0-54, READY 54-88, REPORT 88-127, CODE 127.
for n in 0 1 27 53; do
    ok "cut after octet $n of the banner" breaks "--from $n" 1
done
ok "cut behind the banner" breaks "--from 54" 1
for n in 55 70 87; do
    ok "cut after octet $((n - 54)) of READY" breaks "--from $n" 1
done
# Closed right behind READY, it may be seen before GO is written.
ok "cut behind READY" breaks "--from 88" "1|5"
for n in 89 110 126; do
    ok "cut after octet $((n - 88)) of REPORT" breaks "--from $n" 5
done
ok "cut between REPORT and its code" breaks "--from 127" 5
for n in 1 40 48 49 1000 $((end / 2)) $((end - 9)) $((end - 1)); do
    ok "cut after octet $n of the stream" breaks "--to $n" 1
done
ok "cut behind END" breaks "--to $end" "1|5"
for n in 1 20 43; do
    ok "cut after octet $n of GO" breaks "--to $((end + n))" 5
done
ok "cut behind GO" breaks "--to $((end + 44))" 5
ok "whole, there and back" again_there_and_back
done_testing
