/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tiny images, put together: the layers around memory and state. A test that
 * breaks one of them finds its records with tests/gen/mutate.
 */
#ifndef XSR_TESTS_GEN_TINY_IMAGE_H
#define XSR_TESTS_GEN_TINY_IMAGE_H

#include "stream/xlfile.h"
#include "tests/gen/policy.h"
#include "tests/gen/tiny_hvm.h"

static inline bool tiny_is_pv(const struct tiny *t)
{
    return t->kind == TINY_PV64 || t->kind == TINY_PV32;
}

static inline void tiny_config(struct tiny *t)
{
    static const char *const types[] = {"pv", "pv", "pvh", "hvm", "hvm"};
    struct xsr_buf json = XSR_BUF_INIT;

    t->rc |= xsr_buf_printf(
        &json, &t->err,
        "{\"c_info\": {\"type\": \"%s\", \"name\": \"tiny\", \"uuid\": "
        "\"01234567-89ab-cdef-0123-456789abcdef\"}, \"b_info\": "
        "{\"max_vcpus\": 2, \"avail_vcpus\": [0, 1], \"max_memkb\": 4096, "
        "\"target_memkb\": 4096, \"type.%s\": {}}}%c",
        types[t->kind], types[t->kind], 0);
    if (!t->rc)
        t->rc = xsr_xlfile_put(&t->out, (const char *)json.p, &t->err);
    xsr_buf_fini(&json);
}

static inline void tiny_static(struct tiny *t)
{
    uint8_t info[8] = {t->kind == TINY_PV32 ? 4 : 8,
                       t->kind == TINY_PV32 ? 3 : 4};
    uint8_t body[sizeof gen_leaves], frames[16] = {0};

    if (tiny_is_pv(t))
        tiny_rec(t, XSR_XC3_X86_PV_INFO, info, sizeof info);
    for (size_t i = 0; i < sizeof gen_leaves / 4; i++)
        xsr_st_le32(body + 4 * i, gen_leaves[i / 6][i % 6]);
    tiny_rec(t, XSR_XC3_X86_CPUID_POLICY, body, sizeof gen_leaves);
    for (size_t i = 0; i < sizeof gen_msrs / 4; i++)
        xsr_st_le32(body + 4 * i, gen_msrs[i / 4][i % 4]);
    tiny_rec(t, XSR_XC3_X86_MSR_POLICY, body, sizeof gen_msrs);
    tiny_rec(t, XSR_XC3_STATIC_DATA_END, NULL, 0);
    frames[4] = T_END - 1;
    frames[8] = T_P2M;
    if (tiny_is_pv(t))
        tiny_rec(t, XSR_XC3_X86_PV_P2M_FRAMES, frames, sizeof frames);
}

/* Memory and state, to END or CHECKPOINT. */
static inline void tiny_round(struct tiny *t, bool first, uint32_t end)
{
    uint8_t tsc[24] = {0}, page[XSR_PAGE_SIZE] = {0};

    if (tiny_is_pv(t))
        tiny_pv_memory(t);
    else
        tiny_hvm_memory(t, first);
    tiny_rec(t, XSR_XC3_X86_TSC_INFO, tsc, sizeof tsc);
    if (tiny_is_pv(t)) {
        page[t->kind == TINY_PV32 ? 2316 : 3088] = T_END;
        tiny_rec(t, XSR_XC3_SHARED_INFO, page, sizeof page);
        tiny_pv_vcpu(t, 0);
        tiny_pv_vcpu(t, 1);
    } else {
        tiny_context(t);
        tiny_params(t);
    }
    tiny_rec(t, end, NULL, 0);
}

static inline void tiny_stream(struct tiny *t)
{
    t->rc |= xsr_xl2_put_hdr(&t->out, 0, &t->err);
    tiny_rec(t, XSR_XL2_LIBXC_CONTEXT, NULL, 0);
    t->rc |= xsr_xc3_put_ihdr(&t->out, 3, &t->err) |
             xsr_xc3_put_dhdr(&t->out, tiny_is_pv(t) ? 1 : 2, 4, 17, &t->err);
    tiny_static(t);
    for (int i = 0; t->kind == TINY_REMUS && i < 3; i++) {
        tiny_round(t, !i, XSR_XC3_CHECKPOINT);
        tiny_emulator(t);
        tiny_rec(t, XSR_XL2_CHECKPOINT_END, NULL, 0);
    }
    if (t->kind == TINY_REMUS)
        return;
    tiny_round(t, true, XSR_XC3_END);
    if (t->kind == TINY_HVM)
        tiny_emulator(t);
    tiny_rec(t, XSR_XL2_END, NULL, 0);
}

/* The whole of it in t->out; 0, or t->err says why not. */
static inline int tiny_make(struct tiny *t, enum tiny_kind kind)
{
    *t = (struct tiny){.kind = kind};
    tiny_config(t);
    tiny_stream(t);
    return t->rc;
}

#endif
