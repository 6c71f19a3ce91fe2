#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `sim run --toolstack`: Xen's own folders are the host's for that command, and
# the machine's stay as they are, whether it has them or not.
. "${0%/*}/../lib.sh"
requires jq unshare

fresh_host
in_it() { xensr sim run --toolstack -- "$@"; }
in_it true 2>/dev/null || skip_all "no mount namespace is permitted here"
before() { ls -dl /var/lib/xen /run/xen /etc/xen /var/log/xen 2>&1; ls -l /run /var/lib; }
before >"$T/before"
ok "what it writes is the host's" in_it sh -c 'echo 1 >/var/lib/xen/a &&
    echo 2 >/run/xen/b && echo 3 >/var/run/xen/c && echo 4 >/var/log/xen/d'
ok "all of it" bash -c 'cd "$1" && [ "$(cat dm/a run/b run/c logs/d | tr -d "\n")" = 1234 ]' \
    - "$XENSR_SIM_DIR"
ok "xl finds its configuration" in_it grep -q autoballoon /etc/xen/xl.conf
ok "and a device model" in_it test -x /usr/libexec/xen-qemu-system-i386
ok "the rest of the machine is as before" in_it sh -c '[ -e /usr/bin/env ] &&
    [ -d /var/lib/dpkg ] && [ -x /bin/sh ]'
before >"$T/after"
ok "nothing of it is seen outside" diff "$T/before" "$T/after"
ok "the command's status comes back" must_fail 7 in_it sh -c 'exit 7'
ok "the save helper is ours" bash -c '[ "$("$XENSR" --sim sim run --toolstack -- \
    printenv LIBXL_SAVE_HELPER)" = "$HELPER" ]'
ok "unless another one was named" bash -c '[ "$(LIBXL_SAVE_HELPER=/x "$XENSR" --sim \
    sim run --toolstack -- printenv LIBXL_SAVE_HELPER)" = /x ]'

xl=${STOCK%/*}/root/usr/lib/xen-4.17/bin/xl
if [ -n "$STOCK" ] && [ -x "$xl" ]; then
    d=$(xensr sim create --type pvh --memory 16 --name here)
    ok "xl lists a guest" bash -c '"$XENSR" --sim sim run --toolstack -- "$1" list |
        grep -q "^here  *$2 "' - "$xl" "$d"
    ok "xl destroys it" in_it "$xl" destroy here
    ok "it is gone" no_domains
else
    skip "xl lists a guest" "Debian's xl is not there (make stock)"
fi
done_testing
