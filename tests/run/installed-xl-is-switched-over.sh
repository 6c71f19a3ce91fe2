#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# README's and INSTALL's commands put our helper under Debian's unmodified xl:
# for one command, for every xl of a host, at both ends of a migration; and what
# INSTALL says to undo it does. They are taken from these files as they are
# there, but for paths and names; `ssh` is a shell on the other simulated host,
# which inherits as little as a real one.
. "${0%/*}/../lib.sh"
. "${0%/*}/../cross/lib.sh"
requires jq
requires_stock

use ours engine
two_hosts || exit 1
missing=$(no_xl)
[ -z "$missing" ] || skip_all "$missing"

# ---- a host with xl, sshd and our helper ---------------------------------------

mkdir -p "$T/bin" "$T/sbin" "$T/work"
ln -s "$XL" "$T/bin/xl"
cat >"$T/helper" <<P
#!/bin/sh
case \$1 in --save-domain) where=saved ;; *) where=restored ;; esac
echo "\$where \${XENSR_SIM_DIR##*/host-}" >>"$T/ran"
exec "$HELPER" "\$@"
P
cat >"$T/bin/ssh" <<P
#!/bin/sh
echo "ssh \$*" >>"$T/ssh.log"
host=\$1
shift
exec env -i PATH="$T/bin:$PATH" XENSR_SIM_DIR="$T/host-\$host" \
    "$SIM" run --toolstack -- env \
    LIBXL_SAVE_HELPER="$STOCK_BIN/libxl-save-helper" sh -c "\$*"
P
chmod +x "$T/helper" "$T/bin/ssh"

# As in the document, with this test's paths.
here()
{
    sed -e "s#/usr/local/libexec/xensr/xensr-helper#$T/helper#g" \
        -e "s#/usr/local/sbin#$T/sbin#g" -e "s#/usr/sbin/xl#$XL#g" \
        -e 's/\bHOST\b/to/g' -e 's/\bDOMAIN\b/web/g' -e 's/\bFILE\b/web.save/g'
}
# The indented paragraph that has the words, without the indentation.
paragraph() # WORDS
{
    awk -v words="$1" 'BEGIN { RS = "" } index($0, words)' "$TOP/INSTALL" |
        sed -n 's/^    //p' | here
}
# The commands of README's marked block.
readme()
{
    awk '/installed-xl-is-switched-over/ { want = 1; next }
        /^```/ { if (want == 1) { want = 2; next }; want = 0 }
        want == 2 && NF' "$TOP/README.md" | here
}
# as_root COMMANDS: in a root shell of host "from", whose own helper is the stock
# one. What they say on stderr is in $T/words, too.
as_root()
{
    local status=0
    : >"$T/ran"
    (cd "$T/work" && env -u XENSR_HELPER -u XENSR_STUBS_DIR \
        PATH="$T/sbin:$T/bin:$PATH" XENSR_SIM_DIR="$T/host-from" \
        LIBXL_SAVE_HELPER="$STOCK_BIN/libxl-save-helper" \
        "$SIM" run --toolstack -- bash -c "$1" 2>"$T/words") || status=$?
    cat "$T/words" >&2
    return $status
}
# ran WHAT...: our helper, that often; both ends of a migration start theirs at once
ran() { diff <(printf '%s\n' "$@" | sort) <(sort "$T/ran"); }
nothing_of_ours_ran() { [ ! -s "$T/ran" ] || { cat "$T/ran"; return 1; }; }
# One guest called web on "from", none on "to".
web()
{
    two_hosts && sim from create --type pvh --name web --memory 16 \
        --dirty-rate 500
}
is_good() # HOST
{
    local d
    d=$(sim "$1" list --json | jq -r '.. | select(.name? == "web") | .domid')
    [ -n "$d" ] && sim "$1" guest "$d"
}

# ---- README --------------------------------------------------------------------

readme >"$T/readme"
commands=$(grep -c '^xl ' "$T/readme")
ok "README has a save, a restore and two migrations" [ "$commands" = 4 ]
set_it=$(grep '^export LIBXL_SAVE_HELPER=' "$T/readme")
line() { grep '^xl ' "$T/readme" | sed -n "$1p"; }

web >/dev/null || exit 1
ok "README: $(line 1)" as_root "$set_it; $(line 1)"
ok "our helper saved it" ran "saved from"
ok "and says so" grep -q '^xensr-helper: info: saved domain ' "$T/words"
ok "README: $(line 2)" as_root "$set_it; $(line 2)"
ok "our helper restored it" ran "restored from"
ok "the guest is good" is_good from
ok "README: $(line 3)" as_root "$set_it; $(line 3)"
ok "our helper sent it, the other host's own received it" ran "saved from"
ok "the guest is good over there" is_good to
web >/dev/null || exit 1
ok "README: $(line 4)" as_root "$set_it; $(line 4)"
ok "our helper sent it, and received it" ran "saved from" "restored to"
ok "the guest is good over there" is_good to

# ---- INSTALL -------------------------------------------------------------------

web >/dev/null || exit 1
ok "INSTALL: one command" as_root "$(paragraph 'xl save -c DOMAIN')"
ok "runs our helper" ran "saved from"

paragraph 'cat >/usr/local/sbin/xl' >"$T/wrap"
ok "INSTALL: a wrapper for every xl" as_root "unset LIBXL_SAVE_HELPER
$(cat "$T/wrap"); hash -r; xl save -c web web.save"
ok "runs our helper" ran "saved from"
ok "a helper that is named for one command is taken instead" \
    as_root "xl save -c web web.save"
ok "ours did not run" nothing_of_ours_ran
ok "INSTALL: and back" as_root "$(paragraph 'rm /usr/local/sbin/xl' |
    sed -n 's/ *and .hash -r.*//p'); hash -r; xl save -c web web.save"
ok "the stock one runs" nothing_of_ours_ran

ok "INSTALL: the other end, the whole command" as_root "$(paragraph "xl migrate -s ''")"
ok "runs our helper there" ran "restored to"
ok "the guest is good over there" is_good to
web >/dev/null || exit 1
paragraph 'xl calls: COMMAND HOST' >"$T/bin/command"
chmod +x "$T/bin/command"
ok "INSTALL: the other end, a script" as_root "xl migrate -s command web to"
ok "runs our helper there" ran "restored to"
ok "the guest is good over there" is_good to

web >/dev/null || exit 1
ok "a wrong path fails" must_fail 1 as_root \
    "export LIBXL_SAVE_HELPER=/nowhere/helper; xl save web web.save"
ok "with the words that INSTALL explains" \
    says 'libxl: cannot execute /nowhere/helper: No such file or directory'
ok "INSTALL has them" grep -q 'libxl: cannot execute .*: No such file' "$TOP/INSTALL"
ok "the guest runs on" is_good from
done_testing
