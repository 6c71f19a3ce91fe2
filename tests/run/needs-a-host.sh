#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Without a hypervisor and without --sim the error says so and names --sim; a
# wrong command line is a usage error.
. "${0%/*}/../lib.sh"

img=$(image pvh) || exit 1
if [ -e /proc/xen/privcmd ] || [ -e /dev/xen/privcmd ]; then
    skip "no hypervisor: the error names --sim" "this machine runs Xen"
else
    ok "no hypervisor: the restore fails" must_fail 1 "$XENSR" restore "$img"
    ok "no hypervisor: the error names --sim" says '--sim'
fi
ok "an unknown command is a usage error" must_fail 2 "$XENSR" resurrect
ok "an unknown option is a usage error" must_fail 2 "$XENSR" restore --fast "$img"
ok "a missing file argument is a usage error" must_fail 2 "$XENSR" restore
ok "two files are a usage error" must_fail 2 "$XENSR" restore "$img" "$img"
fresh_host
ok "a file that is not there fails" must_fail 1 xensr restore "$T/nothing"
ok "the error names the file" says nothing
ok "a folder is no image" must_fail '1|3' xensr restore "$T"
ok "nothing is left" host_is_clean

# A host that is there but broken is no host that is not there.
truncate -s 1M "$XENSR_SIM_DIR/ram"
ok "a host with half its memory file" must_fail 1 xensr restore "$img"
ok "the error names the file" says 'ram.*cut off'
ok "list fails too" must_fail 1 "$SIM" list
ok "and names it" says 'ram.*cut off'
printf XXXXXXXX | dd of="$XENSR_SIM_DIR/host" conv=notrunc 2>/dev/null
ok "a host file that is none" must_fail 1 xensr restore "$img"
ok "the error says so" says 'not a *simulated host'
ok "reset makes a host again" "$SIM" reset
ok "which works" xensr -q restore "$img"
done_testing
