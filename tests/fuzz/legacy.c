/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the pieces of a legacy stream. Input: which piece, a byte (bit
 * 0: 32-bit toolstack, bit 1: PV, bit 2: 32-bit guest), a number, the bytes of
 * the piece. What comes out must be good in terms of v2: page entries, keys.
 */
#include <stdlib.h>

#include "lib/util.h"
#include "stream/legacy/legacy.h"
#include "stream/pages.h"
#include "stream/xc3.h"
#include "stream/xskeys.h"
#include "tests/fuzz/support/fuzz.h"

enum {
    SHAPE,
    EXT,
    BATCH,
    VCPUS,
    TSC,
    PARAM,
    QEMU,
    TOOLSTACK,
    UNPACK,
    N_PIECES
};

struct piece {
    struct xsr_cur cur;
    struct xsr_lg_rules rules;
    uint32_t number;
};

static int try_shape(struct piece *in, struct xsr_err *err)
{
    struct xsr_lg_shape shape;
    uint8_t head[16] = {0};

    if (in->cur.len)
        memcpy(head, in->cur.p, xsr_min(in->cur.len, sizeof head));
    if (xsr_lg_get_shape(head, &shape, err)) {
        need(err->offset == 0, "offset %llu", (unsigned long long)err->offset);
        err->offset = FUZZ_BASE;
        return -1;
    }
    need(shape.width == 4 || shape.width == 8, "width %u", shape.width);
    need((shape.width == 8) == !xsr_le32(head + 4), "width %u", shape.width);
    need(shape.guest == XSR_XC3_PV || shape.guest == XSR_XC3_HVM, "guest %u",
         shape.guest);
    need(xsr_le32(head) && xsr_le32(head) <= XSR_LG_MAX_P2M, "p2m size");
    return 0;
}

static int try_ext(struct piece *in, struct xsr_err *err)
{
    struct xsr_lg_ext ext;

    if (xsr_lg_get_ext(&in->cur, &ext, err))
        return -1;
    need(in->cur.pos == in->cur.len, "%zu bytes are left",
         xsr_cur_left(&in->cur));
    need((ext.guest_width == 8 && ext.pt_levels == 4 && ext.vcpu_len == 5168) ||
             (ext.guest_width == 4 && ext.pt_levels == 3 &&
              ext.vcpu_len == 2800),
         "width %u, levels %u, context %u", ext.guest_width, ext.pt_levels,
         ext.vcpu_len);
    return 0;
}

/* The entries, as a v2 record has them, are judged by v2's reader. */
static void good_in_v2(const struct xsr_lg_batch *b,
                       const struct xsr_lg_rules *rules)
{
    static struct xsr_page_batch v2;
    struct xsr_page_rules v2_rules = {
        .guest = rules->shape.guest,
        .max_pfn = rules->p2m_size - 1,
        .max_level = rules->max_level ? rules->max_level : 4,
    };
    uint8_t raw[8 * XSR_MAX_PAGE_BATCH];
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_cur cur;

    for (uint32_t i = 0; i < b->count; i++)
        xsr_st_le64(raw + 8 * (size_t)i, b->entry[i]);
    xsr_cur_init(&cur, raw, 8 * (size_t)b->count, 0);
    fuzz_good(xsr_pages_get_entries(&cur, 8 + 8 * b->count + 4096 * b->n_data,
                                    b->count, &v2_rules, &v2, &err),
              &err);
}

static int try_batch(struct piece *in, struct xsr_err *err)
{
    static struct xsr_lg_batch batch;
    uint32_t n = 1 + in->number % XSR_MAX_PAGE_BATCH;

    in->rules.p2m_size = 1 + (in->number >> 4 & XSR_LG_MAX_P2M);
    if (xsr_lg_get_batch(&in->cur, n, &in->rules, &batch, err))
        return -1;
    need(batch.count <= n && batch.n_data <= batch.count &&
             in->cur.pos == (size_t)n * in->rules.shape.width,
         "%u entries of %u", batch.count, n);
    good_in_v2(&batch, &in->rules);
    return 0;
}

static int try_vcpus(struct piece *in, struct xsr_err *err)
{
    int32_t max_id = (int32_t)in->number;
    struct xsr_lg_vcpus vcpus;
    uint32_t n = 0;
    size_t len;

    if (xsr_lg_vcpu_map_len(max_id, &len, err))
        return xsr_err_at(err, FUZZ_BASE);
    need(max_id >= 0 && max_id <= XSR_LG_MAX_VCPU_ID &&
             len == 8 * ((size_t)max_id / 64 + 1),
         "a map of %zu bytes for %d", len, max_id);
    if (xsr_lg_get_vcpus(&in->cur, max_id, &vcpus, err))
        return -1;
    need(in->cur.pos == len, "%zu of %zu bytes", in->cur.pos, len);
    for (uint32_t i = 0; i <= XSR_LG_MAX_VCPU_ID; i++) {
        n += xsr_lg_online(&vcpus, i);
        need(!xsr_lg_online(&vcpus, i) || (int32_t)i <= max_id, "vCPU %u", i);
    }
    need(n == vcpus.n && n, "%u vCPUs, %u online", vcpus.n, n);
    return 0;
}

