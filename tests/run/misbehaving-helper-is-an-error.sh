#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Whatever a save helper does wrong, the restore fails with a sentence, and
# nothing is left; the same image restores with a good helper afterwards.
. "${0%/*}/../lib.sh"
requires jq

fresh_host
img=$(image pvh) || exit 1
bad=$TOP/tests/bin/bad-helper.sh

# helper WAY CODES REGEX
helper()
{
    export BAD_HELPER=$1
    must_fail "$2" xensr restore --stall 2 --helper "$bad" "$img" && says "$3" &&
        host_is_clean
}

ok "a helper that dies" helper dies 1 'helper.*(killed|signal 9)'
ok "a helper that exits at once with status 0" helper exits-0 1 'helper'
ok "a helper that exits with status 7" helper exits-7 1 'helper.*7'
ok "a helper that closes its pipes and stays" helper closes-its-pipes 1 'helper'
ok "rubbish instead of messages" helper rubbish 1 'helper'
ok "a message without content" helper empty-message 1 'helper'
ok "an unknown message" helper unknown-message 1 'helper.*(63|0x3f)'
ok "a message that belongs to a save" helper save-message 1 'helper'
ok "a log message of level 10" helper bad-level 1 'helper.*(level|10)'
ok "half a message and exit" helper half-a-message-and-exit 1 'helper'
ok "results twice" helper results-twice 1 'helper.*restore_results'
ok "complete without results" helper complete-without-results 1 'restore_results|results'
ok "results, but exit without complete" helper results-without-complete 1 'complete'
ok "complete, but exit status 3" helper complete-and-status-3 1 'helper.*3'
ok "complete, then death" helper complete-and-death 1 'helper.*(killed|signal 9)'
ok "complete twice" helper complete-twice 1 'helper.*complete'
ok "success, but the image was not read" helper reads-nothing '1|3' .
ok "failure with EBADMSG is damaged input" helper fails-74 3 .
ok "failure with ENODATA is damaged input" helper fails-61 3 .
ok "failure with ENOTSUP is not supported" helper fails-95 4 .
ok "failure with EIO is a failure" helper fails-5 1 .

ok "a helper that is not there is named" must_fail 1 \
    xensr restore --helper "$T/no-such-helper" "$img"
ok "its path is in the error" says no-such-helper
ok "nothing is left" host_is_clean
echo text >"$T/not-a-program"
ok "a helper that cannot be executed" must_fail 1 \
    xensr restore --helper "$T/not-a-program" "$img"
ok "its path is in the error too" says not-a-program
ok "nothing is left of that either" host_is_clean
ok "a good helper restores the same image" xensr -q restore "$img"
done_testing
