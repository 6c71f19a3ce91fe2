/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * HVM_PARAMS, X86_TSC_INFO, and the shape of the CPUID and MSR policies. What
 * a policy says of a processor only the host can judge that has to follow it.
 */
#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/blobs.h"
#include "stream/pages.h"
#include "stream/xc3.h"
#include "tools/check/check.h"

/* ---- HVM_PARAMS ---------------------------------------------------------- */

enum {
    STORE_PFN = 1,
    PAE_ENABLED = 4,
    IOREQ_PFN,
    BUFIOREQ_PFN,
    CONSOLE_PFN = 17
};

static const char *name_of(uint64_t index)
{
    const char *name = xsr_hvm_param_name(index);

    return name ? name : "?";
}

/* Parameters that name a page of the guest. */
static void judge_page(struct chk *c, uint64_t index, uint64_t pfn, uint64_t at)
{
    uint8_t type = chk_page_type(c, pfn);

    if (index != STORE_PFN && index != IOREQ_PFN && index != BUFIOREQ_PFN &&
        index != CONSOLE_PFN)
        return;
    if (type != XSR_PT_NOTAB && !chk_has(c, CHK_INPUT_PARTLY))
        chk_find(c, CHK_PARAMS_ABSENT, at, "%s names pfn 0x%llx, which %s",
                 name_of(index), (unsigned long long)pfn,
                 type == CHK_UNSEEN ? "was never sent" : "has no content");
}

static void judge_param(struct chk *c, uint64_t index, uint64_t value,
                        uint64_t *seen, uint64_t at)
{
    if (index >= XSR_N_HVM_PARAM) {
        chk_find(c, CHK_PARAMS_INDEX, at, "parameter %llu, allowed 0 to %u",
                 (unsigned long long)index, XSR_N_HVM_PARAM - 1);
        return;
    }
    if (index == PAE_ENABLED)
        chk_find(c, CHK_PARAMS_PAE, at, "PAE_ENABLED is there");
    else if (xsr_hvm_param_obsolete(index))
        chk_find(c, CHK_PARAMS_OBSOLETE, at, "parameter %llu (%s)",
                 (unsigned long long)index, name_of(index));
    if (*seen >> index & 1)
        chk_find(c, CHK_PARAMS_REPEATED, at, "a second %s", name_of(index));
    *seen |= 1ull << index;
    c->order.store |= index == STORE_PFN && value;
    c->f.max_param = (uint32_t)xsr_max(c->f.max_param, index);
    judge_page(c, index, value, at);
}

void chk_hvm_params(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c), seen = 0;
    const uint8_t *p = r->len < 8 ? NULL : chk_body(c, r, 8);
    uint32_t n = p ? xsr_le32(p) : 0;

    if (r->len < 8 || (p && r->left != 16ull * n)) {
        chk_find(c, CHK_PARAMS_LENGTH, r->at,
                 "length %u with count %u, allowed %llu", r->len, n,
                 8 + 16ull * n);
        return;
    }
    if (!p)
        return;
    if (xsr_le32(p + 4))
        chk_find(c, CHK_PARAMS_RESERVED, at + 4, "reserved word 0x%x",
                 xsr_le32(p + 4));
    if (!n) {
        c->f.old_empty = true;
        chk_find(c, CHK_PARAMS_EMPTY, r->at, "no parameters");
    }
    for (uint32_t i = 0; i < n; i++) {
        uint64_t entry = chk_at(c);

        if (!(p = chk_body(c, r, 16)))
            return;
        judge_param(c, xsr_le64(p), xsr_le64(p + 8), &seen, entry);
    }
}

/* ---- TSC ----------------------------------------------------------------- */

void chk_tsc(struct chk *c, struct chk_rec *r)
{
    uint64_t at = chk_at(c);
    const uint8_t *p;
    uint32_t mode;

    if (r->len != 24) {
        chk_find(c, CHK_TSC_LENGTH, r->at, "length %u, allowed 24", r->len);
        return;
    }
    if (!(p = chk_body(c, r, 24)))
        return;
    mode = xsr_le32(p);
    if (mode == 3) {
        c->f.tsc_mode_3 = true;
        chk_find(c, CHK_TSC_MODE_3, at, "mode 3 (PVRDTSCP)");
    } else if (mode > 3) {
        chk_find(c, CHK_TSC_MODE, at, "mode %u, allowed 0 to 2", mode);
    }
    if (xsr_le32(p + 20))
        chk_find(c, CHK_TSC_RESERVED, at + 20, "reserved word 0x%x",
                 xsr_le32(p + 20));
}

/* ---- policies ------------------------------------------------------------ */

#define LEAF_ADDRESS_SIZES 0x80000008u

/* Both are rows of entries with two 32-bit keys. */
static bool judge_length(struct chk *c, const struct chk_rec *r, uint32_t each,
                         uint32_t max, enum chk_rule rule)
{
    if (r->len && r->len % each == 0 && r->len <= max)
        return true;
    chk_find(c, rule, r->at, "length %u, allowed multiples of %u up to %u",
             r->len, each, max);
    return false;
}

void chk_cpuid_policy(struct chk *c, struct chk_rec *r)
{
    uint64_t last = 0;
    uint32_t n = r->len / XSR_CPUID_LEAF_LEN;

    if (!judge_length(c, r, XSR_CPUID_LEAF_LEN, XSR_MAX_CPUID_POLICY,
                      CHK_CPUID_LENGTH))
        return;
    c->f.n_leaves = n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = chk_at(c), key;
        const uint8_t *p = chk_body(c, r, XSR_CPUID_LEAF_LEN);

        if (!p)
            return;
        if (xsr_le32(p) == LEAF_ADDRESS_SIZES)
            c->f.phys_bits = xsr_le32(p + 8) & 0xff;
        key = (uint64_t)xsr_le32(p) << 32 | xsr_le32(p + 4);
        if (i && key <= last)
            chk_find(c, CHK_CPUID_ORDER, at, "leaf 0x%x.%x behind 0x%x.%x",
                     xsr_le32(p), xsr_le32(p + 4), (uint32_t)(last >> 32),
                     (uint32_t)last);
        last = key;
    }
}

void chk_msr_policy(struct chk *c, struct chk_rec *r)
{
    uint32_t n = r->len / XSR_MSR_ENTRY_LEN, last = 0;

    if (!judge_length(c, r, XSR_MSR_ENTRY_LEN, XSR_MAX_MSR_POLICY,
                      CHK_MSR_LENGTH))
        return;
    c->f.n_msrs = n;
    for (uint32_t i = 0; i < n; i++) {
        uint64_t at = chk_at(c);
        const uint8_t *p = chk_body(c, r, XSR_MSR_ENTRY_LEN);
        uint32_t msr;

        if (!p)
            return;
        msr = xsr_le32(p);
        if (i && msr <= last)
            chk_find(c, CHK_MSR_ORDER, at, "MSR 0x%x behind 0x%x", msr, last);
        if (xsr_le32(p + 4))
            chk_find(c, CHK_MSR_FLAGS, at + 4, "MSR 0x%x has the flags 0x%x",
                     msr, xsr_le32(p + 4));
        c->f.msr_10a |= msr == 0x10a;
        last = msr;
    }
}
