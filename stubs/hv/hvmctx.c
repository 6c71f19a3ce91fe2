/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The HVM context of a domain: the chain of entries that a restore loads and a
 * save fetches. Checked the way Xen 4.17 loads it: header first, every type
 * known, lengths by type, vCPUs that exist, devices that the domain has, CPU
 * registers that hardware takes, END. What was accepted is kept as it came, but
 * for short entries, and given back unchanged; vCPUs with a CPU entry are up
 * afterwards, others down.
 */
#include <errno.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stubs/hv/hvi.h"

#define MAGIC       0x54381286u
#define VERSION     1u
#define CPU_OLD_LEN 1016u /* without msr_tsc_aux */
#define XSAVE_HEAD  24u
#define XSAVE_MIN   576u
#define CODE_END    0u
#define CODE_HEADER 1u
#define CODE_CPU    2u
#define CODE_MAX    20u
#define MAX_MSRS    7u

enum {
    VIRIDIAN_DOMAIN_CODE = 15,
    VIRIDIAN_VCPU_CODE = 17,
    VMCE_CODE = 18,
};

enum rule { EXACT, UP_TO, OWN }; /* OWN: checked by its own function */

static const struct entry_rule {
    const char *name;
    bool per_vcpu;
    enum rule rule;
    uint32_t len;
    uint32_t device;    /* emulation flag that it needs */
    uint32_t instances; /* of a per-domain entry */
    bool no_data;       /* a wrong length is ENODATA */
} rules[CODE_MAX + 1] = {
    [1] = {"HEADER", false, EXACT, sizeof(struct hvm_save_header), 0, 1},
    [2] = {"CPU", true, OWN, sizeof(struct hvm_hw_cpu), 0, 0},
    [3] = {"PIC", false, EXACT, sizeof(struct hvm_hw_vpic), XEN_X86_EMU_PIC, 2},
    [4] = {"IOAPIC", false, EXACT, 400, XEN_X86_EMU_IOAPIC, 1, true},
    [5] = {"LAPIC", true, UP_TO, sizeof(struct hvm_hw_lapic), XEN_X86_EMU_LAPIC,
           0},
    [6] = {"LAPIC_REGS", true, EXACT, sizeof(struct hvm_hw_lapic_regs),
           XEN_X86_EMU_LAPIC, 0},
    [7] = {"PCI_IRQ", false, EXACT, 16, 0, 1},
    [8] = {"ISA_IRQ", false, EXACT, 8, 0, 1},
    [9] = {"PCI_LINK", false, EXACT, 8, 0, 1},
    [10] = {"PIT", false, EXACT, sizeof(struct hvm_hw_pit), XEN_X86_EMU_PIT, 1,
            true},
    [11] = {"RTC", false, UP_TO, sizeof(struct hvm_hw_rtc), XEN_X86_EMU_RTC, 1},
    [12] = {"HPET", false, EXACT, sizeof(struct hvm_hw_hpet), XEN_X86_EMU_HPET,
            1},
    [13] = {"PMTIMER", false, EXACT, sizeof(struct hvm_hw_pmtimer),
            XEN_X86_EMU_PM, 1},
    [14] = {"MTRR", true, EXACT, sizeof(struct hvm_hw_mtrr), 0, 0},
    [15] = {"VIRIDIAN_DOMAIN", false, UP_TO,
            sizeof(struct hvm_viridian_domain_context), 0, 1},
    [16] = {"CPU_XSAVE", true, OWN, 0, 0, 0},
    [17] = {"VIRIDIAN_VCPU", true, UP_TO,
            sizeof(struct hvm_viridian_vcpu_context), 0, 0},
    [18] = {"VMCE_VCPU", true, UP_TO, sizeof(struct hvm_vmce_vcpu), 0, 0},
    [19] = {"TSC_ADJUST", true, EXACT, sizeof(struct hvm_tsc_adjust), 0, 0},
    [20] = {"CPU_MSR", true, OWN, 0, 0, 0},
};

struct entry {
    uint16_t code, instance;
    uint32_t len;
    const uint8_t *body;
};

static int refuse(const struct xsr_dom *d, const struct entry *e, int rc,
                  const char *why)
{
    xsr_sim_log(
        "domain %u: HVM context entry %s/%u of %u octets refused: %s", d->domid,
        e->code <= CODE_MAX && rules[e->code].name ? rules[e->code].name : "?",
        e->instance, e->len, why);
    return rc;
}

