#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Several restores of one image at the same moment: one of them gets the name
# and the UUID, the others are refused and take away only what is theirs. A
# library in front of libxenctrl holds each restore back between its check and
# the creation of its domain, so that all of them find the host free.
. "${0%/*}/../lib.sh"
requires jq cc
case $BUILD in *-asan) skip_all "a preloaded library is not for sanitizers" ;; esac

cat >"$T/late.c" <<'END'
#include <dlfcn.h>
#include <unistd.h>

int xc_domain_create(void *xch, unsigned *domid, void *config);
int xc_domain_create(void *xch, unsigned *domid, void *config)
{
    int (*real)(void *, unsigned *, void *);

    *(void **)&real = dlsym(RTLD_NEXT, "xc_domain_create");
    sleep(1);
    return real(xch, domid, config);
}
END
cc -D_GNU_SOURCE -shared -fPIC -o "$T/late.so" "$T/late.c" -ldl || exit 1

# at_once OPTION...: three restores with these options, each numbered as %
at_once()
{
    local i
    rm -f "$T"/rc.*
    for i in 1 2 3; do
        (
            LD_PRELOAD=$T/late.so "$XENSR" --sim -q restore "${@//%/$i}" \
                2>"$T/err.$i"
            echo $? >"$T/rc.$i"
        ) &
    done
    wait
    [ "$(sort "$T"/rc.? | tr '\n' ' ')" = "0 1 1 " ] ||
        { tail "$T"/rc.? "$T"/err.?; return 1; }
}
refused_for()
{
    [ "$(grep -lE "the $1 .* is in use by domain [0-9]+" "$T"/err.? | wc -l)" -eq 2 ]
}
whole()
{
    local d
    d=$(domids) && memory_equals "$d" "$img" &&
        "$SIM" xenstore "/vm/$("$SIM" info "$d" --json | jq -r .uuid)/uuid" |
        grep -q .
}

fresh_host
img=$(image pvh) || exit 1
ok "one of three restores of an image succeeds" at_once --name number% "$img"
ok "the others are told whose the UUID is" refused_for UUID
ok "the one is whole" whole
"$SIM" destroy "$(domids)"
ok "nothing of the others is left" host_is_clean

fresh_host
for i in 1 2 3; do cp "$(image pvh --seed 2$i)" "$T/twin.$i"; done
ok "one of three restores under a name succeeds" at_once --name twin "$T/twin.%"
ok "the others are told whose the name is" refused_for name
"$SIM" destroy "$(domids)"
ok "again nothing of the others is left" host_is_clean
done_testing
