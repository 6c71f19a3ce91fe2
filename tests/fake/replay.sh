#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Plays the helper's part of a recorded conversation ($REPLAY, written by
# xen-tests/record/capture.c): says what it said, and waits for as many octets
# as it was told before it goes on. Under fakeparent this makes a recording
# readable, message by message.
set -u
say() { printf '%b' "$(sed 's/../\\x&/g' <<<"$1")"; }
hear() { [ "$(head -c $((${#1} / 2)) | wc -c)" -eq $((${#1} / 2)) ]; }
while read -r sign what <&3; do
    case $sign in
    '<') say "$what" ;;
    '>') hear "$what" || exit 99 ;;
    exit) exit "$what" ;;
    signal) kill -"$what" $$ ;;
    esac
done 3<"$REPLAY"
