#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The converter of legacy streams takes exactly its bytes, from files, pipes and
# sockets: what follows belongs to somebody else. It needs little memory for
# any stream, and ends properly when a neighbour goes, the disk is full or it
# is told to.
. "${0%/*}/../lib.sh"
. "${0%/*}/../legacy-lib.sh"
requires cmp python3

# left SENTENCE TYPE FORMAT OPTION...: of stream and trailer, the trailer stays.
left()
{
    local name=$1 type=$2 format=$3 skip=()
    shift 3
    stream "$name" --type "$type" "$@"
    ours "$T/$name" "$T/want" "$type" 64 "$format"
    [ "$format" = libxl ] || skip=(--skip-qemu)
    { dd if="$T/$name" status=none; printf 'MINE'; } >"$T/both"
    : >"$T/rest"
    ok "$name: a file's position is behind the stream" after_file
    ok "$name: what follows in a pipe is left" after_pipe
    ok "$name: what follows on a socket is left" after_socket
}
tail_is_mine()
{
    [ "$(tail -c 4 "$T/rest")" = MINE ] &&
        { [ "$format" != libxl ] || [ "$(stat -c %s "$T/rest")" -eq 4 ]; } &&
        { [ "$format" = libxl ] ||
            cmp <(tail -c "$(stat -c %s "$T/rest")" "$T/both") "$T/rest"; }
}
after_file()
{
    { ours 0 "$T/out" "$type" 64 "$format" "${skip[@]}" && cat >"$T/rest"; } \
        <"$T/both" && tail_is_mine
}
after_pipe()
{
    dd if="$T/both" bs=1M status=none |
        { ours 0 "$T/out" "$type" 64 "$format" "${skip[@]}" &&
            cat >"$T/rest"; } && tail_is_mine
}
after_socket()
{
    python3 - "$T/both" "$T/rest" "$CONVERT" -i 0 -o "$T/out" -w 64 \
        -g "$type" -f "$format" "${skip[@]}" <<'P'
import socket, subprocess, sys, threading
ours, theirs = socket.socketpair()
def send():
    ours.sendall(open(sys.argv[1], "rb").read())
    ours.shutdown(socket.SHUT_WR)
t = threading.Thread(target=send)
t.start()
rc = subprocess.call(sys.argv[3:], stdin=theirs)
with open(sys.argv[2], "wb") as rest:
    while True:
        got = theirs.recv(65536)
        if not got:
            break
        rest.write(got)
t.join()
sys.exit(rc)
P
    [ $? -eq 0 ] && tail_is_mine
}
left "pv" pv libxl --xsave 592
left "pv-32" pv libxl --guest-width 32 --batch 8
left "hvm" hvm libxl --state 3000 --physmap 2
left "hvm-one-page-left" hvm libxc --pages 200 --batch 8
left "hvm-large" hvm libxl --pages 3000 --batch 1024 --state 200000

# memory: a stream of 32 MiB, and one that is all small batches
stream big --type pv --pages 8000 --batch 1024
stream small --type pv --pages 8000 --batch 8
peak()
{
    python3 - "$CONVERT" -i 0 -o "$T/out" -w 64 -g pv -f libxl "$@" <<'P'
import resource, subprocess, sys
subprocess.check_call(sys.argv[1:], stdin=open(sys.argv.pop()))
kib = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
print("%u KiB" % kib)
sys.exit(kib >= 16384)
P
}
if [ -z "${XENSR_ASAN-}" ]; then
    ok "large batches take less than 16 MiB of memory" peak "$T/big"
    ok "small batches too" peak "$T/small"
fi

# neighbours
gone() # the reader goes after 100000 bytes
{
    { "$CONVERT" -i "$T/big" -o 1 -w 64 -g pv -f libxl 2>"$T/err"
        echo $? >"$T/rc"; } | head -c 100000 >/dev/null
    [ "$(cat "$T/rc")" -eq 1 ] && grep -q 'Broken pipe' "$T/err"
}
ok "a reader that goes is an error, status 1" gone
full() { "$CONVERT" -i "$T/big" -o 1 -w 64 -g pv 2>"$T/err" >/dev/full; }
ok "a full disk is an error, status 1" status 1 full
ok "which is said" grep -q 'No space' "$T/err"
small_disk()
{
    (ulimit -f 2000; ours "$T/big" "$T/kept/out" pv 64 libxl)
}
mkdir "$T/kept"
ok "a file that may not grow is one, too" status 1 small_disk
ok "and nothing of it is left" rmdir "$T/kept"
echo before >"$T/out"
head -c 9000 "$T/big" >"$T/cut"
ok "a failed conversion" status 1 ours "$T/cut" "$T/out" pv 64 libxl
ok "leaves what had the output's name" test "$(cat "$T/out")" = before

# told to stop, with input still to come
told() # SIGNAL
{
    local pid rc=0
    rm -f "$T/slow" "$T/slow.out"
    mkfifo "$T/slow"
    "$CONVERT" -i "$T/slow" -o "$T/slow.out" -w 64 -g pv 2>"$T/err" &
    pid=$!
    exec 7<>"$T/slow" # also if nobody reads it
    head -c 500000 "$T/big" >&7
    kill "-$1" "$pid"
    wait "$pid" || rc=$?
    exec 7>&-
    [ "$rc" -ne 0 ] && [ ! -e "$T/slow.out" ] || { echo "status $rc"; return 1; }
}
for s in TERM HUP; do
    ok "SIG$s ends it at once, and nothing is left" told $s
done
done_testing
