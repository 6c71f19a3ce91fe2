#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# `xensr inspect --decode`: of an image of real Xen the entries and sizes that
# xen-hvmctx names, the sections of QEMU's state, parameters and policies; of a
# simulated guest what its hypervisor says; --hex and --records; the same values
# as text and as JSON.
. "${0%/*}/../lib.sh"
requires jq zstd perl
inspect() { "$XENSR" inspect "$@"; }
golden=$TOP/tests/golden/images
hvm=$golden/xen-4.17-hvm-bios.save.zst
pv=$golden/xen-4.17-pv.save.zst

# content FILE RECORD [n]: the decoded tree of a record.
content()
{
    inspect --json --decode --records "$2" "$1" |
        jq ".records[${3:-0}].content"
}
is() { diff <(printf '%s\n' "$1") <(printf '%s\n' "$2"); }

# ---- HVM, real ----------------------------------------------------------------
content "$hvm" HVM_CONTEXT >"$T/ctx"
ok "the context has the entries and sizes that Xen 4.17 writes" is \
    "HEADER/0:24 CPU/0:1032 PIC/0:8 PIC/1:8 IOAPIC/0:400 LAPIC/0:24 \
LAPIC_REGS/0:1024 PCI_IRQ/0:16 ISA_IRQ/0:8 PCI_LINK/0:8 PIT/0:56 RTC/0:24 \
HPET/0:1048 PMTIMER/0:8 MTRR/0:240 VMCE_VCPU/0:32 TSC_ADJUST/0:8" \
    "$(jq -r '[to_entries[] | "\(.key):\(.value.length)"] | join(" ")' "$T/ctx")"
ok "its header is Xen's" jq -e '."HEADER/0" | .magic == "0x54381286" and
    .version == 1 and .changeset == "0xffffffffffffffff"' "$T/ctx"
ok "the guest is in protected mode, without paging" jq -e '."CPU/0" |
    .cr0 == "0x11" and .cr3 == "0x0" and .cs_sel == "0x18" and
    .cs_limit == "0xffffffff"' "$T/ctx"
ok "an HVM guest's devices stand where they are" jq -e '
    ."LAPIC/0".apic_base_msr == "0xfee00900" and
    ."IOAPIC/0".base_address == "0xfec00000" and
    ."PIC/0".is_master == 1 and ."PIC/1".is_master == 0 and
    ."PIT/0"."channel[0]".count == 65536 and
    ."RTC/0".year == "0x26" and ."MTRR/0".pat == "0x7040600070406"' "$T/ctx"

# Every register once more, by offset: octets behind the header of the record,
# HEADER's entry of 8 + 24, CPU's of 8, then in the order of the structure.
zstd -q -d -f -c "$hvm" >"$T/plain" # -f: it is a link
at=$("$MUTATE" offsets <"$T/plain" | awk '/HVM_CONTEXT/ { print $4 + 8 + 32 + 8 }')
qwords=$(od -An -v -w8 -tx8 -j $((at + 512)) -N $((28 * 8)) "$T/plain" |
    sed -E 's/ 0*([0-9a-f]+)$/0x\1/' | tr '\n' ' ')
ok "the registers are those in the file" is "$qwords" "$(jq -r '."CPU/0" |
    [.rax, .rbx, .rcx, .rdx, .rbp, .rsi, .rdi, .rsp, .r8, .r9, .r10, .r11,
    .r12, .r13, .r14, .r15, .rip, .rflags, .cr0, .cr2, .cr3, .cr4, .dr0, .dr1,
    .dr2, .dr3, .dr6, .dr7] | join(" ")' "$T/ctx") "

content "$hvm" EMULATOR_CONTEXT >"$T/qemu"
ok "the device model's sections, with versions and lengths" is \
    "timer/0:2:24 cpu_common/0:1:8 cpu/0:12:1347 apic/0:3:181 PCIBUS/0:1:516 \
0000:00:00.0/I440FX/0:3:277 dma/0:1:75 dma/1:1:75 0000:00:01.0/PIIX3/0:3:292 \
ioapic/0:3:206 hpet/0:2:151 mc146818rtc/0:3:245 serial/0:3:11 fdc/0:2:593 \
ps2kbd/0:3:284 ps2mouse/0:2:291 pckbd/0:3:4 port92/0:1:1 \
0000:00:01.1/ide/0:3:430 i2c_bus/0:1:1 0000:00:01.3/piix4_pm/0:3:336 \
0000:00:02.0/platform/0:4:277 0000:00:03.0/cirrus_vga/0:2:1870" \
    "$(jq -r '[.sections | to_entries[] |
        "\(.key):\(.value.version):\(.value.length)"] | join(" ")' "$T/qemu")"
ok "their subsections" is "cpu/poll_control_msr fdrive/media_rate \
fdrive/media_rate piix4_pm/memhp" \
    "$(jq -r '[.sections[].subsections // empty | .[]] | join(" ")' "$T/qemu")"
first=$(jq '.sections."timer/0".offset' "$T/qemu")
ok "and where they are in the file" is "timer" \
    "$(od -An -c -j $((first + 6)) -N 5 "$T/plain" | tr -d ' ')"

ok "parameters have names" is "STORE_PFN=0xfeffc CONSOLE_PFN=0xfefff" \
    "$(content "$hvm" HVM_PARAMS |
        jq -r '"STORE_PFN=\(.STORE_PFN) CONSOLE_PFN=\(.CONSOLE_PFN)"')"
