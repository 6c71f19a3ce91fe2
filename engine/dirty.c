/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The sets behind a save's rounds: one bit a pfn, looked through 64 at a time.
 * save/rounds.c fills them, save/pass.c walks over them; a COLO restore tells
 * them to the other side.
 */
#include "engine/dirty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "engine/compat.h"
#include "lib/util.h"

static size_t n_words(uint64_t n_pfns)
{
    return (n_pfns + 63) / 64;
}

static int n_pages(uint64_t n_pfns)
{
    return (int)((n_words(n_pfns) * 8 + XSR_PAGE_SIZE - 1) / XSR_PAGE_SIZE);
}

void xsr_dirty_init(struct xsr_dirty *d)
{
    memset(d, 0, sizeof(*d));
}

void xsr_dirty_fini(struct xsr_dirty *d, const struct xsr_xen *xen)
{
    if (d->buffer.hbuf)
        xc__hypercall_buffer_free_pages(xen->xch, &d->buffer,
                                        n_pages(d->n_pfns));
    free(d->deferred);
    free(d->known);
    xsr_dirty_init(d);
}

int xsr_dirty_resize(struct xsr_dirty *d, const struct xsr_xen *xen, uint64_t n,
                     struct xsr_err *err)
{
    DECLARE_HYPERCALL_BUFFER(uint64_t, bits);
    struct xsr_dirty next = {.n_pfns = n, .n_deferred = d->n_deferred};

    if (n <= d->n_pfns)
        return 0;
    next.deferred = calloc(n_words(n), sizeof(*next.deferred));
    next.known = calloc(n_words(n), sizeof(*next.known));
    bits = xc_hypercall_buffer_alloc_pages(xen->xch, bits, n_pages(n));
    if (!next.deferred || !next.known || !bits) {
        free(next.deferred);
        free(next.known);
        if (bits)
            xc_hypercall_buffer_free_pages(xen->xch, bits, n_pages(n));
        return xsr_fail(err, XSR_E_NOMEM,
                        "no memory for the dirty bits of %llu pfns",
                        (unsigned long long)n);
    }
    next.buffer = *HYPERCALL_BUFFER(bits);
    next.bits = bits;
    memset(bits, 0, (size_t)n_pages(n) * XSR_PAGE_SIZE);
    if (d->n_pfns) {
        memcpy(next.bits, d->bits, n_words(d->n_pfns) * 8);
        memcpy(next.deferred, d->deferred, n_words(d->n_pfns) * 8);
        memcpy(next.known, d->known, n_words(d->n_pfns) * 8);
    }
    xsr_dirty_fini(d, xen);
    *d = next;
    return 0;
}

int xsr_dirty_fetch(struct xsr_dirty *d, const struct xsr_xen *xen, bool final,
                    uint64_t *n_out, struct xsr_err *err)
{
    unsigned mode = final ? XEN_DOMCTL_SHADOW_LOGDIRTY_FINAL : 0;
    xc_shadow_op_stats_t stats = {0, 0};
    long long r;

    r = xsr_xc_logdirty_get(xen->xch, xen->domid, XEN_DOMCTL_SHADOW_OP_CLEAN,
                            &d->buffer, d->n_pfns, mode, &stats);
    if (r < 0)
        return xsr_fail_sys(err, XSR_E_XEN, errno,
                            "asking which pages domain %u wrote to",
                            xen->domid);
    if ((uint64_t)r != d->n_pfns)
        return xsr_fail_sys(err, XSR_E_XEN, ERANGE,
                            "asking which pages domain %u wrote to: Xen "
                            "answered for %lld of %llu pfns",
                            xen->domid, r, (unsigned long long)d->n_pfns);
    *n_out = stats.dirty_count;
    return 0;
}

void xsr_dirty_defer(struct xsr_dirty *d, uint64_t pfn)
{
    uint64_t mask = 1ull << (pfn % 64);

    if (!(d->deferred[pfn / 64] & mask))
        d->n_deferred++;
    d->deferred[pfn / 64] |= mask;
}

void xsr_dirty_add_deferred(struct xsr_dirty *d)
{
    if (!d->n_deferred)
        return;
    for (size_t i = 0; i < n_words(d->n_pfns); i++)
        d->bits[i] |= d->deferred[i];
    memset(d->deferred, 0, n_words(d->n_pfns) * 8);
    d->n_deferred = 0;
}

uint64_t xsr_dirty_count(const struct xsr_dirty *d)
{
    uint64_t n = 0, at = 0;

    for (; at < d->n_pfns / 64; at++)
        n += (uint64_t)__builtin_popcountll(d->bits[at]);
    if (d->n_pfns % 64)
        n += (uint64_t)__builtin_popcountll(d->bits[at] &
                                            ((1ull << (d->n_pfns % 64)) - 1));
    return n;
}

uint64_t xsr_dirty_next(const uint64_t *bits, uint64_t from, uint64_t end)
{
    uint64_t at = from / 64, word;

    if (from >= end)
        return end;
    word = bits[at] & ~0ull << (from % 64);
    while (!word) {
        if (++at * 64 >= end)
            return end;
        word = bits[at];
    }
    return xsr_min(at * 64 + (uint64_t)__builtin_ctzll(word), end);
}
