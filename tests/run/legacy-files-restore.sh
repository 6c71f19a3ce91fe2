#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# Save files of Xen 4.5 and older restore with plain `xensr restore`, through
# our converter or Xen's, and with stock xl through ours; the memory is that of
# the v2 image which they were made of. The stream's descriptor is the
# converter's alone until the v2 stream is there (once, libxl mixed them up).
. "${0%/*}/../lib.sh"
. "${0%/*}/../legacy-lib.sh"
. "${0%/*}/../cross/lib.sh"
requires jq cmp

# new TYPE: a v2 image; libxl wants 8 MiB of video memory in an HVM guest.
new()
{
    local more=()
    [ "$1" != hvm ] || more=(--memory 16)
    image "$1" --physmap --xsave "${more[@]}"
}
# old TYPE WIDTH [option...]: the save file that Xen 4.5 would have made of it.
old()
{
    local name
    name=$T/old-$(printf %s "$*" | tr -c 'a-z0-9\n' _)
    [ -e "$name" ] ||
        "$FROM_V2" --width "$2" "${@:3}" <"$(new "$1")" \
            >"$name" 2>"$T/left-out" || return 1
    printf %s "$name"
}
# Guests of the test before may still be on their way out.
n_hosts=0
new_host() { fresh_host $((n_hosts += 1)); }
only() { domids | head -n 1; }
# restores TYPE FILE: and its memory is that of the v2 image.
restores()
{
    new_host && xensr -q restore --paused "$2" &&
        memory_equals "$(only)" "$(new "$1")"
}
for type in pv hvm; do
    for width in 32 64; do
        ok "$type, $width-bit toolstack" restores $type "$(old $type $width)"
    done
done
# Guests of a real Xen, whose images were turned back into legacy ones.
real() # NAME WIDTH
{
    zstd -dcqf "$TOP/tests/golden/images/xen-4.17-$1.save.zst" >"$T/real" &&
        "$FROM_V2" --width "$2" <"$T/real" >"$T/real.old" 2>"$T/left-out" &&
        new_host && xensr -q restore --paused "$T/real.old" &&
        memory_equals "$(only)" "$T/real"
}
ok "a real PV guest" real pv 64
ok "a real HVM guest, as a 32-bit toolstack saved it" real hvm-bios 32
ok "one page at a time" restores hvm "$(old hvm 32 --batch 1)"
from_pipe()
{
    new_host && dd if="$(old pv 64)" bs=7k status=none |
        xensr -q restore - && memory_equals "$(only)" \
        "$(new pv)"
}
ok "from a pipe" from_pipe
zstd -q -o "$T/old.zst" "$(old hvm 64)"
ok "compressed with zstd" restores hvm "$T/old.zst"
needs_config()
{
    new_host
    must_fail 4 xensr -q restore "$(old hvm 64 --text-config)" && says config
}
ok "a text configuration (4.4) is asked for as JSON" needs_config
given_config()
{
    local v2
    v2=$(new hvm)
    # behind the header and the length; without the NUL
    tail -c +53 "$v2" | head -c "$(($(od -An -tu4 -j48 -N4 "$v2") - 1))" \
        >"$T/config"
    new_host && xensr -q restore --config "$T/config" \
        "$(old hvm 64 --text-config)" && memory_equals "$(only)" "$v2"
}
ok "and with it the file restores" given_config
keys_are_there()
{
    restores hvm "$(old hvm 64)" && "$SIM" xenstore >"$T/xs" &&
        [ "$(grep -c 'physmap/.*/\(name\|size\|start_addr\)' "$T/xs")" -eq 6 ]
}
ok "QEMU's regions are in xenstore" keys_are_there

# ---- the descriptor ----------------------------------------------------------

# A converter that looks at what it got, and then does the work.
cat >"$T/looks" <<P
#!/bin/sh
echo "\$*" >"$T/words"
sed -n 's/^pos:[^0-9]*//p' /proc/self/fdinfo/3 >"$T/pos"
ls -l /proc/\$\$/fd | sed 's/.* \([0-9]*\) -> .*/\1/' | grep -x '[0-9]*' |
    sort -n | grep -vx 255 | tr '\n' ' ' >"$T/fds"
exec "$CONVERT" "\$@"
P
# One that makes a v2 stream without a look at its input.
v2=$(new hvm)
stream_at() { echo $((48 + $(od -An -tu4 -j44 -N4 "$1"))); }
cat >"$T/invents" <<P
#!/bin/sh
tail -c +$(($(stream_at "$v2") + 1)) "$v2" >&4
sed -n 's/^pos:[^0-9]*//p' /proc/self/fdinfo/3 >"$T/pos"
P
chmod +x "$T/looks" "$T/invents"
export XENSR_CONVERTER=$T/looks
ok "another converter can be named" restores hvm "$(old hvm 64)"
ok "it is called as libxl calls its own" grep -qx -- \
    '--in 3 --out 4 --width 64 --guest hvm --format libxl' "$T/words"
