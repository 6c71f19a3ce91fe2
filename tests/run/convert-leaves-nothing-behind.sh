#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# A conversion that is interrupted, or has no room, or loses its reader, leaves
# neither output nor parts; one that replaces its own input leaves that whole.
# Files and pipes on either side give the same bytes, with little memory.
. "${0%/*}/../lib.sh"
. "${0%/*}/../convert-lib.sh"
requires jq zstd perl
fresh_host
dir=$T/dir
mkdir "$dir"
img=$(image hvm --memory 16) || exit 1
size=$(stat -c %s "$img")
empty() { [ -z "$(ls -A "$dir")" ] || { ls -lA "$dir"; false; }; }

# ---- the same bytes, whatever the ends are ----

convert --to libxl "$img" "$T/want" || exit 1
via()
{
    rm -f "$T/got"
    eval "$1" && same "$T/want" "$T/got"
}
zstd -qf "$img" -o "$img.zst"
# shellcheck disable=SC2016 # $T and $img are for eval
for way in \
    'convert --to libxl - "$T/got" <"$img"' \
    'cat "$img" | convert --to libxl - "$T/got"' \
    'convert --to libxl "$img" - >"$T/got"' \
    'convert --to libxl "$img" - | cat >"$T/got"' \
    'cat "$img" | convert --to libxl - - | cat >"$T/got"' \
    ': >"$T/got"; convert --to libxl "$img" - >>"$T/got"' \
    'cat "$img" | convert --to libxl - - >>"$T/got"' \
    'convert --to libxl "$img.zst" "$T/got"' \
    'convert --to libxl - - <"$img.zst" | cat >"$T/got"' \
    'mkfifo "$T/p"; cat "$T/p" >"$T/got" & convert --to libxl "$img" "$T/p"; wait $!'; do
    ok "$way" via "$way"
done
if [ -z "${XENSR_ASAN-}" ]; then
    ok "memory stays below 16 MiB" eval \
        '/bin/bash -c "ulimit -v 65536; exec \"\$@\"" - "$XENSR" -q convert \
            --to libxl "$img" "$T/got" &&
         perl -e "
            my \$pid = fork // die;
            if (!\$pid) { exec @ARGV or die }
            my \$max = 0;
            while (waitpid(\$pid, 1) == 0) {
                open(my \$f, q(<), qq(/proc/\$pid/status)) or next;
                while (<\$f>) { \$max = \$1 if /^VmHWM:\\s+(\\d+)/ && \$1 > \$max }
            }
            print qq(\$max KiB\n); exit(\$max > 16384)
        " "$XENSR" -q convert --to libxl "$img" "$T/got"'
fi

# ---- no room ----

ok "no room in a full device" must_fail 1 convert "$img" /dev/full
ok "... which is said" says '[Nn]o space'
ok "a limit of the file's size" must_fail 1 bash -c \
    'ulimit -f 64; exec "$@"' - "$XENSR" -q convert "$img" "$dir/a"
ok "... leaves nothing" empty
on_small_disk()
{
    local root=-r
    [ "$(id -u)" -ne 0 ] || root=
    # shellcheck disable=SC2086,SC2016 # nothing or one word; inner shell's $
    unshare $root -m bash -c 'mount -t tmpfs -o size=$1 none "$2" && shift 2 &&
        "$@"; s=$?; ls -A "$0" | grep . >&2 && s=98; exit $s' \
        "$dir" "$1" "$dir" "${@:2}"
}
if on_small_disk 1m true 2>/dev/null; then
    ok "a small disk, known in advance" must_fail 1 \
        on_small_disk 1m "$XENSR" -q convert "$img" "$dir/a"
    ok "a small disk, found out" must_fail 1 \
        on_small_disk 1m "$XENSR" -q convert "$img.zst" "$dir/a"
    ok "... which is said" says '[Nn]o space'
    convert --to xenserver --aside "$T/aside" "$img" "$T/disk"
    truncate -s 1G "$T/disk"
    ok "a disk may be larger than what is on it" eval \
        'on_small_disk 40m bash -c "\"\$@\" && rm \"\${@: -1}\"" - \
            "$XENSR" -q convert --to libxl "$T/disk" "$dir/a"'
    ok "no room for the parts" must_fail 1 on_small_disk 4k \
        "$XENSR" -q convert --to libxc --aside "$dir" "$img" "$T/b"
    ok "... leaves no image without them" test ! -e "$T/b"
