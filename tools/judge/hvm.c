/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HVM_CONTEXT: the chain of entries from HEADER to END. Read entry by entry,
 * so its memory is that of the largest entry and not of the record.
 */
#include <stdlib.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "tools/check/check.h"

#define MAGIC       0x54381286u
#define N_TYPES     21u
#define XSAVE_HDR   24u
#define MAX_TOUCHED 32768u /* pairs of type and instance kept by name */
enum { T_END, T_HEADER, T_CPU, T_LAPIC = 5, T_XSAVE = 16, T_MSR = 20 };
enum { ONE, TWO, VCPU }; /* instances: 0, 0 and 1, one for each vCPU */

/* Lengths that some release of Xen loads: min or max, or all between. */
static const struct {
    const char *name;
    uint32_t min, max;
    bool between;
    uint8_t per;
} types[N_TYPES] = {
    [T_END] = {"END", 0, 0, false, ONE},
    [T_HEADER] = {"HEADER", 24, 24, false, ONE},
    [T_CPU] = {"CPU", 1016, 1032, false, VCPU},
    [3] = {"PIC", 8, 8, false, TWO},
    [4] = {"IOAPIC", 400, 400, false, ONE},
    [T_LAPIC] = {"LAPIC", 24, 32, false, VCPU},
    [6] = {"LAPIC_REGS", 1024, 1024, false, VCPU},
    [7] = {"PCI_IRQ", 16, 16, false, ONE},
    [8] = {"ISA_IRQ", 8, 8, false, ONE},
    [9] = {"PCI_LINK", 8, 8, false, ONE},
    [10] = {"PIT", 56, 56, false, ONE},
    [11] = {"RTC", 1, 24, true, ONE},
    [12] = {"HPET", 1048, 1048, false, ONE},
    [13] = {"PMTIMER", 8, 8, false, ONE},
    [14] = {"MTRR", 240, 240, false, VCPU},
    [15] = {"VIRIDIAN_DOMAIN", 1, 32, true, ONE},
    [T_XSAVE] = {"CPU_XSAVE", XSAVE_HDR + 576, CHK_LOOK_MAX, true, VCPU},
    [17] = {"VIRIDIAN_VCPU", 1, 216, true, VCPU},
    [18] = {"VMCE_VCPU", 1, 32, true, VCPU},
    [19] = {"TSC_ADJUST", 8, 8, false, VCPU},
    [T_MSR] = {"CPU_MSR", 24, CHK_LOOK_MAX, true, VCPU},
};

struct entry {
    uint16_t type, instance;
    uint32_t len;
    uint64_t at;
};

/* ---- bodies -------------------------------------------------------------- */

static void judge_header(struct chk *c, const struct entry *e, const uint8_t *p)
{
    if (xsr_le32(p) != MAGIC || xsr_le32(p + 4) != 1)
        chk_find(c, CHK_HVM_HEADER, e->at + 8,
                 "magic 0x%x and version %u, allowed 0x%x and 1", xsr_le32(p),
                 xsr_le32(p + 4), MAGIC);
}

/* What the features that were ever enabled need; 0: it depends on the CPU. */
static uint32_t xsave_area(uint64_t accum)
{
    return accum <= 3 ? 576 : accum <= 7 ? 832 : 0;
}

static void judge_xsave(struct chk *c, const struct entry *e, const uint8_t *p)
{
    uint32_t area = xsave_area(xsr_le64(p + 16)), have = e->len - XSAVE_HDR;

    if (xsr_le64(p + XSAVE_HDR + 520) >> 63)
        chk_find(c, CHK_HVM_XSAVE, e->at + 8 + XSAVE_HDR + 520,
                 "CPU_XSAVE/%u is compacted", e->instance);
    if (have < area || (area && have > area &&
                        !xsr_all_zero(p + XSAVE_HDR + area, have - area)))
        chk_find(c, CHK_HVM_XSAVE, e->at + 4,
                 "CPU_XSAVE/%u of length %u, xcr0_accum 0x%llx needs %u",
                 e->instance, e->len, (unsigned long long)xsr_le64(p + 16),
                 XSAVE_HDR + area);
}

