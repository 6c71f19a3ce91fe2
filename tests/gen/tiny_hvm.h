/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Tiny HVM and PVH images: memory, HVM_CONTEXT, HVM_PARAMS, and a device state
 * of sections whose lengths are known (docs/formats/qemu-state.md).
 */
#ifndef XSR_TESTS_GEN_TINY_HVM_H
#define XSR_TESTS_GEN_TINY_HVM_H

#include "stream/limits.h"
#include "stream/xl2.h"
#include "tests/gen/hvm.h"
#include "tests/gen/tiny.h"

static inline void tiny_hvm_memory(struct tiny *t, bool first)
{
    uint8_t head[8 + 8 * 18] = {0};
    struct xsr_buf body = XSR_BUF_INIT;
    uint32_t n = 0, pages = first ? 10 : 2;

    for (uint64_t pfn = first ? 0 : 1; pfn < 4; pfn += first ? 1 : 2)
        xsr_st_le64(head + 8 + 8 * n++, pfn);
    for (uint64_t pfn = 0xfeff0; first && pfn <= 0xfefff; pfn++)
        if (pfn >= 0xfeffa || pfn < 0xfeff4)
            xsr_st_le64(head + 8 + 8 * n++,
                        pfn | (pfn < 0xfeff4 ? 0xfull << 60 : 0));
    head[0] = (uint8_t)n;
    t->rc |= xsr_buf_put(&body, head, 8 + 8 * n, &t->err);
    t->rc |= xsr_buf_put_zero(&body, pages * XSR_PAGE_SIZE, &t->err);
    tiny_rec(t, XSR_XC3_PAGE_DATA, body.p, body.len);
    xsr_buf_fini(&body);
}

static inline void tiny_entry(struct tiny *t, struct xsr_buf *to, uint16_t type,
                              uint16_t instance, uint32_t len)
{
    t->rc |= xsr_buf_put_u16(to, type, &t->err) |
             xsr_buf_put_u16(to, instance, &t->err) |
             xsr_buf_put_u32(to, len, &t->err) |
             xsr_buf_put_zero(to, len, &t->err);
    if (!t->rc)
        hvm_body(type, instance, to->p + to->len - len);
}

/* The chain of genimage's guests, and CPU_XSAVE and CPU_MSR for HVM. */
static inline void tiny_context(struct tiny *t)
{
    struct xsr_buf ctx = XSR_BUF_INIT;
    bool hvm = t->kind != TINY_PVH;

    for (size_t i = 0; i < XSR_ARRAY_LEN(hvm_chain); i++) {
        uint32_t n = hvm_chain[i][2] ? hvm_chain[i][2] : 2;

        if (hvm_chain[i][0] == 18 && hvm) {
            tiny_entry(t, &ctx, 16, 0, 24 + 832);
            ctx.p[ctx.len - 24 - 832 + 8] = 7;
            ctx.p[ctx.len - 24 - 832 + 16] = 7;
        }
        if (!hvm_chain[i][0] && hvm) {
            tiny_entry(t, &ctx, 20, 0, 24);
            ctx.p[ctx.len - 24] = 1;
            ctx.p[ctx.len - 16] = 0x48;
        }
        for (uint16_t k = 0; k < n && (hvm || !hvm_chain[i][3]); k++)
            tiny_entry(t, &ctx, hvm_chain[i][0], k, hvm_chain[i][1]);
    }
    tiny_rec(t, XSR_XC3_HVM_CONTEXT, ctx.p, ctx.len);
    xsr_buf_fini(&ctx);
}

static inline void tiny_params(struct tiny *t)
{
    static const struct hvm hvm = {.pvh = false}, pvh = {.pvh = true};
    struct xsr_hvm_param p[XSR_MAX_HVM_PARAMS];
    uint8_t body[8 + 16 * XSR_MAX_HVM_PARAMS] = {0};
    uint32_t n = hvm_params(t->kind == TINY_PVH ? &pvh : &hvm, p);

    xsr_st_le32(body, n);
    for (uint32_t i = 0; i < n; i++) {
        xsr_st_le64(body + 8 + 16 * i, p[i].index);
        xsr_st_le64(body + 16 + 16 * i, p[i].value);
    }
    tiny_rec(t, XSR_XC3_HVM_PARAMS, body, 8 + 16 * n);
}

static inline void tiny_section(struct xsr_buf *to, uint32_t id,
                                const char *name, uint32_t version,
                                uint32_t len, struct xsr_err *err)
{
    uint8_t head[14 + 255] = {4};
    size_t n = strlen(name);

    head[4] = (uint8_t)id;
    head[5] = (uint8_t)n;
    memcpy(head + 6, name, n);
    head[6 + n + 7] = (uint8_t)version;
    xsr_buf_put(to, head, 14 + n, err);
    xsr_buf_put_zero(to, len, err);
}

static inline void tiny_emulator(struct tiny *t)
{
    struct xsr_buf b = XSR_BUF_INIT;

    t->rc |= xsr_buf_put_u64(&b, 2, &t->err); /* QEMU, index 0 */
    for (const char *k = "start_addr"; t->kind == TINY_HVM && k;
         k = !strcmp(k, "start_addr") ? "size"
             : !strcmp(k, "size")     ? "name"
                                      : NULL)
        t->rc |= xsr_buf_printf(&b, &t->err, "physmap/f0000000/%s%c%s%c", k, 0,
                                *k == 'n' ? "vga.vram" : "f0000000", 0);
    if (t->kind == TINY_HVM)
        tiny_rec(t, XSR_XL2_EMULATOR_XENSTORE_DATA, b.p, b.len);
    b.len = 8;
    t->rc |= xsr_buf_put(&b, "QEVM\0\0\0\3", 8, &t->err);
    tiny_section(&b, 0, "timer", 2, 24, &t->err);
    tiny_section(&b, 3, "cpu_common", 1, 8, &t->err);
    tiny_section(&b, 9, "0000:00:01.0/PIIX3", 3, 292, &t->err);
    tiny_section(&b, 15, "serial", 3, 11, &t->err);
    tiny_section(&b, 19, "pckbd", 3, 4, &t->err);
    tiny_section(&b, 23, "0000:00:01.3/piix4_pm", 3, 312, &t->err);
    t->rc |= xsr_buf_put_zero(&b, 1, &t->err);
    tiny_rec(t, XSR_XL2_EMULATOR_CONTEXT, b.p, b.len);
    xsr_buf_fini(&b);
}

#endif
