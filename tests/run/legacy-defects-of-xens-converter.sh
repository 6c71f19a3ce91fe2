#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What Xen's converter does wrong, one by one: that it still does (so that the
# list stays true), and what ours does instead. The numbers are those of
# docs/formats/legacy-stream.md.
. "${0%/*}/../lib.sh"
. "${0%/*}/../legacy-lib.sh"
requires cmp jq
needs_xens_converter

stream pv32 --type pv --width 32
stream pv64 --type pv
stream hvm32 --type hvm --width 32
stream hvm64 --type hvm
ours "$T/pv64" "$T/pv.v2" pv 64 libxl
ours "$T/hvm64" "$T/hvm.v2" hvm 64 libxl

# theirs SENTENCE STATUS IN TYPE WIDTH FORMAT [option...]
theirs()
{
    ok "Xen's: $1" status "$2" xens "$T/$3" "$T/theirs" "${@:4}"
}
# converts SENTENCE IN TYPE WIDTH FORMAT [option...]: into $T/out
converts()
{
    ok "ours: $1" status 0 ours "$T/$2" "$T/out" "${@:3}"
}
refuses() # SENTENCE STATUS REGEX IN TYPE WIDTH FORMAT [option...]
{
    ok "ours: $1" status "$2" ours "$T/$4" "$T/out" "${@:5}"
    ok "ours says why: $1" grep -Eq -- "$3" "$T/err"
}
same() { cmp "$T/$1" "$T/$2"; }
n_vcpus() { "$XENSR" inspect "$1" | grep -c X86_PV_VCPU_BASIC; }
count_is() { [ "$(n_vcpus "$T/$1")" -eq "$2" ]; }

# 1: an xl header
stream xl --type hvm --xl
theirs "1: an xl header is not understood" 1 xl hvm 64 libxl -x
converts "1: it is copied, and marked as v2" xl hvm 64 libxl -x
word_at() { od -An -tu4 -j"$2" -N4 "$1" | tr -d ' '; }
headed()
{
    [ "$(word_at "$T/out" 36)" = 2 ] && cmp -n 36 "$T/xl" "$T/out" &&
        tail -c +$((49 + $(word_at "$T/xl" 44))) "$T/out" |
        cmp - "$T/hvm.v2"
}
ok "ours: 1: only its flag has changed, and the stream follows" headed

# 2, 3: the width
theirs "2: a wrong width gives an image without memory" 0 \
    hvm32 hvm 64 libxc --skip-qemu
refuses "2: a wrong width is refused" 1 '32-bit toolstack.*64-bit was' \
    hvm32 hvm 64 libxc --skip-qemu
refuses "2: a wrong guest type, too" 1 'HVM guest.*pv was' hvm64 pv 64 libxl
refuses "2: and the other one" 1 'PV guest.*hvm was' pv64 hvm 64 libxl
theirs "3: libxl's own width does not fit a stream of the other" 1 \
    pv32 pv 64 libxl
detected()
{
    XENSR_CONVERT_WIDTH=detect ours "$T/$1" "$T/out" "$2" 64 libxl &&
        cmp "$T/out" "$T/$2.v2"
}
ok "ours: 3: PV of 32 bit, when told that the width is a guess" detected pv32 pv
ok "ours: 3: HVM of 32 bit, too" detected hvm32 hvm

# 4: what follows belongs to somebody else
left_over() # CONVERTER TYPE
{
    dd if="$T/hvm64" bs=64k status=none |
        (with "$1" 0 /dev/null hvm 64 libxc --skip-qemu; cat) | wc -c
}
[ "$(left_over "$XENS")" -eq 0 ]
ok "Xen's: 4: --skip-qemu eats the QEMU record" test $? -eq 0
[ "$(left_over "$CONVERT")" -eq 34 ]
ok "ours: 4: it is there for whoever reads on" test $? -eq 0

# 5: no pages
stream xtab --type pv --all-xtab
theirs "5: a batch of nothing becomes a record of no pages" 0 xtab pv 64 libxl
ok "Xen's: 5: which a restore refuses" must_fail 3 "$XENSR" inspect "$T/theirs"
converts "5: it is left out" xtab pv 64 libxl
ok "ours: 5: the rest is there" same out pv.v2

# 6: xsave state of different sizes
stream xsave --type pv --xsave 592,848
theirs "6: xsave state of different sizes" 1 xsave pv 64 libxl
converts "6: each has its own" xsave pv 64 libxl
ok "ours: 6: Xen's verifier accepts it" verified "$T/out" libxl

