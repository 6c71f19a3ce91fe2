/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Grant tables, as far as a toolstack sees them: the frames of a domain's
 * table (real pages, version 1 entries of 8 octets, zero when new), their
 * number, and growth up to the domain's limit. A restore writes the entries
 * for console and xenstore into frame 0. Grants are not mapped by anybody
 * here; that is a guest's or a backend's business.
 */
#include <errno.h>
#include <string.h>

#include "lib/util.h"
#include "stubs/hv/hvi.h"

/* Frame idx of d's table; the table grows to have it. */
int xsr_hv_grant_frame(struct xsr_dom *d, uint64_t idx, uint64_t *mfn_out)
{
    uint64_t mfn;

    if (idx >= d->max_grants)
        return -EINVAL;
    while (d->n_grants <= idx) {
        if (d->domid == 0 ||
            xsr_frame_alloc(d, 1, 0, XSR_FF_SPECIAL, &mfn) != 1)
            return -ENOMEM;
        d->grant_mfn[d->n_grants] = mfn;
        d->n_grants++;
    }
    *mfn_out = d->grant_mfn[idx];
    return 0;
}

static int16_t setup_frames(struct xsr_dom *d, struct gnttab_setup_table *op)
{
    uint64_t mfn;
    uint32_t i;

    if (op->nr_frames > d->max_grants)
        return GNTST_general_error;
    if (op->nr_frames && !op->frame_list.p)
        return GNTST_bad_virt_addr;
    for (i = 0; i < op->nr_frames; i++) {
        if (xsr_hv_grant_frame(d, i, &mfn) < 0)
            return GNTST_general_error;
        /* a translated domain sees guest frame numbers */
        op->frame_list.p[i] = d->hvm ? xsr_m2p[mfn] : mfn;
    }
    return GNTST_okay;
}

static long setup_table(void *arg)
{
    struct gnttab_setup_table op;
    struct xsr_dom *d;

    memcpy(&op, arg, sizeof(op));
    d = xsr_hv_dom_any(op.dom);
    op.status = d ? setup_frames(d, &op) : GNTST_bad_domain;
    memcpy(arg, &op, sizeof(op));
    return 0;
}

static long query_size(void *arg)
{
    struct gnttab_query_size op;
    struct xsr_dom *d;

    memcpy(&op, arg, sizeof(op));
    d = xsr_hv_dom_any(op.dom);
    op.status = d ? GNTST_okay : GNTST_bad_domain;
    if (d) {
        op.nr_frames = d->n_grants;
        op.max_nr_frames = d->max_grants;
    }
    memcpy(arg, &op, sizeof(op));
    return 0;
}

static long get_version(void *arg)
{
    struct gnttab_get_version op;

    memcpy(&op, arg, sizeof(op));
    if (!xsr_hv_dom_any(op.dom))
        return -ESRCH;
    op.version = 1;
    memcpy(arg, &op, sizeof(op));
    return 0;
}

long xsr_hv_grant_op(unsigned long cmd, void *arg, unsigned long count)
{
    if (!arg)
        return -EFAULT;
    switch (cmd) {
    case GNTTABOP_setup_table:
        return count == 1 ? setup_table(arg) : -EINVAL;
    case GNTTABOP_query_size:
        return count == 1 ? query_size(arg) : -EINVAL;
    case GNTTABOP_get_version:
        return get_version(arg);
    default:
        xsr_sim_log("not simulated: grant_table_op %lu", cmd);
        return -ENOSYS;
    }
}
