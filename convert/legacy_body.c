/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The body of a legacy stream: chunks until the one with id 0, in any order.
 * Batches become PAGE_DATA at once, the contents untouched; parameters, vCPUs
 * and the toolstack's chunk are kept until the body ends, where a repeated one
 * has replaced the earlier. The tail follows (legacy_tail.c).
 */
#include "convert/legacy_priv.h"

#include <string.h>

#include "lib/util.h"

#define BULK_PAGES     32u         /* batches from here on need no read-ahead */
#define FILL_BULK      (16u << 10) /* the next batch's entries */
#define PARAM_VIRIDIAN 9u
#define PARAM_IOREQ    32u
#define PARAM_N_IOREQ  33u

/* ---- batches ------------------------------------------------------------- */

int xsr_lg_put_batch(struct xsr_lg *c, struct xsr_err *err)
{
    const struct xsr_lg_batch *b = &c->batch;
    uint8_t head[16];

    xsr_st_le32(head, XSR_XC3_PAGE_DATA);
    xsr_st_le32(head + 4, 8 + 8 * b->count + XSR_PAGE_SIZE * b->n_data);
    xsr_st_le32(head + 8, b->count);
    xsr_st_le32(head + 12, 0);
    if (xsr_lg_put(c->o, head, sizeof head, err) < 0)
        return -1;
    for (uint32_t i = 0; i < b->count; i++)
        if (xsr_lg_put_u64(c->o, b->entry[i], err) < 0)
            return -1;
    return 0;
}

static int convert_batch(struct xsr_lg *c, uint32_t n, struct xsr_err *err)
{
    struct xsr_lg_batch *b = &c->batch;
    uint64_t at = c->in.pos;
    struct xsr_cur cur;
    const uint8_t *p;

    if (xsr_lg_take(&c->in, (size_t)n * c->rules.shape.width,
                    "the entries of a batch", &p, err) < 0)
        return -1;
    xsr_cur_init(&cur, p, (size_t)n * c->rules.shape.width, at);
    if (xsr_lg_get_batch(&cur, n, &c->rules, b, err) < 0)
        return -1;
    c->rep->batches++;
    c->rep->pages += b->n_data;
    c->in.fill = b->n_data < BULK_PAGES ? XSR_LG_BUF : FILL_BULK;
    if (b->count == 0) /* a record without pages is fatal for a restore */
        return 0;
    if (c->last)
        return xsr_lg_last_batch(c, err);
    if (xsr_lg_put_batch(c, err) < 0)
        return -1;
    return xsr_lg_copy(&c->in, c->o, (uint64_t)b->n_data * XSR_PAGE_SIZE,
                       "the pages of a batch", err);
}

/* ---- chunks -------------------------------------------------------------- */

static int convert_tsc(struct xsr_lg *c, const char *what, struct xsr_err *err)
{
    struct xsr_tsc_info tsc;
    struct xsr_cur cur;
    const uint8_t *p;

    if (xsr_lg_take(&c->in, XSR_LG_TSC_LEN, what, &p, err) < 0)
        return -1;
    xsr_cur_init(&cur, p, XSR_LG_TSC_LEN, c->in.pos - XSR_LG_TSC_LEN);
    if (xsr_lg_get_tsc(&cur, &tsc, err) < 0 ||
        xsr_lg_record(c, XSR_XC3_X86_TSC_INFO, 24, err) < 0 ||
        xsr_lg_put_u32(c->o, tsc.mode, err) < 0 ||
        xsr_lg_put_u32(c->o, tsc.khz, err) < 0 ||
        xsr_lg_put_u64(c->o, tsc.nsec, err) < 0 ||
        xsr_lg_put_u32(c->o, tsc.incarnation, err) < 0 ||
        xsr_lg_put_u32(c->o, 0, err) < 0)
        return -1;
    return 0;
}

static int take_vcpus(struct xsr_lg *c, const char *what, struct xsr_err *err)
{
    struct xsr_cur cur;
    const uint8_t *p;
    int32_t max_id;
    size_t len;

    if (xsr_lg_take(&c->in, 4, what, &p, err) < 0)
        return -1;
    max_id = (int32_t)xsr_le32(p);
    if (xsr_lg_vcpu_map_len(max_id, &len, err) < 0)
        return xsr_err_at(err, c->in.pos - 4);
    if (xsr_lg_take(&c->in, len, what, &p, err) < 0)
        return -1;
    xsr_cur_init(&cur, p, len, c->in.pos - len);
    if (c->vcpus_known)
        xsr_lg_say(c, XSR_LOG_WARN,
                   "chunk vCPUs comes again: the later one counts");
    c->vcpus_known = true;
    return xsr_lg_get_vcpus(&cur, max_id, &c->vcpus, err);
}

