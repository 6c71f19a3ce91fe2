/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The calls that a save makes of the fake hypervisor (fake/xen.h), and an HVM
 * guest of eight pages in it. What the guest writes to in which round, which
 * page vanishes when, and which call is refused, is up to the test.
 */
#ifndef XSR_TESTS_FAKE_SAVING_H
#define XSR_TESTS_FAKE_SAVING_H

#include "tests/fake/saving_state.h"

#define SAVED_PAGES  8u
#define SAVED_GFNS   4096u /* the pages are at 0-3 and 4092-4095 */
#define SAVED_ROUNDS 8

static struct {
    bool shutdown;
    unsigned reason;
    int enable_errno[2], off_errno; /* 0: done */
    unsigned n_enabled, n_off, n_clean;
    bool logdirty;
    uint64_t dirty[SAVED_ROUNDS];  /* gfns 0-63 that a CLEAN reports */
    int64_t counted[SAVED_ROUNDS]; /* how many it says; 0: as many as bits */
    uint64_t vanishing;            /* has a type but cannot be mapped */
    unsigned n_odd;                /* types asked of what is no frame at all */
    uint32_t type[64]; /* XEN_DOMCTL_PFINFO_* of the first frames (PV) */
} guest;

static uint64_t saved_gfn(unsigned i)
{
    return i < 4 ? i : SAVED_GFNS - SAVED_PAGES + i;
}

static inline void saving_init(void)
{
    fake_init(false);
    memset(&guest, 0, sizeof(guest));
    guest.reason = SHUTDOWN_suspend;
    guest.vanishing = UINT64_MAX;
    xen_host.running = true;
    for (unsigned i = 0; i < SAVED_PAGES; i++) {
        xen_host.gfn[i] = saved_gfn(i);
        memset(xen_host.mem + i * 4096ul, (int)(0x10 + i), 4096);
    }
    xen_host.n_frames = SAVED_PAGES;
}

int xc_domain_getinfolist(xc_interface *xch, uint32_t first, unsigned int max,
                          xc_domaininfo_t *out)
{
    (void)xch, (void)max;
    memset(out, 0, sizeof(*out));
    out->domain = (domid_t)first;
    out->flags = xen_host.pv ? 0 : XEN_DOMINF_hvm_guest;
    out->shared_info_frame = FAKE_SHARED_INFO;
    if (guest.shutdown)
        out->flags |= XEN_DOMINF_shutdown | guest.reason
                                                << XEN_DOMINF_shutdownshift;
    return 1;
}

int xc_domain_nr_gpfns(xc_interface *xch, uint32_t domid, xen_pfn_t *out)
{
    (void)xch, (void)domid;
    *out = SAVED_GFNS;
    return 0;
}

/* Types; every other call (the CPU policy) finds nothing. */
int xc_domctl(xc_interface *xch, struct xen_domctl *domctl)
{
    struct xen_domctl_getpageframeinfo3 *op = &domctl->u.getpageframeinfo3;
    xen_pfn_t *array;

    (void)xch;
    if (domctl->cmd != XEN_DOMCTL_getpageframeinfo3)
        return 0;
    memcpy(&array, &op->array, sizeof(array));
    for (unsigned i = 0; i < op->num; i++) {
        long at = fake_frame(array[i]);

        guest.n_odd += array[i] == UINT64_MAX;
        array[i] =
            at < 0 ? XEN_DOMCTL_PFINFO_XTAB : guest.type[at < 64 ? at : 63];
    }
    if (xen_host.pv)
        return 0;
    /* Gone until the next look. */
    for (unsigned i = 0; i < SAVED_PAGES; i++)
        if (saved_gfn(i) == guest.vanishing)
            xen_host.gfn[i] = UINT64_MAX - 1;
        else
            xen_host.gfn[i] = saved_gfn(i);
    guest.vanishing = UINT64_MAX;
    return 0;
}

int xc_shadow_control(xc_interface *xch, uint32_t domid, unsigned int op,
                      unsigned int *mb, unsigned int mode)
{
    (void)xch, (void)domid, (void)mb, (void)mode;
    errno = 0;
    if (op == XEN_DOMCTL_SHADOW_OP_OFF) {
        guest.n_off++;
        guest.logdirty = false;
        errno = guest.off_errno;
    } else {
        errno = guest.enable_errno[guest.n_enabled++ % 2];
        guest.logdirty = !errno;
    }
    return errno ? -1 : 0;
}

long long xc_logdirty_control(xc_interface *xch, uint32_t domid,
                              unsigned int op, xc_hypercall_buffer_t *bitmap,
                              unsigned long pages, unsigned int mode,
                              xc_shadow_op_stats_t *stats)
{
    unsigned n = guest.n_clean++ % SAVED_ROUNDS;
    uint64_t *bits = bitmap->hbuf;

    (void)xch, (void)domid, (void)op, (void)mode;
    memset(bits, 0, pages / 8);
    bits[0] = guest.dirty[n];
    stats->dirty_count =
        (uint32_t)(guest.counted[n] ? guest.counted[n]
                                    : __builtin_popcountll(bits[0]));
    return (long long)pages;
}

#endif
