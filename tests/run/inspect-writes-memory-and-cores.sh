#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr inspect --raw` and `--elf`: the memory that the simulated guest has,
# octet by octet, holes where it has none; a core that readelf and gdb open with
# the registers of the image; all of it or no file at all.
. "${0%/*}/../lib.sh"
. "$TOP/tests/memory-lib.sh"
requires jq zstd perl readelf
inspect() { "$XENSR" -q inspect "$@"; }

# The pages of a domain are in the raw file; how many were not zero.
has_memory_of()
{
    "$SIM" memory --skip-owned "$2" | perl -e '
        open my $f, "<", $ARGV[0] or die;
        my ($n, $zero, $page) = (0, "\0" x 4096);
        while (read STDIN, my $e, 4104) {
            my $pfn = unpack "Q<", $e;
            sysseek $f, $pfn * 4096, 0;
            die "page $pfn\n" if sysread($f, $page, 4096) != 4096 or
                $page ne substr $e, 8;
            $n += $page ne $zero;
        }
        die "only $n pages\n" if $n < 1000' "$1"
}
MEMORY_AT=16777216

# gdb says what is in the core; $1 is the core, the rest are commands
debug()
{
    local core=$1 c args=()
    shift
    for c; do args+=(-ex "$c"); done
    gdb -q -nx -batch "${args[@]}" -c "$core" 2>/dev/null
}
registers_agree()
{
    local vcpu rip rsp
    while read -r vcpu rip rsp; do
        [ "$(debug "$1" "thread $((vcpu + 1))" 'p/x $rip' 'p/x $rsp' |
            sed -n 's/^\$[0-9]* = //p' | tr '\n' ' ')" = "$rip $rsp " ] ||
            { echo "vCPU $vcpu: $rip $rsp"; return 1; }
    done <"$2"
}

fresh_host
for type in pv pvh hvm; do
    d=$(xensr sim create --type $type --memory 16 --vcpus 2 --dirty-rate 2000) ||
        exit 1
    xensr -q save --live "$d" "$T/$type.save" || exit 1
    xensr -q restore --paused "$T/$type.save" || exit 1
    d=$(domids)
    inspect --memory "$T/$type.save" >"$T/mem"
    ok "$type: the raw file is written" inspect --raw "$T/raw" "$T/$type.save"
    ok "$type: it is what --memory tells" same_memory "$T/raw" 0 "$T/mem"
    ok "$type: it is the memory of the guest that comes back" \
        has_memory_of "$T/raw" "$d"
    ok "$type: through a pipe, compressed" eval \
        'zstd -qc "$T/$type.save" | inspect --raw "$T/raw2" - && cmp "$T/raw" "$T/raw2"'
    ok "$type: what is not there is a hole" eval \
        '[ $(($(stat -c %b "$T/raw") * 512)) -le $(($(stat -c %s "$T/mem") + 65536)) ]'
    ok "$type: the core is written" inspect --elf "$T/core" "$T/$type.save"
    ok "$type: it has the same memory" same_memory "$T/core" $MEMORY_AT "$T/mem"
    run readelf -hlnW "$T/core"
    ok "$type: readelf finds nothing odd" eval \
        '[ "$RC" -eq 0 ] && ! grep -i warn "$T/err" && grep -q CORE "$T/out"'
    ok "$type: each run of pages is a segment" eval \
        '[ "$(grep -c "^ *LOAD" "$T/out")" -eq \
        "$(inspect --pages --json "$T/$type.save" | jq .statistics.n_runs)" ]'
    ok "$type: two vCPUs have registers" \
        [ "$(grep -c NT_PRSTATUS "$T/out")" -eq 2 ]
    if [ $type = pv ]; then
        inspect --json --decode --records X86_PV_VCPU_BASIC "$T/pv.save" |
            jq -r '.records[].content | "\(.vcpu_id) \(.rip) \(.rsp)"' >"$T/regs"
    else
        inspect --json --decode --records HVM_CONTEXT "$T/$type.save" |
            jq -r '.records[0].content | to_entries[] |
                select(.key | startswith("CPU/")) |
                "\(.key[4:]) \(.value.rip) \(.value.rsp)"' >"$T/regs"
    fi
    if command -v gdb >/dev/null; then
        ok "$type: gdb sees those registers" registers_agree "$T/core" "$T/regs"
        pfn=$(od -An -tu8 -j $((4104 * 50)) -N 8 "$T/mem")
        ok "$type: gdb reads memory by its physical address" \
            [ "$(debug "$T/core" "x/1xg $((pfn * 4096))" | awk 'END { print $NF }')" = \
            "0x$(od -An -tx8 -j $((4104 * 50 + 8)) -N 8 "$T/mem" | tr -d ' ')" ]
    else
        skip "$type: gdb opens it" "gdb is not installed"
    fi
    rm -f "$T/raw" "$T/raw2" "$T/core"
    xensr -q destroy "$d" || exit 1
