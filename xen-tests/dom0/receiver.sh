#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The receiver of a migration that goes wrong, as the transport of `xl migrate`
# or `xensr migrate`: takes so many octets of the stream, says so by the file
# $T/stalled (the number of who hangs in it), and then hangs or dies.
#
#   receiver.sh OCTETS hang|die                 nobody is behind it
#   receiver.sh OCTETS hang|die COMMAND...      a real receiver gets the octets;
#                                               "die" is the connection's end.
#                                               When it ends so does this, as a
#                                               connection would
set -u
octets=$1 what=$2
shift 2

take()
{
    head -c "$octets"
    echo $BASHPID >"$T/stalled.new" && mv "$T/stalled.new" "$T/stalled"
    [ "$what" = die ] || exec sleep 3600
}
if [ $# -gt 0 ]; then
    exec {octets_fd}< <(take)
    taker=$!
    "$@" <&"$octets_fd"
    status=$?
    kill "$taker" 2>/dev/null
    exit "$status"
fi
printf 'xl migration receiver ready, send binary domain data.\n'
take >/dev/null
exit 3
