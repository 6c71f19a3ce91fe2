#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Whatever a save helper does wrong in a save, the save fails with a sentence,
# the guest runs on as before, and there is no file; a good helper saves the
# same guest afterwards.
. "${0%/*}/../lib.sh"
. "${0%/*}/../guest-lib.sh"
requires jq

fresh_host
bad=$TOP/tests/bin/bad-save-helper.sh
hvm=$(new_guest hvm) || exit 1
pv=$(new_guest pv --suspend evtchn) || exit 1

no_file() { ! find "$T" -maxdepth 1 -name 'file*' | grep .; }

# helper GUEST WAY CODES REGEX [OPTION...]
helper()
{
    local guest=$1 codes=$3 regex=$4
    export BAD_HELPER=$2
    shift 4
    must_fail "$codes" xensr save --stall 2 --helper "$bad" "$@" \
        "$guest" "$T/file" && says "$regex" && no_file &&
        unharmed_soon "$guest"
}

for guest in $hvm $pv; do
    what=HVM
    [ "$guest" = "$pv" ] && what=PV
    ok "$what: a helper that dies" helper "$guest" dies 1 'helper.*(killed|signal 9)'
    ok "$what: one that exits with status 0" helper "$guest" exits-0 1 helper
    ok "$what: one that exits with status 7" helper "$guest" exits-7 1 'helper.*7'
    ok "$what: one that dies while the guest is being suspended" \
        helper "$guest" dies-while-suspending 1 'helper.*signal 9'
    ok "$what: one that dies when the guest is suspended" \
        helper "$guest" dies-when-suspended 1 'helper.*signal 9'
    ok "$what: one that dies of SIGPIPE" \
        helper "$guest" dies-of-sigpipe 1 'the reader closed the stream'
    ok "$what: success without having the guest suspended" \
        helper "$guest" never-suspends 1 'never had the guest suspended'
    ok "$what: success without an image" \
        helper "$guest" writes-nothing 1 'wrote 0 bytes'
    ok "$what: success with a part of an image" \
        helper "$guest" writes-little 1 'wrote 100000 bytes'
    ok "$what: the guest suspended twice" helper "$guest" suspends-twice 1 'suspend a second time'
    ok "$what: a question before the answer to another" \
        helper "$guest" asks-while-asking 1 'before it has the answer'
    ok "$what: complete before an answer" \
        helper "$guest" completes-while-asking 1 'before it has the answer'
    ok "$what: another domain's log-dirty mode" \
        helper "$guest" other-domain 1 'log-dirty mode of domain 4711'
    ok "$what: static data, as in a restore" helper "$guest" restore-message 1 'helper broke the protocol'
    ok "$what: results, as in a restore" helper "$guest" results-message 1 'helper broke the protocol'
    ok "$what: a checkpoint that was not offered" \
        helper "$guest" checkpoint 1 'checkpoint, which was not offered'
    ok "$what: rubbish instead of messages" helper "$guest" rubbish 1 'helper broke the protocol'
    ok "$what: success, but exit status 3" helper "$guest" complete-and-status-3 1 'helper.*3'
    ok "$what: half a message" helper "$guest" half-a-message-and-stays 1 'middle of a message'
    ok "$what: no sign of life" helper "$guest" hangs 1 'no sign of life'
    ok "$what: none when the guest is suspended" \
        helper "$guest" hangs-when-suspended 1 'no sign of life'
    ok "$what: failure with EBADMSG is damage" helper "$guest" fails-74 3 .
    ok "$what: failure with EOPNOTSUPP is not supported" helper "$guest" fails-95 4 .
    ok "$what: failure with EPIPE is a closed stream" \
        helper "$guest" fails-late-32 1 'the reader closed the stream'
    ok "$what: failure with ENOSPC" helper "$guest" fails-late-28 1 'No space left'
    ok "$what: failure without a reason" helper "$guest" fails-0 1 'does not say why'
    ok "$what: a good helper saves the same guest" \
        xensr -q save --keep running "$guest" "$T/good"
    ok "$what: which still runs" unharmed "$guest"
done
ok "HVM: death with log-dirty mode on" \
    helper "$hvm" dies-with-log-dirty-on 1 'helper.*signal 9'
ok "PV: a device model's log-dirty mode is refused" \
    helper "$pv" dies-with-log-dirty-on 1 'helper.*signal 9'
done_testing
