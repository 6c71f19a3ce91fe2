#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A parent that goes away: the library still ends by itself (so that it can
# clean up), its callbacks are answered with failure, the status is 1.
. "${0%/*}/../lib.sh"
. "${0%/*}/../fake/lib.sh"

talk "static 0; ok 1 2" --on static_data_done:closein
ok "no answer any more: status 1, not a signal" told "exit 1"
ok "... and the library was told of a failure" not_told 'complete 0'

talk "log 5 -1 xc a; log 5 -1 xc b; sleep 50; log 5 -1 xc c; ok 1 2" \
    --on =a:closeout
ok "nobody reads any more: status 1, no SIGPIPE" told "exit 1"

talk "log 5 -1 xc a; static 0; checkpoint; ok 1 2" --on =a:closein,closeout
ok "both at once" told "exit 1"

talk "static 0; ok 1 2" --on complete:closein
ok "gone at the last answer" told "exit 1"

# The library hears failure from every callback, whatever "failure" means there.
exec 7>/dev/null
RESTORE=(--restore-domain 9 7 5 4 0 5 0 888 2)
for callback in checkpoint postcopy suspend wait; do
    # if it took the answer for success it would write the mark
    talk "log 5 -1 xc a; $callback; sleep 5000; ok 1 2" --fd 7 \
        --on =a:closein,closeout --limit 2500
    ok "$callback fails at once without a parent" told "exit 1"
done

# A parent that lives but does not answer the last message is not waited for
# without end; one that is slow is.
RESTORE=(--restore-domain 9 -1 5 4 0 5 0 768 0)
export XENSR_ACK_MS=300
talk "ok 1 2" --on complete:noreply --limit 5000
ok "no acknowledgement: status 1 after the limit" told "exit 1"
export XENSR_ACK_MS=4000
talk "ok 1 2" --on complete:delay=600
ok "a slow acknowledgement is good" told "complete 0 0 -> 0" "exit 0"
unset XENSR_ACK_MS

# But during a callback there is no limit (a suspend may take minutes).
talk "static 0; ok 1 2" --on static_data_done:delay=1500
ok "a slow answer is awaited" told "static_data_done 0 -> 0" "exit 0"
done_testing