static int take_param(struct xsr_lg *c, int32_t id, uint64_t index,
                      struct xsr_err *err)
{
    const char *what = xsr_lg_chunk_name(id);
    struct xsr_cur cur;
    const uint8_t *p;
    uint64_t value;
    uint32_t i;

    if (c->rules.shape.guest == XSR_XC3_PV) {
        xsr_fail(err, XSR_E_FORMAT,
                 "found chunk %d (%s) in the stream of a PV guest, allowed "
                 "for HVM guests",
                 id, what);
        return xsr_err_at(err, c->in.pos - 4);
    }
    if (xsr_lg_take(&c->in, XSR_LG_PARAM_LEN, what, &p, err) < 0)
        return -1;
    xsr_cur_init(&cur, p, XSR_LG_PARAM_LEN, c->in.pos - XSR_LG_PARAM_LEN);
    if (xsr_lg_get_param(&cur, &value, err) < 0)
        return -1;
    if (index == PARAM_VIRIDIAN && !(value & 1))
        xsr_lg_say(c, XSR_LOG_WARN,
                   "viridian flags %#llx lack bit 0: Xen will refuse them",
                   (unsigned long long)value);
    for (i = 0; i < c->n_params && c->param[i].index != index; i++)
        ;
    c->param[i] = (struct xsr_hvm_param){index, value};
    c->n_params += i == c->n_params; /* as many as there are ids */
    return 0;
}

static int take_toolstack(struct xsr_lg *c, const char *what,
                          struct xsr_err *err)
{
    struct xsr_buf chunk = XSR_BUF_INIT;
    uint64_t left, at;
    struct xsr_cur cur;
    const uint8_t *p;
    uint32_t n = 0;
    int rc = 0;

    if (xsr_lg_take(&c->in, 4, what, &p, err) < 0)
        return -1;
    left = xsr_le32(p);
    at = c->in.pos;
    if (left > XSR_MAX_LEGACY_TOOLSTACK) {
        xsr_fail(err, XSR_E_LIMIT,
                 "chunk toolstack data: found length %llu, allowed at most "
                 "%u",
                 (unsigned long long)left, XSR_MAX_LEGACY_TOOLSTACK);
        return xsr_err_at(err, at - 4);
    }
    if (c->p->libxc || !left)
        return xsr_lg_copy(&c->in, NULL, left, what, err);
    for (; left && rc == 0; left -= xsr_min(left, 4096))
        rc = xsr_lg_take(&c->in, xsr_min(left, 4096), what, &p, err) < 0 ||
             xsr_buf_put(&chunk, p, xsr_min(left, 4096), err) < 0;
    xsr_cur_init(&cur, chunk.p, chunk.len, at);
    xsr_buf_clear(&c->keys);
    rc = rc || xsr_lg_get_toolstack(&cur, c->rules.shape.width, &c->keys, &n,
                                    err) < 0;
    xsr_buf_fini(&chunk);
    if (!rc && n && c->rules.shape.guest == XSR_XC3_PV) {
        xsr_lg_say(c, XSR_LOG_WARN,
                   "chunk toolstack data: %u physmap entries of a PV guest, "
                   "which has no device model, are left out",
                   n);
        xsr_buf_clear(&c->keys);
    }
    return rc ? -1 : 0;
}

static int convert_compressed(struct xsr_lg *c, const char *what,
                              struct xsr_err *err)
{
    uint8_t width = c->rules.shape.width;
    const uint8_t *p;

    if (!c->compressed) {
        xsr_fail(err, XSR_E_ORDER,
                 "found compressed data in checkpoint %u, allowed behind the "
                 "checkpoint that enables compression",
                 c->checkpoint + 1);
        return xsr_err_at(err, c->in.pos - 4);
    }
    if (xsr_lg_take(&c->in, width, what, &p, err) < 0)
        return -1;
    return xsr_lg_last_unpack(c, xsr_lg_ulong(p, width), err);
}