static int try_toolstack(struct piece *in, struct xsr_err *err)
{
    struct xsr_buf keys = XSR_BUF_INIT;
    struct xsr_xskeys judged = {NULL, 0};
    struct xsr_cur cur;
    uint32_t n;
    int rc;

    rc = xsr_lg_get_toolstack(&in->cur, in->rules.shape.width, &keys, &n, err);
    if (!rc) {
        xsr_cur_init(&cur, keys.p, keys.len, 0);
        fuzz_good(xsr_xskeys_get(&cur, &judged, err), err);
        need(judged.n >= 2 * (size_t)n && judged.n <= 3 * (size_t)n,
             "%zu keys of %u entries", judged.n, n);
        xsr_xskeys_fini(&judged);
    }
    xsr_buf_fini(&keys);
    return rc;
}

static int try_unpack(struct piece *in, struct xsr_err *err)
{
    static const uint8_t guard[16] = "0123456789abcdef";
    uint8_t page[4096 + sizeof guard], again[4096];
    size_t used = 0, used_again = 0;

    memset(page, 0xa5, 4096);
    memset(again, 0xa5, 4096);
    memcpy(page + 4096, guard, sizeof guard);
    if (xsr_lg_unpack_page(in->cur.p, in->cur.len, page, &used, err))
        return xsr_err_at(err, FUZZ_BASE);
    need(used && used <= in->cur.len && used <= XSR_LG_MAX_PACKED, "used %zu",
         used);
    need(!memcmp(page + 4096, guard, sizeof guard), "wrote behind the page");
    /* It takes no more than it says. */
    need(!xsr_lg_unpack_page(in->cur.p, used, again, &used_again, err) &&
             used_again == used && !memcmp(page, again, 4096),
         "another page from its own bytes");
    need(xsr_lg_unpack_page(in->cur.p, used - 1, again, &used_again, err),
         "unpacked from too few bytes");
    xsr_err_clear(err);
    return 0;
}

static int try_other(struct piece *in, int what, struct xsr_err *err)
{
    struct xsr_tsc_info tsc;
    enum xsr_lg_qemu form;
    uint64_t value;
    uint8_t *sig;
    int rc;

    if (what == TSC)
        return xsr_lg_get_tsc(&in->cur, &tsc, err);
    if (what == PARAM)
        return xsr_lg_get_param(&in->cur, &value, err);
    if (in->cur.len < XSR_LG_QEMU_SIG)
        return 0;
    sig = fuzz_copy(in->cur.p, XSR_LG_QEMU_SIG);
    rc = xsr_lg_get_qemu(sig, &form, err);
    free(sig);
    return rc ? xsr_err_at(err, FUZZ_BASE) : 0;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    static int (*const tries[N_PIECES])(struct piece *, struct xsr_err *) = {
        [SHAPE] = try_shape,         [EXT] = try_ext,
        [BATCH] = try_batch,         [VCPUS] = try_vcpus,
        [TOOLSTACK] = try_toolstack, [UNPACK] = try_unpack,
    };
    struct fuzz_in in = {data, size};
    struct xsr_err err = XSR_ERR_INIT;
    struct piece piece;
    int what = fuzz_u8(&in) % N_PIECES, rc;
    uint8_t how = fuzz_u8(&in), *body;

    piece.number = fuzz_u32(&in);
    piece.rules.shape.width = how & 1 ? 4 : 8;
    piece.rules.shape.guest = how & 2 ? XSR_XC3_PV : XSR_XC3_HVM;
    piece.rules.max_level = !(how & 2) ? 0 : how & 4 ? 3 : 4;
    piece.rules.p2m_size = XSR_LG_MAX_P2M;
    body = fuzz_copy(in.p, in.len);
    xsr_cur_init(&piece.cur, body, in.len, FUZZ_BASE);
    rc =
        tries[what] ? tries[what](&piece, &err) : try_other(&piece, what, &err);
    fuzz_cursor(&piece.cur, 0);
    if (rc)
        fuzz_refused(&err, FUZZ_BASE, in.len);
    free(body);
    need(*xsr_lg_chunk_name((int32_t)piece.number), "a chunk without name");
    return 0;
}
