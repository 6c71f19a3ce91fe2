#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# State records of the libxc image: PV info, frames, vCPUs, shared info, HVM
# context and parameters, TSC, policies. Each rule broken by itself is found, by
# its name, where it is.
. "${0%/*}/../lib.sh"
# shellcheck source=tests/check-lib.sh
. "${0%/*}/../check-lib.sh"

# body KIND RULES RECORD OFF HEX "SENTENCE": octets of a record's body. The
# finding is at OFF, or at AT, if that is set.
body()
{
    case_ "$1" "$2" "${AT:-$3+$((8 + $4))}" "$6" "body:$3:$([[ $3 == *:*:* ]] || echo 0:)$4:$5"
}
# other KIND RULES AT RECORD BEFORE HEX "SENTENCE": RECORD has this body.
other()
{
    case_ "$1" "$2" "$3" "$7" "drop:$4" \
        "record:$5:$([[ $5 == *:*:* ]] || echo 0:)$(cut -d: -f2 <<<"$4"):$6"
}
V=libxc:X86_PV_VCPU_ I=libxc:X86_PV_INFO F=libxc:X86_PV_P2M_FRAMES
B=${V}BASIC E=${V}EXTENDED X=${V}XSAVE M=${V}MSRS
N=libxc:END TSC=libxc:X86_TSC_INFO C=libxc:X86_CPUID_POLICY
one=0100000000000000

# ---- PV: the whole guest -----------------------------------------------------

P=libxc:PAGE_DATA
for kind in pv64 pv32; do
    pair=0804
    [ $kind = pv64 ] || pair=0403
    other $kind pv-info.length $I $I $C ${pair}00000000000000000000 "PV_INFO of 12 octets"
    AT=$I+8 body $kind pv-info.pair $I 1 05 "5 levels"
    body $kind pv-info.reserved $I 2 01 "a reserved octet"
    AT=$I+10 body $kind pv-info.reserved $I 7 80 "the last one"
    other $kind p2m.length $F $F $P 000000000f000000 "no frames"
    other $kind p2m.length $F $F $P 000000000f0000000500000000000000000000 "half a frame"
    body $kind p2m.range $F 0 10 "start above end"
    other $kind p2m.count $F $F $P \
        000000000f00000005000000000000000500000000000000 "a frame too many"
    other $kind p2m.count,shared-info.max-pfn $F $F $P 00000000000400000500000000000000 \
        "too few frames"
    body $kind p2m.first $F 0 01 "the first one begins at 1"
    body $kind p2m.frame-beyond $F 8 10 "a frame behind the end"
    body $kind p2m.frame-beyond $F 8 ffffffffffffffff "the highest frame"
    body $kind p2m.frame-type $F 8 09 "a frame that is a page table"
    body $kind p2m.frame-type $F 8 0b "a frame that is not there"
done
case_ pv64 p2m.range $P+8 "a list that leaves a hole" \
    record:$P:0:X86_PV_P2M_FRAMES:000800000f0800000500000000000000
case_ pv64 pv-info.length $I "PV_INFO of 4 octets" drop:$I record:$C:0:X86_PV_INFO:08040000
AT=$I+8 body pv64 pv-info.pair $I 0 05 "width 5"
AT=$I+8 body pv64 pv-info.pair $I 0 0803 "width 8 with 3 levels"
AT=$I+8 body pv32 pv-info.pair $I 0 0404 "width 4 with 4 levels"
S=libxc:SHARED_INFO
other pv64 shared-info.length $S $S $B 'zeros*4088' "SHARED_INFO of 4088 octets"
other pv32 shared-info.length $S $S $B 'zeros*8192' "SHARED_INFO of two pages"
body pv64 shared-info.max-pfn $S 3088 0f "fewer pages than frames"
body pv32 shared-info.max-pfn $S 2316 0f "fewer pages than frames"

# ---- PV: vCPUs ---------------------------------------------------------------