/* Next entry at *pos. 0, -ENODATA if there is no more, -EINVAL if it is cut. */
static int next_entry(const uint8_t *p, size_t len, size_t *pos,
                      struct entry *e)
{
    if (len - *pos < 8)
        return -ENODATA;
    e->code = xsr_le16(p + *pos);
    e->instance = xsr_le16(p + *pos + 2);
    e->len = xsr_le32(p + *pos + 4);
    e->body = p + *pos + 8;
    if (e->len > len - *pos - 8)
        return -EINVAL;
    *pos += 8 + (size_t)e->len;
    return 0;
}

#define CR0_PE  1u
#define CR0_ET  0x10u
#define CR0_PG  0x80000000u
#define CR0_OK  0xe005003full /* PE MP EM TS ET NE WP AM NW CD PG */
#define EFER_OK 0xd01ull      /* SCE LME LMA NX */

static int check_cpu(const struct xsr_dom *d, const struct entry *e)
{
    struct hvm_hw_cpu cpu;

    if (e->len > sizeof(cpu))
        return refuse(d, e, -EINVAL, "longer than 1032");
    memset(&cpu, 0, sizeof(cpu));
    memcpy(&cpu, e->body, e->len);
    if (e->len == CPU_OLD_LEN)
        return 0; /* moved fields; Xen fixes them up */
    if (cpu.pad0)
        return refuse(d, e, -EINVAL, "padding is not zero");
    if ((cpu.cr0 & ~CR0_OK) || !(cpu.cr0 & CR0_ET) ||
        (cpu.cr0 & (CR0_PE | CR0_PG)) == CR0_PG)
        return refuse(d, e, -EINVAL, "bad CR0");
    if (cpu.cr4 & ~0x7ff7ffull)
        return refuse(d, e, -EINVAL, "bad CR4");
    if (cpu.msr_efer & ~EFER_OK)
        return refuse(d, e, -EINVAL, "bad EFER");
    if (cpu.cr3 >> 48)
        return refuse(d, e, -EINVAL, "bad CR3");
    if (cpu.flags & ~XEN_X86_FPU_INITIALISED)
        return refuse(d, e, -EINVAL, "bad flags");
    if (cpu.msr_tsc_aux != (uint32_t)cpu.msr_tsc_aux)
        return refuse(d, e, -EINVAL, "bad TSC_AUX");
    return 0;
}

static int check_xsave(const struct xsr_dom *d, const struct entry *e)
{
    uint64_t xcr0, accum;
    size_t size;
    int rc;

    if (e->len < XSAVE_HEAD + XSAVE_MIN)
        return refuse(d, e, -EINVAL, "shorter than 600");
    xcr0 = xsr_le64(e->body + 8);
    accum = xsr_le64(e->body + 16);
    rc = xsr_hv_check_xstate(d, xcr0, accum, e->body + XSAVE_HEAD);
    if (rc < 0)
        return refuse(d, e, rc, "state that the domain's CPU does not have");
    size = XSAVE_HEAD + xsr_hv_xstate_size(accum);
    if (e->len < size)
        return refuse(d, e, -EINVAL, "shorter than its components");
    if (e->len > size && !xsr_all_zero(e->body + size, e->len - size))
        return refuse(d, e, -EOPNOTSUPP, "more octets than its components");
    return 0;
}

static int check_msrs(const struct xsr_dom *d, const struct entry *e)
{
    static const uint32_t known[] = {0x48,       0x140,      0xd90,
                                     0xda0,      0xc001011f, 0xc0011027,
                                     0xc0011019, 0xc001101a, 0xc001101b};
    uint32_t i, k, count;

    if (e->len < 8 + 16)
        return refuse(d, e, -EINVAL, "shorter than one MSR");
    count = xsr_le32(e->body);
    if (e->len != 8 + 16ull * count)
        return refuse(d, e, -EOPNOTSUPP, "length is not that of its count");
    for (i = 0; i < count; i++) {
        const uint8_t *m = e->body + 8 + 16 * (size_t)i;

        if (xsr_le32(m + 4))
            return refuse(d, e, -EOPNOTSUPP, "reserved word is not zero");
        for (k = 0; k < XSR_ARRAY_LEN(known); k++)
            if (known[k] == xsr_le32(m))
                break;
        if (k == XSR_ARRAY_LEN(known))
            return refuse(d, e, -ENXIO, "unknown MSR");
    }
    return 0;
}

