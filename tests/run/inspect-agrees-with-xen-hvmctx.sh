#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# What `xensr inspect --decode` says of an HVM context is what Xen's own
# xen-hvmctx says of the domain that was restored from it: the entries and their
# sizes in their order, and the fields that both of them know.
. "${0%/*}/../lib.sh"
requires zstd jq python3
requires_stock
hvmctx=${STOCK%/*}/root/usr/lib/xen-4.17/bin/xen-hvmctx
[ -x "$hvmctx" ] || skip_all "Debian's xen-hvmctx is not there (make stock)"

# agree.py INSPECT HVMCTX: every value of the second that has a name in the first
cat >"$T/agree.py" <<'P'
import json, re, sys
records = json.load(open(sys.argv[1]))["records"]
ours = [r["content"] for r in records if r["name"] == "HVM_CONTEXT"][0]
text = open(sys.argv[2]).read()
names = {1: "HEADER", 2: "CPU", 3: "PIC", 4: "IOAPIC", 5: "LAPIC",
         6: "LAPIC_REGS", 7: "PCI_IRQ", 8: "ISA_IRQ", 9: "PCI_LINK", 10: "PIT",
         11: "RTC", 12: "HPET", 13: "PMTIMER", 14: "MTRR", 16: "CPU_XSAVE",
         17: "VIRIDIAN_VCPU", 18: "VMCE_VCPU", 19: "TSC_ADJUST", 20: "CPU_MSR"}
parts = re.split(r"^Entry \d+: type (\d+) instance (\d+), length (\d+)\n", text,
                 flags=re.M)[1:]
theirs = [(int(t), int(i), int(n), body)
          for t, i, n, body in zip(*[iter(parts)] * 4)]
assert theirs and theirs[-1][0] == 0, "xen-hvmctx did not come to the end"
sizes = [("%s/%d" % (names[t], i), n) for t, i, n, _ in theirs[:-1]]
if sizes != [(k, v["length"]) for k, v in ours.items()]:
    sys.exit("entries: %s\nxen-hvmctx: %s" % (list(ours), sizes))

def number(v):
    return int(v, 0) if isinstance(v, str) else v
bad, seen = [], 0
def same(entry, field, theirs_value):
    global seen
    v = ours[entry]
    for step in field.split("."):
        # elements of an array that hold nothing but zero are left out
        v = v.get(step, 0) if "[" in step else v[step]
        if v == 0:
            break
    seen += 1
    if number(v) % 2**64 != theirs_value % 2**64:
        bad.append("%s %s: %s, xen-hvmctx %#x" % (entry, field, v, theirs_value))
def pairs(entry, body, table):
    """TABLE: words of xen-hvmctx, name here; the value is in hex."""
    for words, field in table:
        m = re.search(words + r" +(?:0x)?([0-9a-f]+)", body)
        assert m, "xen-hvmctx says nothing like '%s' of %s" % (words, entry)
        same(entry, field, int(m.group(1), 16))

for t, i, n, body in theirs[:-1]:
    e = "%s/%d" % (names[t], i)
    if t == 1:
        pairs(e, body, [("magic", "magic"), ("changeset", "changeset"),
                        (r"%eax\]", "cpuid")])
        same(e, "gtsc_khz", int(re.search(r"gtsc_khz (\d+)", body).group(1)))
    elif t == 2:
        plain = ["rax", "rbx", "rcx", "rdx", "rbp", "rsi", "rdi", "rsp", "r8",
                 "r9", "r10", "r11", "r12", "r13", "r14", "r15", "rip", "rflags",
                 "cr0", "cr2", "cr3", "cr4", "dr0", "dr1", "dr2", "dr3", "dr6",
                 "dr7", "lstar", "cstar", "star", "efer"]
        pairs(e, body, [(r"\b" + r, r) for r in plain] +
              [("sysenter cs", "sysenter_cs"), ("eip", "sysenter_eip"),
               ("esp", "sysenter_esp"), ("shadow gs", "shadow_gs"),
               ("sfmask", "syscall_mask"), (r"\btsc", "tsc"),
               ("event", "pending_event"), (r"\berror", "error_code")])
        for s in ["cs", "ds", "es", "fs", "gs", "ss", "tr", "ldtr"]:
            m = re.search(r"^ +%s +(?:0x)?([0-9a-f]+) \( *(?:0x)?([0-9a-f]+) \+ +"
                          r"(?:0x)?([0-9a-f]+) +/ +(?:0x)?([0-9a-f]+)\)" % s,
                          body, re.M)
            for field, v in zip(["sel", "base", "limit", "arbytes"], m.groups()):
                same(e, "%s_%s" % (s, field), int(v, 16))
        for s in ["idtr", "gdtr"]:
            m = re.search(r"^ +%s +\( *(?:0x)?([0-9a-f]+) \+ +(?:0x)?([0-9a-f]+)\)"
                          % s, body, re.M)
            same(e, s + "_base", int(m.group(1), 16))
            same(e, s + "_limit", int(m.group(2), 16))
    elif t == 3:
        pairs(e, body, [("IRQ base", "irq_base")] +
              [(w, w) for w in ["irr", "imr", "isr", "init_state", "priority_add",
                                "readsel_isr", "poll", "auto_eoi",
                                "rotate_on_auto_eoi",
                                "special_fully_nested_mode",
                                "special_mask_mode", "is_master", "elcr",
                                "int_output"]])
    elif t == 4:
        pairs(e, body, [("base_address", "base_address"),
                        ("ioregsel", "ioregsel")])
        for pin, v in re.findall(r"pin (\d+): 0x([0-9a-f]+)", body):
            p, v = "pin[%d]." % int(pin), int(v, 16)
            for field, low, bits in [("vector", 0, 8), ("mode", 8, 3),
                                     ("logical", 11, 1), ("polarity", 13, 1),
                                     ("trigger", 15, 1), ("mask", 16, 1),
                                     ("dest", 56, 8)]:
                same(e, p + field, v >> low & (1 << bits) - 1)
    elif t == 5:
        pairs(e, body, [("base_msr", "apic_base_msr"), ("disabled", "disabled"),
                        ("timer_divisor", "timer_divisor")])
    elif t == 6:
        at = dict((int(a, 16), int(v, 16)) for a, v in
                  re.findall(r"0x([0-9a-f]{3}): 0x([0-9a-f]{8})", body))
        for field, a in [("id", 0x20), ("version", 0x30), ("tpr", 0x80),
                         ("ldr", 0xd0), ("dfr", 0xe0), ("spiv", 0xf0),
                         ("icr", 0x300), ("icr2", 0x310), ("lvt_timer", 0x320),
                         ("lvt_pc", 0x340), ("lvt_lint0", 0x350),
                         ("lvt_lint1", 0x360), ("lvt_error", 0x370),
                         ("timer_initial", 0x380), ("timer_divide", 0x3e0)]:
            same(e, field, at[a])
    elif t == 9:
        for k, v in enumerate(re.search(r"LINK: (.*)", body).group(1).split()):
            same(e, "route[%d]" % k, int(v))
    elif t == 11:
        regs = [int(v, 16) for v in
                re.findall(r"0x([0-9a-f]{2})", body.split("index")[0])]
        for field, v in zip(["seconds", "seconds_alarm", "minutes",
                             "minutes_alarm", "hours", "hours_alarm", "weekday",
                             "day", "month", "year", "register_a", "register_b",
                             "register_c", "register_d"], regs):
            same(e, field, v)
    elif t == 12:
        pairs(e, body, [("capability", "capability"), ("config", "config"),
                        ("counter", "counter")])
        for k, c, cmp in re.findall(r"timer(\d) config 0x([0-9a-f]+) cmp "
                                    r"(?:0x)?([0-9a-f]+)", body):
            same(e, "timer[%s].config" % k, int(c, 16))
            same(e, "timer[%s].cmp" % k, int(cmp, 16))
    elif t == 13:
        pairs(e, body, [("TMR_VAL", "tmr_val"), ("PM1a_STS", "pm1a_sts"),
                        ("PM1a_EN", "pm1a_en")])
    elif t == 14:
        pairs(e, body, [("PAT", "pat"), ("cap", "cap"), ("default", "def_type")])
    elif t == 18:
        pairs(e, body, [("caps", "caps"), ("bank0 mci_ctl2", "mci_ctl2_bank0"),
                        ("bank1 mci_ctl2", "mci_ctl2_bank1")])
    elif t == 19:
        pairs(e, body, [("tsc_adjust", "tsc_adjust")])
print("%d entries, %d fields" % (len(theirs) - 1, seen))
sys.exit("\n".join(bad) if bad else seen < 100)
P
# agrees IMAGE
agrees()
{
    local d
    "$XENSR" inspect --decode --json "$1" >"$T/inspect" || return
    xensr restore -q --paused "$1" || return
    d=$(domids)
    xensr sim run -- "$hvmctx" "$d" >"$T/hvmctx" 2>&1 || { cat "$T/hvmctx"; return 1; }
    xensr sim destroy "$d"
    python3 "$T/agree.py" "$T/inspect" "$T/hvmctx"
}
fresh_host
ok "the HVM guest of a real host" agrees \
    "$TOP/tests/golden/images/xen-4.17-hvm-bios.save.zst"
ok "the PVH guest of a real host" agrees \
    "$TOP/tests/golden/images/xen-4.17-pvh.save.zst"
ok "a generated one" agrees "$(image hvm --memory 16)"
ok "nothing is left" host_is_clean
done_testing
