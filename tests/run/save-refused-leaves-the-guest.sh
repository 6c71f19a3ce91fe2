#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# No room, no folder, no permission, a target that cannot be one, a guest that
# does not suspend: the message says so, the guest runs on, an older file of that
# name is as it was, and there is no other. Then the same save succeeds.
. "${0%/*}/../lib.sh"
. "${0%/*}/../move.sh"
requires jq perl

two_hosts pvh --memory 8 --dirty-rate 500 || exit 1
d=$(domains_on a)
mkdir "$T/files"
img=$T/files/web.save
echo old >"$img"

as_before()
{
    [ "$(cat "$img")" = old ] && [ "$(ls -A "$T/files")" = web.save ] ||
        { ls -lA "$T/files"; return 1; }
    whole_on a
}
suspends() { sim_on a guest --json "$d" | jq .suspends; }

# refused REGEX COMMAND...
refused()
{
    local words=$1
    shift
    must_fail 1 "$@" && says "$words" && as_before
}
save() { "$XENSR" --sim -q save "$@"; }

ok "a folder instead of a file" refused 'is a folder: name a file in it' \
    save web "$T/files"
ok "a name that ends in a slash" refused 'folder' save web "$T/none/"
ok "no such folder" refused '[Nn]o such file' save web "$T/none/web.save"
ok "a link to nothing" bash -c 'ln -s none "$T/link"; ! "$XENSR" --sim save \
    web "$T/link" 2>"$T/err" && grep -q "symbolic link to nothing" "$T/err"'
ok "a file where a folder should be" refused 'a directory' \
    save web "$img/web.save"
ok "what is written there is lost" must_fail 2 save web /dev/null
ok "and the guest would be too" says 'lost.*--keep'
ok "a device that is full" refused '[Nn]o space' save web /dev/full --keep running
# on_terminal COMMAND...: with a new terminal as its output; 77: there is none.
on_terminal()
{
    perl -e 'use POSIX;
        open(my $m, "+<", "/dev/ptmx") or exit 77;
        my $n = pack("i", 0); ioctl($m, 0x40045431, $n);
        ioctl($m, 0x80045430, $n);
        open(STDOUT, ">", "/dev/pts/" . unpack("i", $n)) or exit 77;
        system(@ARGV); exit($? >> 8)' "$@"
}
rc=0
on_terminal true || rc=$?
if [ "$rc" = 77 ]; then
    skip "a terminal" "no terminal can be made here (devpts)"
else
    ok "a terminal" refused 'terminal' on_terminal \
        "$XENSR" --sim -q save web -
fi
ok "a reader that is gone" refused 'closed|[Bb]roken pipe' bash -c \
    '"$XENSR" --sim -q save web - | true; exit "${PIPESTATUS[0]}"'
ok "no such configuration" refused '[Nn]o such file' \
    save --config "$T/none" web "$img"
stored=$(ls "$XENSR_SIM_DIR"/dm/userdata-d."$d".*)
mv "$stored" "$T/stored" && mv "$XENSR_SIM_DIR/state/$d.json" "$T/ours"
sed 's/"uuid": "[0-9a-f]*/"uuid": "00000000/' "$T/stored" >"$stored"
ok "the configuration of an earlier domain of that number" \
    refused 'earlier domain of this number' save web "$img"
mv "$T/stored" "$stored" && mv "$T/ours" "$XENSR_SIM_DIR/state/$d.json"
ok "no such domain" must_fail 1 save nobody "$img"
ok "wrong usage" must_fail 2 save --keep alive web "$img"

# Room is looked for before the guest is asked to suspend.
n=$(suspends)
ok "a file may not become so large" refused 'largest file allowed' \
    bash -c 'ulimit -f 1000; "$XENSR" --sim -q save web "$1"' - "$img"
ok "the guest was not even asked" [ "$(suspends)" = "$n" ]
ok "live, the limit is met on the way" refused '[Ff]ile too large|largest file' \
    bash -c 'ulimit -f 1000; "$XENSR" --sim -q save --live web "$1"' - "$img"
ok "the guest was not asked then either" [ "$(suspends)" = "$n" ]

on_small_disk() # COMMAND...
{
    local root=-r
    [ "$(id -u)" -ne 0 ] || root=
    mkdir -p "$T/small"
    # shellcheck disable=SC2086,SC2016 # nothing or one word; inner shell's $
    unshare $root -m bash -c 'mount -t tmpfs -o size=3m none "$1" && shift &&
        "$@"; s=$?; ls -A "$0" | grep . >&2 && s=98; exit $s' \
        "$T/small" "$T/small" "$@"
}
if on_small_disk true 2>/dev/null; then
    ok "a disk that is too small" refused 'MiB are free' \
        on_small_disk "$XENSR" --sim -q save web "$T/small/web.save"
    ok "the guest was not asked" [ "$(suspends)" = "$n" ]
    ok "live on a disk that is too small" refused 'No space|MiB are free' \
        on_small_disk "$XENSR" --sim -q save --live web "$T/small/web.save"
else
    skip "a disk that is too small" "cannot mount a small tmpfs"
fi
read_only() # COMMAND...
{
    local root=-r
    [ "$(id -u)" -ne 0 ] || root=
    # shellcheck disable=SC2086,SC2016 # nothing or one word; inner shell's $
    unshare $root -m bash -c 'mount --bind "$1" "$1" &&
        mount -o remount,bind,ro "$1" && shift && "$@"' - "$T/files" "$@"
}
if read_only true 2>/dev/null; then
    ok "a read-only folder" refused '[Rr]ead-only' \
        read_only "$XENSR" --sim -q save web "$img"
else
    skip "a read-only folder" "cannot mount a folder read-only"
fi
ok "then the same save succeeds" xensr -q save web "$img"
ok "nothing is left on the host" host_is_clean
ok "it comes back" xensr -q restore "$img"
ok "and is whole" whole_on a

two_hosts pvh --no-suspend || exit 1
echo old >"$img"
ok "a guest that does not suspend" refused 'suspend' \
    save --suspend-timeout 1 web "$img"
done_testing
