#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A save helper that misbehaves as $BAD_HELPER says, for
# tests/run/misbehaving-helper-*.sh. Messages are written octet by octet: number
# and layout are those of docs/formats/helper-ipc.md.

le32() { printf '%08x' "$1" | sed 's/\(..\)\(..\)\(..\)\(..\)/\\x\4\\x\3\\x\2\\x\1/'; }
raw() { printf '%b' "$1"; }
ack() { head -c 4 >/dev/null; }
static_data_done() { raw '\x06\x00\x08\x00\x00\x00\x00\x00'; ack; }
restore_results()
{
    raw '\x12\x00\x09\x00\x00\x10\x00\x00\x00\x00\x00\x00\x01\x10\x00\x00\x00\x00\x00\x00'
}
complete() # RESULT ERRNO
{
    raw "\\x0a\\x00\\x0a\\x00$(le32 $(($1 & 0xffffffff)))$(le32 "$2")"
    ack
}

case $BAD_HELPER in
dies) kill -9 $$ ;;
exits-0) exit 0 ;;
exits-7) exit 7 ;;
closes-its-pipes) exec >&- <&-; exec sleep 60 ;;
rubbish) head -c 65536 /dev/zero | tr '\0' '\377'; exec sleep 60 ;;
empty-message) raw '\x00\x00'; exec sleep 60 ;;
unknown-message) raw '\x02\x00\x3f\x00'; exec sleep 60 ;;
save-message) raw '\x02\x00\x03\x00'; exec sleep 60 ;;
bad-level) raw '\x14\x00\x01\x00\x0a\x00\x00\x00\xff\xff\xff\xff\x01\x00\x00\x00\x00\x01\x00\x00\x00\x00'; exec sleep 60 ;;
half-a-message-and-exit) raw '\x32\x00\x01\x00'; exit 0 ;;
half-a-message-and-stays) raw '\x32\x00\x01\x00'; exec sleep 600 ;;
results-twice) static_data_done; restore_results; restore_results; complete 0 0 ;;
complete-without-results) static_data_done; complete 0 0 ;;
results-without-complete) static_data_done; restore_results; exit 0 ;;
complete-and-status-3) static_data_done; restore_results; complete 0 0; exit 3 ;;
complete-and-death)
    static_data_done
    restore_results
    complete 0 0
    kill -9 $$
    ;;
complete-and-stays)
    static_data_done
    restore_results
    complete 0 0
    exec sleep 600
    ;;
complete-twice) static_data_done; restore_results; complete 0 0; complete 0 0 ;;
reads-nothing) static_data_done; restore_results; complete 0 0 ;;
fails-*)
    static_data_done
    raw '\x12\x00\x09\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00\x00'
    complete -1 "${BAD_HELPER#fails-}"
    ;;
hangs) exec sleep 600 ;;
ignores-sigterm)
    trap '' TERM # an ignored signal stays ignored
    exec sleep 600
    ;;
*) echo "bad-helper.sh: unknown way to misbehave: $BAD_HELPER" >&2; exit 99 ;;
esac