/* Which release's Xen knows that MSR first? 0: none that is known here. */
static uint32_t known_since(uint32_t msr)
{
    switch (msr) {
    case 0x48:
    case 0x140:
    case 0xc0011027:
    case 0xc0011019:
    case 0xc001101a:
    case 0xc001101b:
    case 0xc0000103:
        return 12;
    case 0xd90:
    case 0xda0:
        return 13;
    case 0xc001011f:
        return 17;
    case 0x6e1:
        return 18;
    default:
        return 0;
    }
}

static void judge_msrs(struct chk *c, const struct entry *e, const uint8_t *p)
{
    uint32_t count = xsr_le32(p), since;

    if (!count || e->len != 8 + 16ull * count || xsr_le32(p + 4)) {
        chk_find(c, CHK_HVM_MSR, e->at + 8,
                 "CPU_MSR/%u counts %u MSRs in %u octets", e->instance, count,
                 e->len);
        return;
    }
    for (uint32_t i = 0; i < count; i++) {
        if (xsr_le32(p + 8 + 16 * (size_t)i + 4))
            chk_find(c, CHK_HVM_MSR, e->at + 16 + 16ull * i + 4,
                     "CPU_MSR/%u: reserved word of MSR 0x%x", e->instance,
                     xsr_le32(p + 8 + 16 * (size_t)i));
        since = known_since(xsr_le32(p + 8 + 16 * (size_t)i));
        c->f.unknown_msr |= !since;
        c->f.msr_since = (uint32_t)xsr_max(c->f.msr_since, since);
    }
}

static void judge_body(struct chk *c, const struct entry *e, const uint8_t *p)
{
    if (e->type == T_HEADER)
        judge_header(c, e, p);
    else if (e->type == T_XSAVE)
        judge_xsave(c, e, p);
    else if (e->type == T_MSR)
        judge_msrs(c, e, p);
    else if (e->type == T_LAPIC && e->len > 24)
        c->f.lapic_32 = true;
}

/* ---- entries ------------------------------------------------------------- */

/* May the body be looked into? */
static bool judge_shape(struct chk *c, const struct entry *e)
{
    uint32_t min, max;

    if (e->type >= N_TYPES || e->type == T_END) {
        chk_find(c, CHK_HVM_TYPE, e->at, "entry type %u, allowed 1 to %u",
                 e->type, N_TYPES - 1);
        return false;
    }
    min = types[e->type].min;
    max = types[e->type].max;
    if (types[e->type].per != VCPU && e->instance > types[e->type].per)
        chk_find(c, CHK_HVM_INSTANCE, e->at + 2,
                 "instance %u of %s, allowed up to %u", e->instance,
                 types[e->type].name, types[e->type].per);
    if (types[e->type].between ? e->len >= min && e->len <= max
                               : e->len == min || e->len == max)
        return true;
    if (min == max)
        chk_find(c, CHK_HVM_LENGTH, e->at + 4, "%s/%u of length %u, allowed %u",
                 types[e->type].name, e->instance, e->len, min);
    else
        chk_find(c, CHK_HVM_LENGTH, e->at + 4,
                 "%s/%u of length %u, allowed %u %s %u", types[e->type].name,
                 e->instance, e->len, min, types[e->type].between ? "to" : "or",
                 max);
    return false;
}

static void judge_once(struct chk *c, const struct entry *e)
{
    uint8_t *seen = &c->seen[e->type][e->instance / 8];
    uint8_t bit = (uint8_t)(1u << e->instance % 8);

    if (*seen & bit)
        chk_find(c, CHK_HVM_REPEATED, e->at, "%s/%u is there twice",
                 types[e->type].name, e->instance);
    else if (e->type == T_CPU) {
        c->f.n_states++;
        c->f.max_vcpu = (uint32_t)xsr_max(c->f.max_vcpu, e->instance);
    }
    if (!(*seen & bit) && c->n_touched <= MAX_TOUCHED)
        c->touched[c->n_touched++] = (uint32_t)e->type << 16 | e->instance;
    *seen |= bit;
}

