#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr save` of a running guest of any type: the file is there, whole and its
# owner's alone, and the guest is destroyed, running or paused as was asked; from
# the file it comes back.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq perl

state() { sim_on a info --json "$(domains_on a)" | jq -r .state; }
mode_is() { [ "$(stat -c %a "$2")" = "$1" ] || { stat "$2"; return 1; }; }
only() # FILE: nothing else in its folder
{
    [ "$(ls -A "${1%/*}")" = "${1##*/}" ] || { ls -lA "${1%/*}"; return 1; }
}
restored()
{
    xensr -q restore "$1" && whole_on a
}
mkdir "$T/files"
img=$T/files/web.save

for type in pv pvh hvm; do
    two_hosts "$type" --memory 16 --dirty-rate 1000 || exit 1
    ok "$type: saved, live, and running" xensr -q save --live --keep running \
        web "$img"
    ok "$type: it runs on" whole_on a
    ok "$type: saved and paused" xensr -q save -p web "$img"
    ok "$type: it is paused" [ "$(state)" = paused ]
    ok "$type: unpaused" xensr -q unpause web
    ok "$type: it runs again" whole_on a
    ok "$type: saved and destroyed" xensr -q save web "$img"
    ok "$type: nothing of it is left" host_is_clean
    ok "$type: the file is its owner's alone" mode_is 600 "$img"
    ok "$type: no other file is there" only "$img"
    ok "$type: it comes back" restored "$img"
done

two_hosts pvh || exit 1
ok "saved into a pipe" bash -c '"$XENSR" --sim -q save --keep running web - |
    cat >"$1"; exit "${PIPESTATUS[0]}"' - "$img"
ok "what came out is an image" xensr inspect "$img"
ok "saved to standard output, which is a file" bash -c \
    '"$XENSR" --sim save -c web - >"$1"' - "$img"
ok "only the image is in it" xensr inspect "$img"
ok "a result in JSON" bash -c '"$XENSR" --sim -q save --json -c web "$1" \
    >"$T/json"' - "$img"
ok "it tells of the file" jq -e --arg f "$img" '.file == $f and .name == "web"
    and .stream_bytes > 4000000 and (.destroyed | not)' "$T/json"
ok "JSON and the image do not share standard output" must_fail 2 \
    xensr save --json web -

# The target may be there already, or a link to it, or a pipe.
echo old >"$T/files/old"
ln -s old "$T/files/link"
ok "saved behind a link" xensr -q save -c web "$T/files/link"
ok "the link is still one" [ -L "$T/files/link" ]
ok "the file behind it is the image" xensr inspect "$T/files/old"
mkfifo "$T/files/fifo"
cat "$T/files/fifo" >"$img" &
ok "saved into a named pipe" xensr -q save -c web "$T/files/fifo"
wait
ok "the image came through" xensr inspect "$img"

jq '.c_info.name = "other"' "$T"/host-a/dm/userdata-d.*.libxl-json \
    >"$T/c.json" || exit 1
ok "given another configuration" xensr -q save -c --config "$T/c.json" web "$img"
sim_on a destroy "$(domains_on a)"
ok "it comes back with that" xensr -q restore "$img"
ok "under the other name" [ -n "$(named_on a other)" ]

# Progress counts the guest's own pages, wherever its numbers lie.
two_hosts pvh --memory 32 || exit 1
slowly() { perl -e 'while ($n = sysread(STDIN, $b, 1 << 18)) {
    select(undef, undef, undef, 0.1 * $n / (1 << 20)) }'; }
"$XENSR" --sim save -c web - 2>"$T/err" | slowly
ok "progress in plain lines, with percent, rate and time left" \
    says '^xensr: Frames.*: +[3-9][0-9] %, [0-9]+ MiB/s, [0-9]+ s left$'
"$XENSR" --sim -q save -c web - 2>"$T/err" | slowly
ok "nothing of it with -q" [ ! -s "$T/err" ]
done_testing