static int check_entry(struct xsr_dom *d, const struct entry *e)
{
    const struct entry_rule *r;

    if (e->code > CODE_MAX || !rules[e->code].name || e->code == CODE_HEADER)
        return refuse(d, e, -EINVAL, "unknown typecode");
    r = &rules[e->code];
    if (r->per_vcpu && !xsr_hv_vcpu(d, e->instance))
        return refuse(d, e, -EINVAL, "no such vCPU");
    /* of what there is only one, Xen does not look at the number */
    if (r->instances > 1 && e->instance >= r->instances)
        return refuse(d, e, -ENOENT, "no such instance");
    if (r->device && !(d->emulation & r->device))
        return refuse(d, e, -ENODEV, "the domain has no such device");
    if (r->rule == EXACT && e->len != r->len)
        return refuse(d, e, r->no_data ? -ENODATA : -EINVAL, "wrong length");
    if (r->rule == UP_TO && e->len > r->len)
        return refuse(d, e, e->code == VMCE_CODE ? -EPERM : -EINVAL,
                      "longer than this release knows");
    if (e->code == CODE_CPU)
        return check_cpu(d, e);
    if (e->code == CPU_XSAVE_CODE)
        return check_xsave(d, e);
    if (e->code == CPU_MSR_CODE)
        return check_msrs(d, e);
    return 0;
}

static int check_header(struct xsr_dom *d, const struct entry *e)
{
    if (e->code != CODE_HEADER || e->len != sizeof(struct hvm_save_header))
        return refuse(d, e, -ENODATA, "the header must come first");
    if (xsr_le32(e->body) != MAGIC || xsr_le32(e->body + 4) != VERSION)
        return refuse(d, e, -EINVAL, "wrong magic or version");
    return 0;
}

/* The whole chain. *used_out: octets up to and with END. */
static int check_chain(struct xsr_dom *d, const uint8_t *p, size_t len,
                       size_t *used_out)
{
    struct entry e = {0};
    size_t pos = 0;
    int rc = next_entry(p, len, &pos, &e);

    if (rc < 0)
        return -ENODATA; /* not even a header */
    rc = check_header(d, &e);
    while (rc == 0) {
        rc = next_entry(p, len, &pos, &e);
        if (rc < 0)
            return refuse(d, &e, rc, "the chain is cut off behind it");
        if (e.code == CODE_END)
            break;
        rc = check_entry(d, &e);
    }
    *used_out = pos;
    return rc;
}

static void vcpus_up(struct xsr_dom *d)
{
    size_t pos = 0;
    struct entry e;
    uint32_t i;

    for (i = 0; i < d->max_vcpus; i++)
        d->vcpu[i].online = 0;
    while (next_entry(d->hvmctx, d->hvmctx_len, &pos, &e) == 0 &&
           e.code != CODE_END) {
        if (e.code != CODE_CPU)
            continue;
        d->vcpu[e.instance].online = 1;
        d->vcpu[e.instance].initialised = 1;
    }
}

/* Entries that an older release wrote shorter get the rest as zeros. */
static int keep(struct xsr_dom *d, const uint8_t *p, size_t len)
{
    size_t pos = 0, to = 0, whole;
    struct entry e;

    d->hvmctx_len = 0;
    while (next_entry(p, len, &pos, &e) == 0) {
        whole = e.code != CODE_END && rules[e.code].rule == UP_TO
                    ? rules[e.code].len
                    : e.len;
        if (whole + 8 > XSR_HVMCTX_MAX - to)
            return -ENOMEM;
        memset(d->hvmctx + to, 0, 8 + whole);
        xsr_st_le16(d->hvmctx + to, e.code);
        xsr_st_le16(d->hvmctx + to + 2, e.instance);
        xsr_st_le32(d->hvmctx + to + 4, (uint32_t)whole);
        memcpy(d->hvmctx + to + 8, e.body, e.len);
        to += 8 + whole;
    }
    d->hvmctx_len = (uint32_t)to;
    return 0;
}

static long load(struct xsr_dom *d, const struct xen_domctl_hvmcontext *c)
{
    size_t used;
    int rc;

    if (c->size && !c->buffer.p)
        return -EFAULT;
    if (c->size > XSR_HVMCTX_MAX)
        return -ENOMEM;
    rc = check_chain(d, c->buffer.p, c->size, &used);
    if (rc < 0)
        return rc;
    rc = keep(d, c->buffer.p, used);
    if (rc == 0)
        vcpus_up(d);
    return rc;
}

/* How long an entry of this type can be. */
static size_t max_len(unsigned code)
{
    if (code == CPU_XSAVE_CODE)
        return XSAVE_HEAD + xsr_hv_xstate_size(XSR_XFEATURES);
    if (code == CPU_MSR_CODE)
        return 8 + 16 * MAX_MSRS;
    return rules[code].len;
}

/* Room for everything that a domain could have: what Xen wants of a buffer. */
static size_t chain_room(const struct xsr_dom *d)
{
    size_t room = 8; /* END */
    unsigned code;

    for (code = CODE_HEADER; code <= CODE_MAX; code++)
        room += (8 + max_len(code)) *
                (rules[code].per_vcpu ? d->max_vcpus : rules[code].instances);
    return room > d->hvmctx_len ? room : d->hvmctx_len;
}

