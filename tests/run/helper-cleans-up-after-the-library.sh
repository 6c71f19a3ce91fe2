#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# With a scripted library: whether the guest's writes can be tracked is tried
# before the library is called, and log-dirty mode that it leaves on after a
# failure is switched off, in Xen and in the device model.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/lib.sh"

# The library's own first line tells which flags it was called with.
called_with() { told_like "log 3 -1 \"xc\" \"dom 5, flags $1, type $2, .*"; }
tried()
{
    : >"$T/expected"
    [ $# -eq 0 ] || printf '%s\n' "$@" | sed 's/.*/log 3 -1 "xc" "log-dirty &"/' >"$T/expected"
    grep '"log-dirty ' "$T/talk" | diff "$T/expected" -
}
live() { RESTORE=(--save-domain 9 -1 5 1 136 0); talk "$@"; }

live "suspend; write 100; ok 0 0"
ok "log-dirty mode is tried: on and off" tried "on: error 0" "off: error 0"
ok "... and the save is a live one" called_with 1 0
FAKE_SHADOW=22,0,0,0 live "suspend; ok 0 0"
ok "in use by something else: off, and on again" tried "on: error 22" \
    "off: error 0" "on: error 0" "off: error 0"
ok "... is good enough" called_with 1 0
FAKE_SHADOW=22,0,22 live "suspend; ok 0 0"
ok "refused twice: at rest" called_with 0 0
ok "... with one warning" [ "$(grep -c '^log 7' "$T/talk")" = 1 ]
FAKE_SHADOW=95,22 live "suspend; ok 0 0"
ok "cannot even be switched off: at rest" called_with 0 0
FAKE_SHADOW=1,1 live "suspend; ok 0 0"
ok "no permission is no reason for a long pause" told "complete -1 1 -> 0"
ok "... the library is not called" not_told 'flags'
FAKE_SHADOW=3,3 live "suspend; ok 0 0"
ok "nor is a domain that is gone" told "complete -1 3 -> 0"
FAKE_SHADOW=0,5 live "suspend; ok 0 0"
ok "on, but not off again: an error" told_like \
    '.*not saved: log-dirty mode was switched on to try it and cannot be .*'
RESTORE=(--save-domain 9 -1 5 0 136 0)
talk "suspend; ok 0 0"
ok "a save at rest does not touch it" tried
RESTORE=(--save-domain 9 -1 5 1 184 1)
FAKE_SHADOW=95,22 talk "suspend; ok 0 0"
ok "Remus needs it" told "complete -1 95 -> 0"
ok "... which is said" told_like '.*which checkpoints need: log-dirty mode.*'

live "logdirty 1; fail 5"
ok "left on by the library: off in the device model" told \
    "switch_qemu_logdirty 5 1 -> 0" "switch_qemu_logdirty 5 0 -> 0"
ok "... and in Xen" tried "on: error 0" "off: error 0" "off: error 0"
ok "... before the report" [ "$(tail -n 2 "$T/talk" | head -n 1)" = \
    "complete -1 5 -> 0" ]
live "logdirty 1; logdirty 0; fail 5"
ok "switched off by the library: not once more" \
    [ "$(grep -c '^switch_qemu_logdirty 5 0' "$T/talk")" = 1 ]
live "logdirty 1; fail 5" --reply switch_qemu_logdirty=-1
ok "never on: nothing to switch off" not_told '^switch_qemu_logdirty 5 0'
live "logdirty 1; log 5 -1 xc go; signal 15; suspend; ok 0 0" --on =go:sig=15
ok "a stop: nobody is suspended any more" not_told '^suspend'
ok "... the device model is told" told "switch_qemu_logdirty 5 0 -> 0" \
    "complete -1 125 -> 0"
live "logdirty 1; log 5 -1 xc go; signal 15; policy 1 2 3; ok 0 0" \
    --on =go:sig=15
ok "... the policy gives up" told 'log 3 -1 "xc" "policy says -1"'

# The limits of the environment reach the library's loop.
live "policy 0 0 4096; policy 1 4096 -1; policy 1 4096 49; ok 0 0"
ok "as the library decides by itself" told 'log 3 -1 "xc" "policy says 0"' \
    'log 3 -1 "xc" "policy says 1"'
XENSR_MAX_ROUNDS=1 live "policy 0 0 4096; policy 1 4096 -1; ok 0 0"
ok "one round" told 'log 3 -1 "xc" "policy says 1"'
XENSR_ABORT_IF_BUSY=yes XENSR_MAX_ROUNDS=1 live \
    "policy 0 0 4096; policy 1 4096 -1; policy 1 4096 900; ok 0 0"
ok "a guest that is too busy is left alone" told "complete -1 16 -> 0"
ok "... with the figures" told_like \
    '.*too busy: after 1 rounds 900 pages are left .*limit is 50 pages; .*'
XENSR_MAX_ROUNDS=none live "ok 0 0"
ok "a limit that is no number is refused" told_like \
    '.*not saved: XENSR_MAX_ROUNDS is .*none.*expected is a number .*'

RESTORE=(--save-domain 9 -1 5 0 136 0)
talk "fail 32"
ok "EPIPE" told_like '.*not saved: the receiver closed the stream: .*'
talk "fail 28"
ok "ENOSPC" told_like '.*not saved: there is no space left for the image: .*'
talk "fail 0"
ok "without an errno it is no success" told "complete -1 5 -> 0"
RESTORE=(--save-domain 9 7 5 1 248 2)
exec 7</dev/null
talk "checkpoint; write 1; ok 0 0" --fd 7
ok "COLO has its back channel" called_with 1 2
talk "suspend; write 5; checkpoint; postcopy; wait; log 5 -1 xc all; fail 0" \
    --fd 7
ok "... all callbacks" told "suspend -> 1" "checkpoint -> 1" "postcopy -> 1" \
    "wait_checkpoint -> 1"
ok "... whose end is the end of the data" told "complete -1 61 -> 0"
done_testing