/* Forget the record before. The cost is that of its entries. */
static bool clear_seen(struct chk *c)
{
    if (!c->seen)
        c->seen = calloc(N_TYPES, sizeof *c->seen);
    if (!c->touched)
        c->touched = calloc(MAX_TOUCHED + 1, sizeof *c->touched);
    if (!c->seen || !c->touched)
        return false;
    if (c->n_touched > MAX_TOUCHED)
        memset(c->seen, 0, N_TYPES * sizeof *c->seen);
    else
        for (uint32_t i = 0; i < c->n_touched; i++)
            c->seen[c->touched[i] >> 16][(c->touched[i] & 0xffff) / 8] = 0;
    c->n_touched = 0;
    return true;
}

static void judge_vcpus(struct chk *c, const struct chk_rec *r)
{
    if (!(c->seen[T_CPU][0] & 1))
        chk_find(c, CHK_HVM_VCPU, r->at, "no CPU entry of vCPU 0");
    for (uint32_t i = 0; i < c->n_touched; i++) {
        uint32_t type = c->touched[i] >> 16, vcpu = c->touched[i] & 0xffff;

        if (types[type].per == VCPU &&
            !(c->seen[T_CPU][vcpu / 8] >> vcpu % 8 & 1))
            chk_find(c, CHK_HVM_VCPU, r->at,
                     "%s of vCPU %u, which has no CPU entry", types[type].name,
                     vcpu);
    }
}

static void judge_end(struct chk *c, struct chk_rec *r, const struct entry *e)
{
    if (e->instance || e->len)
        chk_find(c, CHK_HVM_END, e->at,
                 "END/%u of length %u, allowed END/0 "
                 "of length 0",
                 e->instance, e->len);
    if (r->left)
        chk_find(c, CHK_HVM_TRAILING, chk_at(c), "%u octets behind END",
                 r->left);
}

/* One entry; false: it was the last that can be followed. */
static bool next_entry(struct chk *c, struct chk_rec *r, bool first)
{
    struct entry e = {.at = chk_at(c)};
    const uint8_t *p = chk_body(c, r, 8);

    if (!p) {
        if (!c->src.ended)
            chk_find(c, r->left ? CHK_HVM_CUT : CHK_HVM_END, e.at,
                     "the record ends %s",
                     r->left ? "inside an entry's header"
                             : "without an END entry");
        return false;
    }
    e.type = xsr_le16(p);
    e.instance = xsr_le16(p + 2);
    e.len = xsr_le32(p + 4);
    if (first && (e.type != T_HEADER || e.instance))
        chk_find(c, CHK_HVM_HEADER, e.at,
                 "the first entry is %u/%u, allowed HEADER (1/0)", e.type,
                 e.instance);
    if (e.len > r->left) {
        chk_find(c, CHK_HVM_CUT, e.at,
                 "entry %u/%u of length %u, %u octets of the record are left",
                 e.type, e.instance, e.len, r->left);
        return false;
    }
    if (e.type == T_END) {
        judge_end(c, r, &e);
        return false;
    }
    if (e.type < N_TYPES)
        judge_once(c, &e);
    if (judge_shape(c, &e)) {
        p = chk_body(c, r, e.len);
        if (p)
            judge_body(c, &e, p);
        return p != NULL;
    }
    r->left -= e.len;
    return chk_src_skip(&c->src, e.len);
}

void chk_hvm_context(struct chk *c, struct chk_rec *r)
{
    bool first = true;

    if (!r->len) {
        chk_find(c, CHK_HVM_EMPTY, r->at, "length 0");
        return;
    }
    if (!clear_seen(c))
        return;
    c->f.n_states = 0;
    while (next_entry(c, r, first))
        first = false;
    if (!c->src.ended)
        judge_vcpus(c, r);
}