static int refuse_chunk(const struct xsr_lg *c, int32_t id, struct xsr_err *err)
{
    if (id > 0)
        xsr_fail(err, XSR_E_LIMIT,
                 "found a batch of %d pages, allowed at most %u", id,
                 XSR_MAX_PAGE_BATCH);
    else
        xsr_fail(err, XSR_E_FORMAT, "found chunk id %d, allowed %d to %u", id,
                 XSR_LG_LAST_ID, XSR_MAX_PAGE_BATCH);
    return xsr_err_at(err, c->in.pos - 4);
}

static int convert_chunk(struct xsr_lg *c, int32_t id, struct xsr_err *err)
{
    const char *what = xsr_lg_chunk_name(id);
    uint64_t index;

    if (id > (int32_t)XSR_MAX_PAGE_BATCH || id < XSR_LG_LAST_ID)
        return refuse_chunk(c, id, err);
    if (id > 0)
        return convert_batch(c, (uint32_t)id, err);
    xsr_lg_say(c, XSR_LOG_DEBUG, "chunk %d: %s", id, what);
    if (xsr_lg_is_param(id, &index))
        return take_param(c, id, index, err);
    switch (id) {
    case XSR_LG_VERIFY:
        return c->p->verify_records ? xsr_lg_record(c, XSR_XC3_VERIFY, 0, err)
                                    : 0;
    case XSR_LG_VCPUS:
        return take_vcpus(c, what, err);
    case XSR_LG_TSC_INFO:
        return convert_tsc(c, what, err);
    case XSR_LG_TMEM:
    case XSR_LG_TMEM_EXTRA:
        return xsr_lg_skip_tmem(c, id, err);
    case XSR_LG_LAST_CHECKPOINT:
        c->is_last = true;
        return 0;
    case XSR_LG_COMPRESSED:
        return convert_compressed(c, what, err);
    case XSR_LG_COMPRESS_NEXT:
        c->compress_next = true; /* nothing in this checkpoint is compressed */
        return 0;
    default: /* XSR_LG_TOOLSTACK is the only one left */
        return take_toolstack(c, what, err);
    }
}

/* ---- the whole of it ----------------------------------------------------- */

int xsr_lg_put_params(struct xsr_lg *c, const struct xsr_hvm_param *list,
                      uint32_t n, struct xsr_err *err)
{
    if (xsr_lg_record(c, XSR_XC3_HVM_PARAMS, 8 + 16 * n, err) < 0 ||
        xsr_lg_put_u64(c->o, n, err) < 0)
        return -1;
    for (uint32_t i = 0; i < n; i++)
        if (xsr_lg_put_u64(c->o, list[i].index, err) < 0 ||
            xsr_lg_put_u64(c->o, list[i].value, err) < 0)
            return -1;
    return 0;
}

static bool has_param(const struct xsr_lg *c, uint64_t index)
{
    for (uint32_t i = 0; i < c->n_params; i++)
        if (c->param[i].index == index)
            return true;
    return false;
}

static int end_body(struct xsr_lg *c, struct xsr_err *err)
{
    if (c->last && xsr_lg_last_check(c, err) < 0)
        return -1;
    if (c->compress_next && !c->last)
        xsr_lg_say(c, XSR_LOG_INFO,
                   "later checkpoints are compressed; the first one is "
                   "converted");
    if (has_param(c, PARAM_IOREQ) != has_param(c, PARAM_N_IOREQ))
        xsr_lg_say(c, XSR_LOG_WARN,
                   "only one of the two ioreq server chunks is there");
    if (!c->vcpus_known)
        xsr_lg_say(c, XSR_LOG_WARN,
                   "the stream does not say which vCPUs are online: vCPU 0 "
                   "is");
    c->rep->n_vcpus = c->vcpus.n;
    if (c->last && xsr_lg_last_tail(c, err) < 0)
        return -1;
    return c->n_params ? xsr_lg_put_params(c, c->param, c->n_params, err) : 0;
}

int xsr_lg_body(struct xsr_lg *c, struct xsr_err *err)
{
    const uint8_t *p;
    int32_t id;

    c->in.sure = xsr_lg_min_tail(c);
    do {
        if (xsr_lg_take(&c->in, 4, "a chunk id", &p, err) < 0)
            return -1;
        id = (int32_t)xsr_le32(p);
        if (id != XSR_LG_END && convert_chunk(c, id, err) < 0)
            return -1;
    } while (id != XSR_LG_END);
    c->in.sure = 0;
    return end_body(c, err);
}