done

# A page that was sent and has become zero since is a hole again.
img=$(image hvm --live) || exit 1
inspect --memory "$img" >"$T/mem"
inspect --raw "$T/raw" "$img"
ok "the last content counts, also a zero one" same_memory "$T/raw" 0 "$T/mem"
n=$("$MUTATE" offsets <"$img" | awk '/PAGE_DATA/ { n = $3; len = $5 } END {
    print n, len - 4096 }')
"$MUTATE" "body:libxc:PAGE_DATA:${n% *}:${n#* }:zeros*4096" <"$img" >"$T/zeroed"
inspect --memory "$T/zeroed" >"$T/mem0"
inspect --raw "$T/raw0" "$T/zeroed"
ok "(one page less)" [ $(($(stat -c %s "$T/mem") - $(stat -c %s "$T/mem0"))) -eq 4104 ]
ok "what the last round zeroes is a hole" same_memory "$T/raw0" 0 "$T/mem0"

# ---- all or nothing -------------------------------------------------------------
rm -f "$T"/raw* "$T"/core*
mkdir "$T/dir"
nothing_there() { [ -z "$(find "$T/dir" "$TMPDIR" -mindepth 1)" ]; }
"$MUTATE" cut:-100 <"$img" >"$T/cut"
for o in --raw --elf; do
    ok "$o of a cut image is refused" must_fail 3 inspect $o "$T/dir/x" "$T/cut"
    ok "$o: no file is left" nothing_there
    echo old >"$T/old"
    must_fail 3 inspect $o "$T/old" "$T/cut" >/dev/null
    ok "$o: an older file stays" grep -q old "$T/old"
    ok "$o: memory goes into a file, not a pipe" \
        must_fail 1 bash -c "'$XENSR' -q inspect $o - '$img' | cat; exit \${PIPESTATUS[0]}"
    ok "$o: and not to standard output" \
        must_fail 1 bash -c "'$XENSR' -q inspect $o - '$img' >'$T/file'"
    ok "$o: a full disk leaves nothing" must_fail 1 \
        bash -c "ulimit -f 64; trap '' XFSZ; '$XENSR' -q inspect $o '$T/dir/x' '$img'"
    ok "$o: the message has the reason" says 'File too large'
    ok "$o: and no file" nothing_there
done
ok "two of them exclude each other" must_fail 2 inspect --raw a --elf b "$img"
ok "they do not list" must_fail 2 inspect --raw a --decode "$img"

# Stopped while the input has not come yet.
mkfifo "$T/fifo"
"$XENSR" -q inspect --elf "$T/dir/x" "$T/fifo" 2>"$T/err" &
pid=$!
exec 3>"$T/fifo"
head -c 3000000 "$img" >&3
sleep 0.2
kill -INT $pid 2>/dev/null || kill -TERM $pid
kill -TERM $pid 2>/dev/null
ok "Ctrl-C ends it" must_fail 1 wait $pid
exec 3>&-
ok "and leaves no file" nothing_there
ok "--json says what was written" eval 'inspect --json --elf "$T/core" "$img" |
    jq -e ".format == \"elf\" and .vcpus == 2 and .complete"'
done_testing