for kind in pv64 pv32; do
    gdt=4832 ents=4960 cr3=5008 edx=616
    [ $kind = pv64 ] || gdt=2640 ents=2704 cr3=2728 edx=524
    other $kind vcpu.short $M:1 $M:1 $N 01000000 "half a header"
    other $kind vcpu.short $M:1 $M:1 $N '' "no header"
    for r in BASIC EXTENDED XSAVE MSRS; do
        body $kind vcpu.reserved $V$r:1 4 01 "$r: a reserved word"
    done
    other $kind vcpu.empty,config.vcpu-offline $B:1 $B:1 $E:1 $one "empty BASIC"
    other $kind vcpu.empty $E:1 $E:1 $X:1 $one "empty EXTENDED"
    other $kind vcpu.empty $X:1 $X:1 $M:1 $one "empty XSAVE"
    other $kind vcpu.empty $M:1 $M:1 $N $one "empty MSRS"
    body $kind vcpu.id,vcpu.offline,config.vcpu-offline $B:1 0 00200000 "vCPU 8192"
    body $kind vcpu.id $M:1 0 ffffffff "vCPU 2^32 - 1"
    other $kind vcpu.basic $B:1 $B:1 $E:1 $one$z "BASIC of 16 octets"
    body $kind vcpu.gdt $B:1 $((8 + ents)) 011c "7169 GDT entries"
    body $kind vcpu.gdt $B:1 $((8 + gdt)) 10 "a GDT behind the end"
    body $kind vcpu.gdt $B:1 $((8 + gdt)) 09 "a page table for a GDT"
    body $kind vcpu.gdt $B $((8 + gdt)) 0b "a GDT that is not there"
    AT=$B:1+$((16 + cr3)) body $kind vcpu.cr3 $B:1 $((9 + cr3)) 0001 "cr3 behind the end"
    AT=$B:1+$((16 + cr3)) body $kind vcpu.cr3 $B:1 $((9 + cr3)) c0 "cr3 is an ordinary page"
    AT=$B:1+$((16 + cr3)) body $kind vcpu.cr3 $B:1 $((9 + cr3)) 80 "cr3 is an L2"
    AT=$B:0+$((16 + cr3)) body $kind vcpu.cr3 $B:0 $((9 + cr3)) 00 "cr3 is pfn 0"
    body $kind vcpu.start-info $B $((8 + edx)) 10 "start_info behind the end"
    body $kind vcpu.start-info $B $((8 + edx)) 0b "start_info that is not there"
    body $kind vcpu.start-info $B $((8 + edx)) 08 "start_info is a page table"
    body $kind start-info.magic $B $((8 + edx)) 0c "start_info is another page"
    body $kind vcpu.extended $E:1 8 00 "EXTENDED of another vCPU"
    body $kind vcpu.extended $E:1 12 1f "a size of 31"
    body $kind vcpu.extended $E:1 12 41 "a size above the record's"
    other $kind vcpu.extended $E:1 $E:1 $X:1 ${one}0100000018000000$z$z "EXTENDED of 24 octets"
    other $kind vcpu.extended $E $E $X 'zeros*144' "EXTENDED of 136 octets"
    AT=$X:1+16 body $kind vcpu.xsave $X:1 16 00 "no features"
    AT=$X:1+552 body $kind vcpu.xsave $X:1 551 80 "a compacted area"
    other $kind vcpu.xsave $X:1+16 $X:1 $M:1 \
        ${one}07000000000000000700000000000000 "features without an area"
    other $kind vcpu.xsave $X:1 $X:1 $M:1 $one$z "half of two words"
    body $kind vcpu.msrs $M:1 12 01 "a reserved word"
    body $kind vcpu.msrs $M:1 24 48000000 "an MSR twice"
    other $kind vcpu.msrs $M:1+16 $M:1 $N $one$z "half an MSR"
    case_ $kind vcpu.offline,config.vcpu-offline $B:1 "a vCPU without BASIC" drop:$B:1
done
AT=$B:0+$((16 + 4992)) body pv64 vcpu.cr1 $B $((8 + 4992)) 00 "cr1 without bit 0"
AT=$B:0+$((16 + 4992)) body pv64 vcpu.cr1 $B $((9 + 4992)) 0001 "cr1 behind the end"
AT=$B:0+$((16 + 4992)) body pv64 vcpu.cr1 $B $((9 + 4992)) 70 "cr1 is an L3"
s1=$((8 + 8 * 16 + 4096)) # start_info in the body of PAGE_DATA
case_ pv64 start-info.frames $B+632 "a store page behind the end" body:$P:0:$((s1 + 56)):10
case_ pv64 start-info.frames $B+632 "a console page behind the end" body:$P:0:$((s1 + 79)):01
case_ pv32 start-info.frames $B+540 "a store page behind the end" body:$P:0:$((s1 + 44)):10
case_ pv64 start-info.magic $B+632 "start_info without its magic" body:$P:0:$s1:00

# ---- HVM context -------------------------------------------------------------

