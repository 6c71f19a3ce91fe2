/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Allocation of machine frames. Batches come from the top of memory in
 * contiguous runs (mapping 1024 of them is then one mmap), each run below the
 * last, so that frame numbers never equal guest page numbers and never differ
 * from them by one constant. Single pages come from chunks that are in use
 * already. Who owns a frame is one store (primary); the counts per chunk are
 * raised before and lowered after it, so that they never miss a frame.
 */
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include "lib/util.h"
#include "stubs/world/host.h"

/* Chunks of the pool: [first, end). */
static size_t first_chunk(void)
{
    return xsr_host->dom0_pages / XSR_CHUNK;
}

static size_t end_chunk(void)
{
    return xsr_host->compat_mfn / XSR_CHUNK;
}

/* Downwards, the highest run of n free chunks. Returns its first, or 0. */
static size_t find_free_chunks(size_t n)
{
    size_t run = 0, c;

    for (c = end_chunk(); c-- > first_chunk();) {
        run = xsr_host->chunk_used[c] == 0 ? run + 1 : 0;
        if (run == n)
            return c;
    }
    return 0;
}

/* The longest free run inside one chunk, at most want; 0 if full. */
static size_t run_in_chunk(size_t c, size_t want, uint64_t *mfn_out)
{
    uint64_t mfn = c * XSR_CHUNK, end = mfn + XSR_CHUNK;
    size_t best = 0, run = 0;

    for (; mfn < end && best < want; mfn++) {
        run = xsr_frames[mfn].owner == 0 ? run + 1 : 0;
        if (run > best) {
            best = run;
            *mfn_out = mfn + 1 - run;
        }
    }
    return best;
}

/* A free run in a chunk that is partly used: the first that fits wholly. */
static size_t find_in_used(size_t want, bool wholly, uint64_t *mfn_out)
{
    size_t best = 0, c;

    for (c = first_chunk(); c < end_chunk() && best < want; c++) {
        unsigned used = xsr_host->chunk_used[c];
        uint64_t mfn = 0;
        size_t run;

        if (used == 0 || used >= XSR_CHUNK ||
            (wholly && XSR_CHUNK - used < want))
            continue;
        run = run_in_chunk(c, want, &mfn);
        if (run > best && (!wholly || run == want)) {
            best = run;
            *mfn_out = mfn;
        }
    }
    return best;
}

/*
 * A free frame is zero. It costs no memory, unless the host is one whose
 * memory stays: that is scrubbed here, as Xen does it when a domain ends.
 */
static void empty(uint64_t mfn, size_t n)
{
    uint8_t *p = xsr_frame_bytes(mfn);

    if (xsr_host->resident)
        (void)xsr_frame_wipe(mfn, n);
    else if (madvise(p, n * XSR_PAGE_SIZE, MADV_REMOVE) < 0)
        memset(p, 0, n * XSR_PAGE_SIZE);
}

/*
 * Whoever frees these frames looks at all of their chunks. That must not need
 * new pages of the file then, when the folder may be full.
 */
static void touch(uint64_t mfn, size_t n)
{
    size_t step = XSR_PAGE_SIZE / sizeof(struct xsr_frame);
    uint64_t i = mfn - mfn % XSR_CHUNK;

    for (; i < xsr_round_up(mfn + n, XSR_CHUNK); i += step)
        (void)__atomic_load_n(&xsr_frames[i].owner, __ATOMIC_RELAXED);
}

/* Mark [mfn, mfn + n) as d's. Returns n, or 0 if they cannot be stored. */
static size_t take(struct xsr_dom *d, uint64_t mfn, size_t n, uint8_t flags)
{
    size_t i;

    if (xsr_frame_back(mfn, n) < 0) {
        empty(mfn, n);
        return 0;
    }
    touch(mfn, n);
    for (i = 0; i < n; i++)
        xsr_host->chunk_used[(mfn + i) / XSR_CHUNK]++;
    xsr_host_edge();
    for (i = 0; i < n; i++) {
        if (i == n / 2)
            xsr_host_edge();
        xsr_m2p[mfn + i] = XSR_INVALID_M2P; /* leads nowhere yet */
        xsr_frames[mfn + i].type = XSR_F_NONE;
        xsr_frames[mfn + i].flags = flags;
        xsr_frames[mfn + i].tcount = 0;
        __atomic_store_n(&xsr_frames[mfn + i].owner, (uint16_t)(d->domid + 1),
                         __ATOMIC_RELEASE);
    }
    xsr_host_edge();
    xsr_host->free_pages -= n;
    if (!(flags & XSR_FF_SPECIAL))
        d->tot_pages += n;
    return n;
}

size_t xsr_frame_alloc(struct xsr_dom *d, size_t want, unsigned order,
                       uint8_t flags, uint64_t *mfn_out)
{
    size_t n = want, chunks, c;

    if (order > 0)
        n = want = (size_t)1 << order;
    if (n > xsr_host->free_pages)
        n = order > 0 ? 0 : xsr_host->free_pages;
    if (n == 0)
        return 0;
    if (order == 0 && n <= XSR_CHUNK / 2 && find_in_used(n, true, mfn_out) == n)
        return take(d, *mfn_out, n, flags);
    /* Whole chunks; 2 MiB alignment is that of a chunk, 1 GiB is refused. */
    if (order > 9)
        return 0;
    for (chunks = (n + XSR_CHUNK - 1) / XSR_CHUNK; chunks > 0; chunks /= 2) {
        c = find_free_chunks(chunks);
        if (c == 0)
            continue;
        *mfn_out = c * XSR_CHUNK;
        n = (size_t)xsr_min(n, chunks * XSR_CHUNK);
        return take(d, *mfn_out, n, flags);
    }
    n = order > 0 ? 0 : find_in_used(n, false, mfn_out);
    return n > 0 ? take(d, *mfn_out, n, flags) : 0;
}

void xsr_frame_free(uint64_t mfn, size_t n)
{
    size_t i;

    empty(mfn, n);
    for (i = 0; i < n; i++) {
        if (i == n / 2)
            xsr_host_edge();
        xsr_m2p[mfn + i] = XSR_INVALID_M2P;
        xsr_frames[mfn + i].flags = 0;
        xsr_frames[mfn + i].type = XSR_F_NONE;
        xsr_frames[mfn + i].tcount = 0;
        __atomic_store_n(&xsr_frames[mfn + i].owner, 0, __ATOMIC_RELEASE);
    }
    xsr_host_edge();
    for (i = 0; i < n; i++)
        xsr_host->chunk_used[(mfn + i) / XSR_CHUNK]--;
    xsr_host->free_pages += n;
}
