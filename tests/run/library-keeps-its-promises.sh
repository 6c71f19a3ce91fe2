#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What plugin/xensr.h promises to a program that links libxensr: where the fd
# stands afterwards, its flags, peeked bytes, the caller's veto, one operation
# at a time, interruption from a callback.
. "${0%/*}/../lib.sh"
requires jq cc perl
case $BUILD in *-asan) skip_all "a plain program does not load sanitizers" ;; esac

cat >"$T/user.c" <<'END'
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "plugin/xensr.h"

static struct xensr *x;
static const char *what; /* the case */
static int nested = -1;

static void on_log(void *ctx, enum xensr_level level, const char *text)
{
    static const struct xensr_restore_params none;

    (void)ctx, (void)level;
    if (strcmp(what, "interrupt") == 0 && strstr(text, "created"))
        xensr_interrupt(x);
    if (strcmp(what, "nested") == 0 && nested < 0)
        nested = xensr_restore(x, &none, NULL);
}

static int veto(void *ctx, char *text, unsigned len)
{
    snprintf(text, len, "the caller says no");
    return ctx != NULL;
}

int main(int argc, char **argv)
{
    struct xensr_options o = {.on_log = on_log, .max_level = XENSR_LOG_DEBUG};
    struct xensr_restore_params p = {.must_end = true, .start_hvm = true};
    unsigned char head[64];
    struct xensr_restored r;
    int rc, same;

    if (argc != 5 || xensr_open(&o, &x))
        return 99;
    what = argv[1];
    p.config_json = argv[3];
    p.n_head = (uint32_t)atoi(argv[4]);
    p.fd = open(argv[2], O_RDONLY | O_NONBLOCK);
    if (read(p.fd, head, p.n_head) != (ssize_t)p.n_head)
        return 98;
    p.head = head;
    p.on_input_end = veto;
    p.ctx = strcmp(what, "veto") == 0 ? &p : NULL;
    rc = xensr_restore(x, &p, &r);
    same = (fcntl(p.fd, F_GETFL) & O_NONBLOCK) != 0;
    printf("at %lld nonblock %d nested %d: %s\n",
           (long long)lseek(p.fd, 0, SEEK_CUR), same, nested, xensr_error(x));
    if (rc == XENSR_OK && strcmp(what, "destroy") == 0)
        rc = xensr_destroy(x, r.domid);
    xensr_close(x);
    return rc;
}
END
mkdir "$T/lib"
ln -s "$BUILD/lib/libxensr.so" "$T/lib/libxensr.so.0"
cc -I"$TOP" -o "$T/user" "$T/user.c" "$BUILD/lib/libxensr.so" \
    -Wl,-rpath,"$T/lib" -Wl,--allow-shlib-undefined || exit 1

fresh_host
# the optional part of the xl header: its length, a length, JSON, NUL
config=$(perl -e 'undef $/; my $f = <STDIN>; print unpack("x48 V/a", $f)' \
    <"$(image pvh)" | tr -d '\0') || exit 1
printf %s "$config" >"$T/config"
img=$(image pvh --layers libxl) || exit 1
end=$(stat -c %s "$img")
user() { run "$XENSR" --sim sim run -- "$T/user" "$1" "$img" "$config" "$2"; }
ends() # STATUS REGEX
{
    [ "$RC" -eq "$1" ] && grep -Eq -- "$2" "$T/out" && return
    echo "status $RC:"
    cat "$T/out" "$T/err"
    return 1
}

for n in 0 8 24; do
    user destroy $n
    ok "$n peeked bytes: restored and destroyed" ends 0 "nested"
    ok "$n peeked bytes: the fd stands behind END, non-blocking as before" \
        ends 0 "^at $end nonblock 1 "
    ok "$n peeked bytes: nothing is left" no_domains
done
fresh_host
user plain 25
ok "a peeked byte of the guest image is the caller's mistake" \
    ends 2 "1 bytes .* belong to the guest image"
ok "and nothing is left of it" host_is_clean
user veto 0
ok "the caller can refuse the input" ends 3 "the caller says no"
ok "and nothing is left of that" host_is_clean
user interrupt 8
ok "a callback can interrupt" ends 1 "interrupted; everything is undone"
ok "and nothing is left of that either" host_is_clean
user nested 8
ok "one operation at a time: the second is refused, the first goes on" \
    ends 0 "nested 2"
ok "and its domain is there" memory_equals "$(domids)" "$img"

fresh_host
ok "the command needs a configuration for a bare stream" \
    must_fail 2 xensr restore "$img"
ok "and says which option gives one" says "--config FILE"
ok "with it, the stream is restored" \
    xensr -q restore --config "$T/config" --name given "$img"
ok "with the image's memory" memory_equals "$(domids)" "$img"
"$SIM" destroy "$(domids)"
ok "a configuration that is none is the caller's mistake" \
    must_fail 2 xensr restore --config "$T/user.c" "$img"
ok "nothing is left at the end" host_is_clean
done_testing