H=libxc:HVM_CONTEXT
# entry KIND TYPE INSTANCE: where its header is in the body.
entry()
{
    "$XENSR" check --quiet "$T/$1.img" || exit 99
    dd if="$T/$1.img" bs=1 skip="$(off $1:$H:0 8)" count=8000 2>/dev/null |
        od -An -v -tu1 -w8000 | awk -v type="$2" -v instance="$3" '{
            for (at = 0; ; at += 8 + len) {
                len = $(at + 5) + 256 * $(at + 6)
                if ($(at + 1) + 256 * $(at + 2) == type && $(at + 3) == instance)
                    break
                if ($(at + 1) == 0 && $(at + 2) == 0) { at = -1; break }
            }
            print at
        }'
}
hvm() # KIND RULES TYPE INSTANCE OFF FOUND HEX "SENTENCE": OFF, FOUND from the entry
{
    local e
    e=$(entry "$1" "$3" "$4")
    case_ "$1" "$2" "$H+$((8 + e + $6))" "$8" "body:$H:0:$((e + $5)):$7"
}
for kind in pvh hvm; do
    other $kind hvm.empty $H $H libxc:HVM_PARAMS '' "an empty record"
    hvm $kind hvm.header 1 0 8 8 00 "another magic"
    hvm $kind hvm.header 1 0 12 8 02 "version 2"
    hvm $kind hvm.header,hvm.type 1 0 0 0 15 "the first entry is another"
    hvm $kind hvm.header,hvm.instance 1 0 2 0 01 "HEADER of instance 1"
    hvm $kind hvm.type 9 0 0 0 15 "type 21"
    hvm $kind hvm.type 9 0 0 0 ffff "type 65535"
    hvm $kind hvm.cut 9 0 4 0 ffff "an entry longer than the record"
    hvm $kind hvm.cut 9 0 4 0 ffffffff "an entry of 4 GiB"
    hvm $kind hvm.repeated,hvm.vcpu,config.vcpu-offline 2 1 2 0 00 "vCPU 0 twice"
    hvm $kind hvm.instance 7 0 2 2 01 "instance 1 of PCI_IRQ"
    hvm $kind hvm.end 0 0 2 0 01 "END of instance 1"
done