fi

# ---- refused ----

head -c $((size - 100)) "$img" >"$T/cut"
ok "cut off" must_fail 3 convert --to libxc --aside "$dir/parts" "$T/cut" \
    "$dir/a"
ok "... leaves neither image nor parts" empty
{ cat "$img"; echo; } >"$T/longer"
ok "bytes behind its end" must_fail 3 convert "$T/longer" "$dir/a"
ok "... says where" says "offset $size"
head -c $(($(stat -c %s "$img.zst") - 3)) "$img.zst" >"$T/cut.zst"
ok "... from a pipe, too" eval \
    'cat "$T/longer" | must_fail 3 convert - "$dir/a" && says "offset $size"'
ok "compressed and cut off" must_fail 3 convert "$T/cut.zst" "$dir/a"
ok "... says so" says zstd
ok "another format than was said" \
    must_fail 3 convert --from xenserver "$img" "$dir/a"
ok "no image" eval 'echo hello, this is text >"$T/text" &&
    must_fail 3 convert "$T/text" "$dir/a"'
ok "an empty file" must_fail 3 convert /dev/null "$dir/a"
ok "... leaves nothing" empty
ok "parts are not written over" eval \
    'mkdir "$T/taken" && echo mine >"$T/taken/emulator-context" &&
     must_fail 1 convert --to libxc --aside "$T/taken" "$img" "$dir/a" &&
     [ "$(ls -A "$T/taken")" = emulator-context ] &&
     [ "$(cat "$T/taken/emulator-context")" = mine ]'
ok "... and no image is there" empty
for bad in --to=legacy --from=tar --image-version=4 --json=1 --nonsense; do
    ok "usage: $bad" must_fail 2 convert "$bad" "$img" "$dir/a"
done
ok "usage: one file" must_fail 2 convert "$img"
ok "usage: two things for standard output" \
    must_fail 2 convert --json "$img" -

# ---- interrupted ----

# stalled SIGNAL OPTION...: the input stops in the middle; then the signal.
stalled()
{
    local rc=0 pid
    rm -f "$T/fifo"
    mkfifo "$T/fifo"
    exec 8<>"$T/fifo" # keeps it open: no end of file
    perl -e '$SIG{INT} = "DEFAULT"; exec @ARGV or die' -- \
        "$XENSR" -q convert "${@:2}" - "$dir/a" <"$T/fifo" 2>"$T/err" 8>&- &
    pid=$!
    head -c $((size / 2)) "$img" >"$T/fifo"
    within 10 drained || return 1
    kill "-$1" $pid
    wait $pid || rc=$?
    exec 8>&-
    [ $rc -eq 1 ] && says interrupted && empty
}
drained()
{
    [ "$(perl -e 'my $n = pack("L", 0); open(F, "<&=", 8) or die;
        ioctl(F, 0x541b, $n) or die; print unpack("L", $n)' 8<&8)" = 0 ]
}
for sig in TERM INT HUP; do
    ok "SIG$sig leaves nothing" stalled $sig --to libxl
    ok "SIG$sig leaves no parts" stalled $sig --to libxc-v2 --aside "$dir/p"
done
ok "killed in place, the input stays" eval 'cp "$img" "$T/same" &&
    must_fail 1 bash -c "ulimit -f 64; exec \"\$@\"" - "$XENSR" -q convert \
        --name x1 "$T/same" "$T/same" && same "$img" "$T/same"'
ok "a reader that goes is an error" eval \
    '{ convert "$img" - 2>"$T/err"; echo $? >"$T/status"; } | head -c 70000 \
        >"$T/sink"; [ "$(cat "$T/status")" = 1 ] && says "[Bb]roken pipe"'
ok "no temporary files" eval '[ -z "$(find "$TMPDIR" -mindepth 1)" ]'
done_testing