static uint8_t *put_entry(uint8_t *p, unsigned code, unsigned instance,
                          uint32_t len)
{
    memset(p, 0, 8 + (size_t)len);
    xsr_st_le16(p, (uint16_t)code);
    xsr_st_le16(p + 2, (uint16_t)instance);
    xsr_st_le32(p + 4, len);
    return p + 8 + len;
}

/* Which entries a domain has that never ran and into which nothing was loaded:
 * its devices and what each vCPU has even when it is down. */
static bool is_fresh(const struct xsr_dom *d, unsigned code)
{
    switch (code) {
    case CODE_CPU:
    case VIRIDIAN_DOMAIN_CODE:
    case CPU_XSAVE_CODE:
    case VIRIDIAN_VCPU_CODE:
    case CPU_MSR_CODE:
        return false;
    default:
        return !rules[code].device || (d->emulation & rules[code].device);
    }
}

static void make_fresh(struct xsr_dom *d)
{
    uint8_t *p =
        put_entry(d->hvmctx, CODE_HEADER, 0, sizeof(struct hvm_save_header));
    unsigned code, i, n;

    xsr_st_le32(p - 24, MAGIC);
    xsr_st_le32(p - 20, VERSION);
    xsr_st_le64(p - 16, UINT64_MAX);
    xsr_st_le32(p - 8, d->n_leaves > 1 ? d->leaves[1].a : 0);
    xsr_st_le32(p - 4, d->tsc_khz);
    for (code = CODE_CPU; code <= CODE_MAX; code++) {
        n = rules[code].per_vcpu ? d->n_vcpus : rules[code].instances;
        for (i = 0; is_fresh(d, code) && i < n; i++)
            p = put_entry(p, code, i, rules[code].len);
    }
    p = put_entry(p, CODE_END, 0, 0);
    d->hvmctx_len = (uint32_t)(p - d->hvmctx);
}

static long fetch(struct xsr_dom *d, struct xen_domctl_hvmcontext *c)
{
    if (d->hvmctx_len == 0)
        make_fresh(d);
    if (xsr_hv_fault(d, XSR_FAULT_CONTEXT))
        return -EINVAL;
    if (!c->buffer.p) {
        c->size = (uint32_t)chain_room(d);
        return 0;
    }
    if (c->size < chain_room(d))
        return -ENOSPC;
    memcpy(c->buffer.p, d->hvmctx, d->hvmctx_len);
    c->size = d->hvmctx_len;
    return 0;
}

uint8_t *xsr_hv_hvmctx_body(struct xsr_dom *d, unsigned code, unsigned instance)
{
    size_t pos = 0, at = 0;
    struct entry e;

    while (next_entry(d->hvmctx, d->hvmctx_len, &pos, &e) == 0 &&
           e.code != CODE_END) {
        if (e.code == code && e.instance == instance)
            return d->hvmctx + at + 8;
        at = pos;
    }
    return NULL;
}

static long fetch_one(struct xsr_dom *d,
                      struct xen_domctl_hvmcontext_partial *c)
{
    size_t pos = 0;
    struct entry e;

    if (d->hvmctx_len == 0)
        make_fresh(d);
    if (d->dying || c->type > CODE_MAX || c->type < CODE_CPU)
        return -EINVAL;
    if (rules[c->type].per_vcpu && !xsr_hv_vcpu(d, c->instance))
        return -ENOENT;
    while (next_entry(d->hvmctx, d->hvmctx_len, &pos, &e) == 0 &&
           e.code != CODE_END) {
        if (e.code != c->type || e.instance != c->instance)
            continue;
        if (c->buffer.p && c->bufsz < e.len)
            return -ENOBUFS;
        if (c->buffer.p)
            memcpy(c->buffer.p, e.body, e.len);
        c->bufsz = e.len;
        return 0;
    }
    return rules[c->type].per_vcpu ? -ENODATA : -ENOENT;
}

long xsr_hv_hvmctx_domctl(struct xsr_dom *d, struct xen_domctl *op)
{
    if (d->domid == 0 || !d->hvm)
        return -EINVAL;
    if (d->dying &&
        (op->cmd != XEN_DOMCTL_gethvmcontext || op->u.hvmcontext.buffer.p))
        return -EINVAL;
    switch (op->cmd) {
    case XEN_DOMCTL_sethvmcontext:
        return load(d, &op->u.hvmcontext);
    case XEN_DOMCTL_gethvmcontext:
        return fetch(d, &op->u.hvmcontext);
    default:
        return fetch_one(d, &op->u.hvmcontext_partial);
    }
}