ok "51 CPUID leaves, the vendor in the first" is "51 0x68747541" \
    "$(content "$hvm" X86_CPUID_POLICY | jq -r '"\(length) \(."0x0".ebx)"')"
ok "MSRs have names" jq -e '."0x10a ARCH_CAPABILITIES" == "0x0"' \
    <(content "$hvm" X86_MSR_POLICY)
ok "the configuration is the one in the file" is "$(tail -c +53 "$T/plain" |
    head -c 1204 | jq -S .)" "$(content "$hvm" configuration | jq -S .)"

# ---- PV, real -------------------------------------------------------------------
content "$pv" X86_PV_VCPU_BASIC >"$T/vcpu"
ok "a PV vCPU: 64-bit registers, roots, handlers" jq -e '.vcpu_id == 0 and
    .length == 5168 and (.rip | test("^0x")) and (."ctrlreg[3]" | test("000$")) and
    .cs == "0xe033" and .fpu.mxcsr != null' "$T/vcpu"
ok "its start_info is where the listing says" is \
    "$(inspect --json "$pv" | jq '[.records[].start_info_pfn // empty][0]')" \
    "$(($(jq -r .rdx "$T/vcpu")))"
ok "shared info: the guest counts its pages" is \
    "$(inspect --json "$pv" | jq '[.records[].max_pfn // empty][0]')" \
    "$(content "$pv" SHARED_INFO | jq .max_pfn)"
ok "where its own table is" jq -e '.frames > 0 and ."frame[0]" != null' \
    <(content "$pv" X86_PV_P2M_FRAMES)

# ---- one simulated --------------------------------------------------------------
fresh_host
d=$(xensr sim create --type hvm --memory 16 --vcpus 2) || exit 1
xensr -q save --keep paused "$d" "$T/sim.save" || exit 1
ok "a simulated guest's parameters are its hypervisor's" is "" \
    "$(jq -rn --argjson sim "$("$SIM" info --json "$d" | jq .hvm_params)" \
        --argjson img "$(content "$T/sim.save" HVM_PARAMS)" '
        {STORE_PFN: "1", IOREQ_PFN: "5", BUFIOREQ_PFN: "6", IDENT_PT: "12",
         CONSOLE_PFN: "17", VM86_TSS_SIZED: "37"} | to_entries[] |
        select(($img[.key][2:] | ascii_downcase | explode |
            reduce .[] as $c (0; . * 16 + if $c > 90 then $c - 87 else $c - 48 end))
            != $sim[.value]) | .key')"
ok "two vCPUs have each of their entries, with XSAVE and MSRs" is \
    "CPU CPU_MSR CPU_XSAVE LAPIC LAPIC_REGS MTRR TSC_ADJUST VMCE_VCPU" \
    "$(content "$T/sim.save" HVM_CONTEXT | jq -r '[keys[] | select(endswith("/1") and
        (startswith("PIC") | not)) | .[:-2]] | sort | join(" ")')"
ok "XSAVE shows its components" jq -e '."CPU_XSAVE/0" | .xcr0 == .xcr0_accum and
    .components.length == .length - 600' <(content "$T/sim.save" HVM_CONTEXT)

# ---- text, hex, choice -------------------------------------------------------------
ok "text and JSON have the same values" is "$(jq -r '."CPU/0" |
    "\(.rip) \(.rsp) \(.tsc)"' "$T/ctx")" \
    "$(inspect --decode --records hvm_context "$hvm" | tr ' ' '\n' |
        sed -n 's/^rip=//p; s/^rsp=//p; s/^tsc=//p' | tr '\n' ' ' |
        sed 's/ $//')"
octets()
{
    local at len
    read -r at len < <("$MUTATE" offsets <"$T/plain" |
        awk -v r="$1" '$2 == r { print $4 + 8, $5; exit }')
    tail -c +$((at + 1)) "$T/plain" | head -c "$len"
}
for r in HVM_PARAMS HVM_CONTEXT EMULATOR_CONTEXT X86_CPUID_POLICY; do
    inspect --json --hex --records $r "$hvm" | jq -r '.records[0].hex' >"$T/hex"
    ok "--hex --json: the octets of $r" eval \
        'perl -ne "chomp; print pack q(H*), \$_" <"$T/hex" | cmp - <(octets $r) && [ -s "$T/hex" ]'
done
inspect --hex --records HVM_PARAMS "$hvm" >"$T/hex"
first=$("$MUTATE" offsets <"$T/plain" | awk '/HVM_PARAMS/ { print $4 + 8 }')
ok "--hex: offsets are those of the file" grep -q "^ *$first   0a 00 00 00" "$T/hex"
ok "--hex: the last line is the end of the record" is \
    "$(octets HVM_PARAMS | tail -c 8 | od -An -v -tx1 | tr -d ' ')" \
    "$(grep -E '^ +[0-9]+  +[0-9a-f]{2} ' "$T/hex" | tail -n 1 |
        sed 's/|.*//; s/^ *[0-9]* //; s/ //g')"
ok "--records by number and by name, more than one" is \
    "X86_TSC_INFO HVM_CONTEXT HVM_PARAMS" \
    "$(inspect --json --records 0xa,hvm_context,X86_TSC_INFO "$hvm" |
        jq -r '[.records[].name] | join(" ")')"
ok "a type that is none is refused" must_fail 2 inspect --records PAGE_DAT "$hvm"
ok "an empty one too" must_fail 2 inspect --records HVM_PARAMS, "$hvm"
ok "nothing is left" eval '[ -z "$(ls -A "$TMPDIR")" ]'
done_testing
