#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# rename, unpause, resume, by number or name: what a message tells an operator to
# type does what it says, and refuses what would be wrong.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq

two_hosts pvh || exit 1
d=$(domains_on a)
other=$(sim_on a create --type pvh --memory 4 --name db --paused)
state() { sim_on a info --json "$1" | jq -r .state; }

ok "renamed by its number" xensr -q rename "$d" www
ok "it has the name" [ "$(named_on a www)" = "$d" ]
ok "renamed by its name" xensr -q rename www web
ok "it has its name again" [ "$(named_on a web)" = "$d" ]
ok "under its UUID too" bash -c '"$SIM" xenstore | grep -E "^/vm/.*/name = \"web\""'
ok "to the name that it has" xensr -q rename web web
ok "a name in use" must_fail 1 xensr rename web db
ok "it says by whom" says "in use by domain $other"
for name in "" "a b" "a/b" 12 $'a\nb'; do
    ok "no name for a domain: $(printf %q "$name")" \
        must_fail 2 xensr rename web "$name"
done
ok "no such domain" must_fail 1 xensr rename nobody web
ok "no such number" must_fail 1 xensr rename 999 some
ok "all is as it was" [ "$(named_on a web)" = "$d" ]

ok "a paused one" [ "$(state "$other")" = paused ]
ok "is unpaused by its name" xensr -q unpause db
ok "and runs" [ "$(state "$other")" = running ]
ok "unpausing what is not there" must_fail 1 xensr unpause 999
ok "a running one is not resumed" must_fail 1 xensr resume web
ok "it says why" says 'not suspended'
ok "it runs on" [ "$(state "$d")" = running ]

# A sender that was killed leaves a suspended guest.
sim_on a destroy "$other"
{ "$XENSR" --sim -q save web - & echo $! >"$T/pid"; wait; } \
    2>/dev/null | { head -c 100000 >/dev/null; kill -9 "$(cat "$T/pid")"; }
within 10 no_operations
ok "a suspended one is not unpaused" must_fail 1 xensr unpause web
ok "it says what to do instead" says 'xensr resume'
ok "it is resumed" xensr -q resume web
ok "it runs and is whole" whole_on a

# A bare domain keeps its configuration up to date for the next save.
ok "saved" xensr -q save web "$T/web.save"
ok "restored" xensr -q restore "$T/web.save"
ok "renamed" xensr -q rename web www
ok "saved again" xensr -q save www "$T/www.save"
ok "restored again" xensr -q restore "$T/www.save"
ok "it has kept its name" [ -n "$(named_on a www)" ]
done_testing