# ent TYPE INSTANCE LENGTH [HEX]: an entry; its body is HEX and zeros.
ent()
{
    local hex=${4-}
    printf '%02x00%02x00%02x%02x0000%s%0*d' "$1" "$2" $(($3 & 255)) $(($3 >> 8)) \
        "$hex" $((2 * $3 - ${#hex})) 0 | cut -c -$((16 + 2 * $3))
}
head=$(ent 1 0 24 861238540100000000000000)$(ent 2 0 1032)$(ent 2 1 1032)
end=$(ent 0 0 0)
at0=$((8 + 32 + 2 * 1040)) # of the entry behind those, from the record
# chain RULES OFF ENTRIES "SENTENCE": OFF counts from the first of ENTRIES.
chain()
{
    other pvh "$1" "$H+$((at0 + $2))" $H libxc:HVM_PARAMS "$head$3$end" "$4"
}
while read -r type name lengths; do
    for len in $lengths; do
        chain hvm.length 4 "$(ent "$type" 0 "$len" ff)" "$name of $len octets"
    done
done <<'TABLE'
3 PIC 7 16
4 IOAPIC 392 408
5 LAPIC 23 28 40
6 LAPIC_REGS 1023 1032
7 PCI_IRQ 8
8 ISA_IRQ 16
9 PCI_LINK 4
10 PIT 48 64
11 RTC 25
12 HPET 1040 1056
13 PMTIMER 4
14 MTRR 232 248
15 VIRIDIAN_DOMAIN 33
16 CPU_XSAVE 24 599
17 VIRIDIAN_VCPU 217
18 VMCE_VCPU 40
19 TSC_ADJUST 4 16
20 CPU_MSR 8 23
TABLE
chain hvm.repeated 24 "$(ent 7 0 16)$(ent 7 0 16)" "PCI_IRQ twice"
chain hvm.instance 2 "$(ent 3 2 8)" "a third PIC"
chain hvm.instance 2 "$(ent 4 1 400)" "a second IOAPIC"
chain hvm.type 0 "$(ent 22 0 8)" "an entry of a vendor"
chain hvm.msr 8 "$(ent 20 0 24 0200000000000000)" "CPU_MSR counts one more"
chain hvm.msr 8 "$(ent 20 0 24 00)" "CPU_MSR counts none"
chain hvm.msr 8 "$(ent 20 0 24 0100000001)" "the reserved word of CPU_MSR"
chain hvm.msr 20 "$(ent 20 0 24 01000000000000004800000001)" "the reserved word of an MSR"
seven=00000000000000000700000000000000
chain hvm.xsave 4 "$(ent 16 0 600 "${seven}0700000000000000")" "an area too short for AVX"
chain hvm.xsave 4 "$(ent 16 0 608 "${seven}03$(printf '%01166d' 0)01")" "an excess that is not zero"
chain hvm.xsave 552 "$(ent 16 0 856 "${seven}07$(printf '%01068d' 0)80")" "a compacted area"
other pvh hvm.vcpu $H $H libxc:HVM_PARAMS "$head$(ent 19 2 8)$end" "TSC_ADJUST of vCPU 2 alone"
other pvh hvm.vcpu,config.vcpu-offline $H $H libxc:HVM_PARAMS \
    "$(ent 1 0 24 861238540100000000000000)$(ent 2 1 1032)$end" "no CPU entry of vCPU 0"
other pvh hvm.vcpu $H $H libxc:HVM_PARAMS \
    "$(ent 1 0 24 861238540100000000000000)$end" "no vCPU"
other pvh config.vcpu-state end $H libxc:HVM_PARAMS "$head$(ent 2 2 1032)$end" "vCPU 2 of 2"
other pvh hvm.end $H+$at0 $H libxc:HVM_PARAMS "$head" "no END"
other pvh hvm.end,hvm.trailing $H+$at0 $H libxc:HVM_PARAMS "$head$(ent 0 0 8)" "END with a body"
other pvh hvm.trailing $H+$((at0 + 8)) $H libxc:HVM_PARAMS "$head$end$z" "octets behind END"
other pvh hvm.cut $H+$at0 $H libxc:HVM_PARAMS "${head}07000000" "half an entry's header"

# ---- HVM parameters ----------------------------------------------------------

R=libxc:HVM_PARAMS
params() { other pvh "$1" "$2" $R $N "$3" "$4"; } # RULES AT HEX "SENTENCE"
for kind in pvh hvm; do
    body $kind params.reserved $R 4 01 "a reserved word"
    AT=$R body $kind params.length,order.store $R 0 ff "255 parameters in the place of fewer"
    body $kind params.index $R 88 27 "parameter 39"
    AT=$R+96 body $kind params.index $R 95 01 "parameter 2^56"
    body $kind params.obsolete $R 88 0d "DM_DOMAIN"
    body $kind params.obsolete $R 88 18 "NESTEDHVM"
    body $kind params.pae $R 88 04 "PAE_ENABLED"
    body $kind params.repeated $R 88 1b "a parameter twice"
    AT=$N body $kind order.store $R 8 00 "no store page"
    AT=$R+16 body $kind params.absent $R 16 f5 "a store page that was not sent"
    AT=$R+16 body $kind params.absent $R 16 f0 "a store page without content"
    AT=$R+32 body $kind params.absent $R 32 f7 "an ioreq page that was not sent"
    AT=$R+112 body $kind params.absent $R 112 f7 "a console page that was not sent"
done
params params.length,order.store $R 01000000 "half a count"
params params.length,order.store $R '' "no count"
params params.empty,order.store $R $z "no parameters"

# ---- TSC and policies --------------------------------------------------------

for kind in pv64 pvh; do
    after=libxc:SHARED_INFO
    [ $kind = pv64 ] || after=$H
    other $kind tsc.length $TSC $TSC $after $z$z "16 octets"
    other $kind tsc.length $TSC $TSC $after $z$z$z$z "32 octets"
    body $kind tsc.mode $TSC 0 04 "mode 4"
    AT=$TSC+8 body $kind tsc.mode $TSC 3 80 "mode 2^31"
    body $kind tsc.mode-3 $TSC 0 03 "mode 3"
    body $kind tsc.reserved $TSC 20 01 "a reserved word"
    L=libxc:X86_CPUID_POLICY M=libxc:X86_MSR_POLICY S=libxc:STATIC_DATA_END
    other $kind cpuid.length $L $L $M '' "no leaves"
    other $kind cpuid.length $L $L $M $z$z "16 octets of leaves"
    other $kind cpuid.length $L $L $M 'zeros*24600' "1025 leaves"
    AT=$L+32 body $kind cpuid.order $L 24 00 "a leaf twice"
    AT=$L+56 body $kind cpuid.order $L 24 09 "leaves that descend"
    other $kind msr.length $M $M $S '' "no MSRs"
    other $kind msr.length $M $M $S $z "half an MSR"
    other $kind msr.length $M $M $S 'zeros*16400' "1025 MSRs"
    body $kind msr.flags $M 4 01 "flags of an MSR"
    AT=$M+28 body $kind msr.flags $M 23 80 "the highest flag"
    AT=$M+24 body $kind msr.order $M 16 ce00 "an MSR twice"
    AT=$M+24 body $kind msr.order $M 16 0000 "MSRs that descend"
done
done_testing
