#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A save helper that misbehaves in a save as $BAD_HELPER says, for
# tests/run/misbehaving-helper-in-a-save.sh. Messages are written octet by
# octet: number and layout are those of docs/formats/helper-ipc.md.
# Arguments: --save-domain FD -1 DOMID FLAGS 136 0
fd=$2 domid=$4

le32() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/'; }
raw() { printf '%b' "$1"; }
# one write, whatever newlines are in it
at_once() { raw "$2" | dd iflag=fullblock bs="$1" count=1 2>/dev/null; }
answer() { od -An -N4 -td4 | tr -d ' \n'; }
suspend() { raw '\x02\x00\x03\x00'; answer >/dev/null; }
logdirty() { raw "\\x0a\\x00\\x07\\x00$(le32 "$domid")$(le32 "$1")"; answer >/dev/null; }
image() { head -c "$1" /dev/zero >&"$fd"; }
complete() # RESULT ERRNO
{
    raw "\\x0a\\x00\\x0a\\x00$(le32 $(($1 & 0xffffffff)))$(le32 "$2")"
    answer >/dev/null
}

case $BAD_HELPER in
dies) kill -9 $$ ;;
exits-0) exit 0 ;;
exits-7) exit 7 ;;
dies-with-log-dirty-on) logdirty 1; kill -9 $$ ;;
dies-when-suspended) suspend; image 4096; kill -9 $$ ;;
dies-while-suspending) raw '\x02\x00\x03\x00'; kill -9 $$ ;;
dies-of-sigpipe) suspend; kill -PIPE $$ ;;
never-suspends) image 20000000; complete 0 0 ;;
writes-nothing) suspend; complete 0 0 ;;
writes-little) suspend; image 100000; complete 0 0 ;;
suspends-twice) suspend; suspend; complete 0 0 ;;
asks-while-asking) at_once 16 "\\x02\\x00\\x03\\x00\\x0a\\x00\\x07\\x00$(le32 "$domid")$(le32 1)"; exec sleep 60 ;;
completes-while-asking) at_once 16 "\\x02\\x00\\x03\\x00\\x0a\\x00\\x0a\\x00$(le32 0)$(le32 0)"; exec sleep 60 ;;
other-domain) raw "\\x0a\\x00\\x07\\x00$(le32 4711)$(le32 1)"; exec sleep 60 ;;
restore-message) raw "\\x06\\x00\\x08\\x00$(le32 0)"; exec sleep 60 ;;
results-message) raw '\x12\x00\x09\x00\x00\x10\x00\x00\x00\x00\x00\x00\x01\x10\x00\x00\x00\x00\x00\x00'; exec sleep 60 ;;
checkpoint) raw '\x02\x00\x05\x00'; exec sleep 60 ;;
rubbish) suspend; head -c 80000 /dev/zero | tr '\0' '\1'; exec sleep 60 ;;
complete-and-status-3) suspend; image 20000000; complete 0 0; exit 3 ;;
complete-and-stays) suspend; image 20000000; complete 0 0; exec sleep 600 ;;
half-a-message-and-stays) suspend; raw '\x32\x00\x01\x00'; exec sleep 600 ;;
hangs) exec sleep 600 ;;
hangs-when-suspended) suspend; exec sleep 600 ;;
ignores-sigterm) suspend; trap '' TERM; exec sleep 600 ;;
fails-late-*) suspend; image 4096; complete -1 "${BAD_HELPER#fails-late-}" ;;
fails-*) complete -1 "${BAD_HELPER#fails-}" ;;
*) echo "bad-save-helper.sh: unknown way to misbehave: $BAD_HELPER" >&2; exit 99 ;;
esac
