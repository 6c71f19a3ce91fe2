/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Transcendent memory in a legacy stream: pools of pages that the guest had
 * given to Xen, which has lost that feature. v2 has nothing for it. It is
 * refused, or stepped over when asked: the guest then finds its caches empty,
 * but loses what it had swapped out to a persistent pool.
 */
#include "convert/legacy_priv.h"

#include "lib/util.h"

#define POOL_END   UINT32_MAX
#define HEAD_LEN   28u /* of chunk -5 */
#define POOL_LEN   28u /* id, flags, pages, uuid; only the id at the end */
#define OID_LEN    24u
#define ORDER_BITS 4u /* of the pool's flags: where the page size begins */

static int take_u32(struct xsr_lg *c, uint32_t *out, struct xsr_err *err)
{
    const uint8_t *p;

    if (xsr_lg_take(&c->in, 4, "a tmem chunk", &p, err) < 0)
        return -1;
    *out = xsr_le32(p);
    return 0;
}

/* 1: an object; 0: the end of the pool; -1: refused. */
static int skip_object(struct xsr_lg *c, uint64_t page, struct xsr_err *err)
{
    const uint8_t *p;

    if (xsr_lg_take(&c->in, OID_LEN, "a tmem object", &p, err) < 0)
        return -1;
    if (xsr_le64(p) == UINT64_MAX && xsr_le64(p + 8) == UINT64_MAX &&
        xsr_le64(p + 16) == UINT64_MAX)
        return 0;
    return xsr_lg_copy(&c->in, NULL, 4 + page, "a tmem object", err) < 0 ? -1
                                                                         : 1;
}

static int skip_pool(struct xsr_lg *c, struct xsr_err *err)
{
    uint32_t flags, n, order;
    const uint8_t *p;
    int r = 1;

    if (xsr_lg_take(&c->in, POOL_LEN - 4, "a tmem pool", &p, err) < 0)
        return -1;
    flags = xsr_le32(p);
    n = xsr_le32(p + 4);
    order = flags >> ORDER_BITS & 0xf;
    if (order > XSR_MAX_LEGACY_TMEM_ORDER) {
        xsr_fail(err, XSR_E_LIMIT,
                 "chunk tmem: found pages of order %u, allowed at most %u",
                 order, XSR_MAX_LEGACY_TMEM_ORDER);
        return xsr_err_at(err, c->in.pos - (POOL_LEN - 4));
    }
    while (n-- && r == 1)
        r = skip_object(c, (uint64_t)XSR_PAGE_SIZE << order, err);
    return r < 0 ? -1 : 0;
}

int xsr_lg_skip_tmem(struct xsr_lg *c, int32_t id, struct xsr_err *err)
{
    uint32_t pool;

    if (!c->p->drop_tmem) {
        xsr_fail(err, XSR_E_UNSUPPORTED,
                 "found chunk %d (%s): the guest used transcendent memory, "
                 "which Xen does not have any more; it can be left out on "
                 "request (--drop-tmem)",
                 id, xsr_lg_chunk_name(id));
        return xsr_err_at(err, c->in.pos - 4);
    }
    xsr_lg_say(c, XSR_LOG_WARN, "chunk %d (%s) is left out", id,
               xsr_lg_chunk_name(id));
    if (id == XSR_LG_TMEM &&
        xsr_lg_copy(&c->in, NULL, HEAD_LEN, "tmem", err) < 0)
        return -1;
    for (;;) {
        if (take_u32(c, &pool, err) < 0)
            return -1;
        if (pool == POOL_END)
            return 0;
        if (id == XSR_LG_TMEM ? skip_pool(c, err) < 0
                              : xsr_lg_copy(&c->in, NULL, OID_LEN + 4,
                                            "a tmem index", err) < 0)
            return -1;
    }
}