at_the_stream() { [ "$(cat "$T/pos")" = "$(stream_at "$(old hvm 64)")" ]; }
ok "nothing of the stream was taken before it" at_the_stream
ok "it has no other descriptor of ours" grep -qE '^0 1 2 3 4( [0-9]+)? $' "$T/fds"
export XENSR_CONVERTER=$T/invents
new_host
ok "one that leaves its input unread is refused: there is more" \
    must_fail 3 xensr -q restore "$(old hvm 64)"
ok "though what it wrote was read to its end" says 'behind the END'
ok "and the input stays where it was" at_the_stream

# ---- failures ----------------------------------------------------------------

# refused SENTENCE CODES REGEX CONVERTER [FILE]: and nothing is left.
refused()
{
    local file=${5:-$(old hvm 64)}
    new_host
    export XENSR_CONVERTER=$4
    ok "$1: refused" must_fail "$2" xensr restore "$file"
    ok "$1: it says why" says "$3"
    ok "$1: nothing is left" host_is_clean
    unset XENSR_CONVERTER
}
script() # NAME TEXT
{
    printf '#!/bin/sh\n%s\n' "$2" >"$T/$1"
    chmod +x "$T/$1"
}
script fails 'echo "it broke" >&2; exit 1'
script cannot 'echo "not this" >&2; exit 2'
script dies 'kill -9 $$'
script lies "tail -c +$(($(stream_at "$v2") + 1)) \"$v2\" >&4; exit 1"
script more "tail -c +$(($(stream_at "$v2") + 1)) \"$v2\" >&4; echo x >&4"
script legacy 'exec cat <&3 >&4'
refused "a converter that is not there" 1 'nowhere' "$T/nowhere"
refused "one that fails" 3 'converter.*status 1: it broke' "$T/fails"
refused "one that cannot" 4 'status 2: not this' "$T/cannot"
refused "one that is killed" '1|3' 'signal 9' "$T/dies"
refused "one that fails behind a whole stream" 3 'status 1' "$T/lies"
refused "one that writes too much" 3 'goes on' "$T/more"
refused "one that passes the legacy stream on" 3 'legacy stream.*p2m' \
    "$T/legacy"
head -c 700000 "$(old hvm 64)" >"$T/cut"
refused "a file that is cut off" 3 'ended in the pages' "$CONVERT" "$T/cut"
{ cat "$(old hvm 64)"; echo more; } >"$T/longer"
refused "a file with more behind it" 3 'goes on' "$CONVERT" "$T/longer"
sed 's/"type": "hvm"/"type": "pvh"/' "$(old hvm 64)" >"$T/pvh"
refused "a PVH guest's, which cannot be" '3|4' 'PVH|pvh' "$CONVERT" "$T/pvh"
"$FROM_V2" --bare <"$v2" >"$T/bare" 2>/dev/null
refused "one without xl header" 4 'bare legacy stream' "$CONVERT" "$T/bare"
has_domain() { [ -n "$(domids)" ]; }
stopped()
{
    local pid rc=0
    new_host
    mkfifo "$T/slow"
    exec 7<>"$T/slow"
    XENSR_CONVERTER=$CONVERT "$XENSR" --sim="$XENSR_SIM_DIR" -q restore - \
        <"$T/slow" 7>&- &
    pid=$!
    head -c 700000 "$(old hvm 64)" >&7
    within 10 has_domain || return 1
    kill -TERM "$pid"
    wait "$pid" || rc=$?
    exec 7>&-
    [ "$rc" -eq 1 ] && host_is_clean
}
ok "SIGTERM undoes it, the converter is gone" stopped

# ---- with Xen's own ----------------------------------------------------------

if [ -z "${XENSR_ASAN-}" ] && [ -e "$XEN_BIN/convert-legacy-stream" ]; then
    export XENSR_CONVERTER=$XENS
    ok "Xen's converter under xensr: PV" restores pv "$(old pv 64)"
    ok "Xen's converter under xensr: HVM" restores hvm "$(old hvm 64)"
    refused "Xen's converter, for a file that is cut off" 3 'Stream truncated' \
        "$XENS" "$T/cut"
    unset XENSR_CONVERTER
fi
two_hosts || exit 1
missing=$(no_xl)
# xl_restores TYPE WIDTH LIBRARY: stock xl and its helper, our converter.
xl_restores()
{
    two_hosts && use stock "$3" || return 1
    XENSR_CONVERT_WIDTH=detect LIBXL_CONVERT_HELPER=$CONVERT \
        on to xl restore -e -p "$(old "$1" "$2")" || return 1
    XENSR_SIM_DIR=$T/host-to
    export XENSR_SIM_DIR
    memory_equals "$(only)" "$(new "$1")"
}
for type in pv hvm; do
    for width in 32 64; do
        if [ -n "$missing" ]; then
            skip "stock xl, $type, $width-bit toolstack" "$missing"
        else
            ok "stock xl with our converter: $type, $width-bit toolstack" \
                xl_restores $type $width libxenguest
        fi
    done
done
done_testing
