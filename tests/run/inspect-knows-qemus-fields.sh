#!/bin/bash
# SPDX-License-Identifier: LGPL-2.1-or-later
#
# The fields that `xensr inspect --decode` shows of a device model's state are
# those that QEMU itself says it writes (-dump-vmstate): the same bytes of the
# same image, cut up as QEMU describes them, give the same names and values.
. "${0%/*}/../lib.sh"
requires zstd jq python3
qemu=$(command -v qemu-system-x86_64) ||
    skip_all "there is no qemu-system-x86_64 (package qemu-system-x86)"

# fields.py INSPECT IMAGE VMSTATE
cat >"$T/fields.py" <<'P'
import json, sys
records = json.load(open(sys.argv[1]))["records"]
image = open(sys.argv[2], "rb").read()
state = json.load(open(sys.argv[3]))
sections = [r for r in records
            if r["name"] == "EMULATOR_CONTEXT"][0]["content"]["sections"]
described = {}
for device in state.values():
    if isinstance(device, dict) and "Description" in device:
        d = device["Description"]
        described.setdefault((d["name"], d["version_id"]), d)

def cut(d, body, at, prefix, out, smbus):
    """Names and octets of a description's fields; where it ends."""
    n = {}
    for f in d.get("Fields", []):
        name = f["field"].split(".")[-1].split("[")[0]
        name = {"acpi_pcihp_pci_status": "pci"}.get(name, name)
        if f.get("field_exists"):
            # exists or not: PCI express, SMBus, one of two kinds of hot-plug
            if f["size"] == 4096 or f["version_id"] == 1 or \
                    name in ("hotplug_select", "acpi_index") or \
                    name == "smb" and not smbus:
                continue
        count = {"regs": 4, "pci_irq_levels_vmstate": 4, "smb_data": 32,
                 "now": 2, "base": 2}.get(name, 1)
        for i in range(count):
            if "Description" in f:
                sub = f["Description"]
                at = cut(sub, body, at, prefix + ["%s[%d]" % (name, i)
                                                  if count > 1 else name],
                         out, smbus)
            else:
                out.append((prefix + [name], i, body[at:at + f["size"]]))
                at += f["size"]
    return at

def number(v):
    return int(v, 0) if isinstance(v, str) else v
def same(v, octets):
    if isinstance(v, str) and not v.startswith("0x"):
        return v == octets.hex()
    return number(v) % 2 ** (8 * len(octets)) == int.from_bytes(octets, "big")

bad, seen, devices = [], 0, 0
for key, s in sections.items():
    if "fields" not in s:
        continue
    name, version = key.rsplit("/", 2)[-2], s["version"]
    d = described.get((name, version))
    if not d:
        continue
    devices += 1
    while len(d["Fields"]) == 1 and "Description" in d["Fields"][0]:
        d = d["Fields"][0]["Description"]
    head = 1 + 4 + 1 + len(key.rsplit("/", 1)[0]) + 4 + 4
    body = image[s["offset"] + head:s["offset"] + head + s["length"]]
    out = []
    end = cut(d, body, 0, [], out, name == "piix4_pm" and s["length"] >= 360)
    if end > len(body) or "subsections" not in s and end != len(body):
        bad.append("%s: QEMU's fields are %d octets" % (key, end))
    ours = s["fields"]
    # of a device that nobody here has described the PCI part is shown
    whole = any(not k.startswith(("config", "irq_state")) for k in ours)
    for path, i, octets in out:
        leaf = {"fcr_vmstate": "fcr", "pending_tmp": "pending",
                "sts": "gpe_sts" if path[0] == "gpe" else "pm1_sts",
                "en": "gpe_en" if path[0] == "gpe" else "pm1_en",
                "cnt": "pm1_cnt", "up": "pci_up", "down": "pci_down"
                }.get(path[-1], path[-1])
        if leaf == "now":
            leaf = "now_address" if i == 0 else "now_count"
        elif leaf == "base":
            leaf = "base_address" if i == 0 else "base_count"
        if leaf in ("unused", "version_id", "data", "smb_data", "config"):
            continue
        at = ours
        if path[0].startswith("regs["):
            at = ours.get(path[0])
            if at is None: # left out: nothing but zero
                if any(octets):
                    bad.append("%s %s is not shown" % (key, path))
                continue
        if leaf in ("irq_state", "pci_irq_levels_vmstate"):
            continue # arrays, of which zeros are left out
        if leaf not in at and not whole:
            continue
        if leaf not in at:
            bad.append("%s has no %s" % (key, leaf))
        elif not same(at[leaf], octets):
            bad.append("%s %s: %s, not %s" % (key, leaf, at[leaf], octets.hex()))
        else:
            seen += 1
print("%d devices, %d fields" % (devices, seen))
sys.exit("\n".join(bad) if bad else seen < 60 or devices < 9)
P
zstd -q -dc <"$TOP/tests/golden/images/xen-4.17-hvm-bios.save.zst" >"$T/image"
"$XENSR" inspect --decode --json "$T/image" >"$T/inspect"
"$qemu" -M pc-i440fx-3.1 -nodefaults -vga cirrus -serial null -display none \
    -dump-vmstate "$T/vmstate" 2>"$T/err" || bail "$(cat "$T/err")"
ok "the same names and values as QEMU says" \
    python3 "$T/fields.py" "$T/inspect" "$T/image" "$T/vmstate"
done_testing