# 7, 8: which vCPUs
stream novcpu --type pv --no-vcpus
theirs "7: without a list of vCPUs there is none" 0 novcpu pv 64 libxl
ok "Xen's: 7: none at all" must_fail 3 "$XENSR" inspect "$T/theirs"
converts "7: vCPU 0 is meant" novcpu pv 64 libxl
ok "ours: 7: and is there" count_is out 1
stream twice --type pv --twice-vcpus
theirs "8: two lists add up" 1 twice pv 64 libxl
converts "8: the later one counts" twice pv 64 libxl
ok "ours: 8: as if it were alone" same out pv.v2

# 9: a region that QEMU gave no name
stream nameless --type hvm --physmap 3 --nameless
theirs "9: a region without name" 1 nameless hvm 64 libxl
converts "9: it has no name afterwards either" nameless hvm 64 libxl
names() { tr '\0' '\n' <"$T/out" | grep -ac "$1"; }
ok "ours: 9: three addresses" test "$(names '^physmap/.*/start_addr$')" -eq 3
ok "ours: 9: two names" test "$(names '^physmap/.*/name$')" -eq 2

# 10: signatures
for s in xend remus xenserver; do
    stream sig-$s --type hvm --signature $s
    theirs "10: the QEMU record of $s" 2 sig-$s hvm 64 libxl
    converts "10: the QEMU record of $s" sig-$s hvm 64 libxl
    ok "ours: 10: the same result as with libxl's" same out hvm.v2
done
stream sig-other --type hvm --signature other
theirs "10: any other signature" 2 sig-other hvm 64 libxl
refuses "10: any other is refused, with it" 2 'QemuNobodyEverSawThis' \
    sig-other hvm 64 libxl

# 11: compressed Remus streams
for t in pv hvm; do
    for w in 32 64; do
        stream zip$t$w --type $t --width $w --checkpoints 2 --compress
        theirs "11: compressed, $t, $w-bit" 2 zip$t$w $t $w libxl
        converts "11: the first checkpoint is not, $t, $w-bit" \
            zip$t$w $t $w libxl
        ok "ours: 11: it is as without compression" same out $t.v2
    done
done

# 12: unknown blocks
stream block --type pv --unknown-block
theirs "12: an unknown block of extended info" 1 block pv 64 libxl
converts "12: it is left out" block pv 64 libxl
ok "ours: 12: and nothing else" same out pv.v2
ok "ours: 12: which is said" grep -q 'unknown block' "$T/err"

# 13: descriptors closed, as daemons do
closed() # CONVERTER
{
    local rc=0
    "$1" --in "$T/hvm64" --out "$T/out" --width 64 --guest hvm \
        --format libxl <&- >&- 2>&- || rc=$?
    return $rc
}
rm -f "$T/out"
ok "Xen's: 13: without standard descriptors" status 1 closed "$XENS"
ok "ours: 13: works" status 0 closed "$CONVERT"
ok "ours: 13: the result is the same" same out hvm.v2

# 14: --version
ok "Xen's: 14: --version" status 1 "$XENS" --version 2>/dev/null
ok "ours: 14: says it" status 0 "$CONVERT" --version

# 15, 16: Xen's verifier, which ours is a replacement for
stream phys --type hvm --physmap 2
ours "$T/phys" "$T/phys.v2" hvm 64 libxl
not() { ! "$@"; }
ok "Xen's verifier: 15: refuses every stream with xenstore data" \
    not verified "$T/phys.v2" libxl
ok "ours: 15: reads it" "$XENSR" inspect "$T/phys.v2"
stream large --type hvm --pages 3000 --batch 1024
ours "$T/large" "$T/large.v2" hvm 64 libxl
piped() { dd if="$T/large.v2" status=none | verified /dev/stdin libxl; }
ok "Xen's verifier: 16: cannot read a pipe" not piped
ok "ours: 16: can" "$XENSR" inspect - <"$T/large.v2"

# elements that v2 has nothing for
for t in pv hvm; do
    stream tmem-$t --type $t --tmem --live
    theirs "transcendent memory, $t" 2 tmem-$t $t 64 libxl
    refuses "transcendent memory, $t, is refused with a way out" 2 \
        'drop-tmem' tmem-$t $t 64 libxl
    stream notmem-$t --type $t --live
    converts "it is left out on request, $t" tmem-$t $t 64 libxl --drop-tmem
    ours "$T/notmem-$t" "$T/want" $t 64 libxl
    ok "ours: and nothing else, $t" same out want
done
done_testing
