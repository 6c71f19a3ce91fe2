/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Localising page tables: pfn -> mfn in every present entry.
 *
 * restore_pv.c hands over copies of tables, some dozens at a time: all are
 * checked, then the pages behind all their targets are populated in one go,
 * then the entries are replaced and the copies go into the guest's frames.
 * 64-bit guests only: 4 levels of 512 entries.
 *
 * The size of the p2m is the end_pfn of a P2M_FRAMES record, which is a claim:
 * 8 octets of input stand for 512 pfns. So its arrays are anonymous mappings
 * without reservation that become memory page by page (never 2 MiB at once)
 * when a pfn is really used, laid out so that fresh zero octets mean "nothing
 * known".
 */
#include "engine/tables.h"

#include <errno.h>
#include <string.h>
#include <sys/mman.h>

#include "engine/pv_layout.h"
#include "lib/bytes.h"
#include "lib/util.h"

/* ---- pfn to frame and type ----------------------------------------------- */

void xsr_p2m_init(struct xsr_p2m *p2m)
{
    memset(p2m, 0, sizeof(*p2m));
}

static void drop(void *array, uint64_t n, size_t size)
{
    if (array)
        munmap(array, xsr_round_up(n * size, XSR_PAGE_SIZE));
}

void xsr_p2m_fini(struct xsr_p2m *p2m)
{
    drop(p2m->frame, p2m->n, sizeof(*p2m->frame));
    drop(p2m->type, p2m->n, sizeof(*p2m->type));
    xsr_p2m_init(p2m);
}

/* A new array of n elements that begins with the old one; NULL: errno. */
static void *extend(void *old, uint64_t n_old, uint64_t n, size_t size)
{
    size_t len = xsr_round_up(n * size, XSR_PAGE_SIZE);
    void *p;

    if (old) {
        p = mremap(old, xsr_round_up(n_old * size, XSR_PAGE_SIZE), len,
                   MREMAP_MAYMOVE);
        return p == MAP_FAILED ? NULL : p;
    }
    p = mmap(NULL, len, PROT_READ | PROT_WRITE,
             MAP_PRIVATE | MAP_ANONYMOUS | MAP_NORESERVE, -1, 0);
    if (p == MAP_FAILED)
        return NULL;
    /* A kernel without huge pages does not know the advice: as well. */
    madvise(p, len, MADV_NOHUGEPAGE);
    return p;
}

int xsr_p2m_grow(struct xsr_p2m *p2m, uint64_t n, struct xsr_err *err)
{
    struct xsr_p2m next = {NULL, NULL, n};

    if (n <= p2m->n)
        return 0;
    next.frame = extend(p2m->frame, p2m->n, n, sizeof(*p2m->frame));
    if (!next.frame)
        goto fail;
    p2m->frame = next.frame;
    next.type = extend(p2m->type, p2m->n, n, sizeof(*p2m->type));
    if (!next.type) {
        int saved = errno;

        /* Back to a size that fini knows; shrinking in place cannot fail. */
        if (p2m->n)
            mremap(next.frame, xsr_round_up(n * 8, XSR_PAGE_SIZE),
                   xsr_round_up(p2m->n * 8, XSR_PAGE_SIZE), 0);
        else
            drop(xsr_steal_ptr(&p2m->frame), n, 8);
        errno = saved;
        goto fail;
    }
    *p2m = next;
    return 0;
fail:
    return xsr_fail_sys(err, XSR_E_NOMEM, errno,
                        "no address space for the table of %llu pfns",
                        (unsigned long long)n);
}

/* ---- page tables --------------------------------------------------------- */

static uint64_t entry_at(const struct xsr_table *table, unsigned i)
{
    return xsr_le64(table->page + i * 8);
}

static uint64_t target(uint64_t pte)
{
    return (pte & XSR_PTE_FRAME) >> XSR_PAGE_SHIFT;
}

int xsr_table_check(const struct xsr_table *table, uint64_t n_pfns,
                    unsigned *n_cleared_out, struct xsr_err *err)
{
    unsigned cleared = 0;

    for (unsigned i = 0; i < XSR_PV_PER_PAGE; i++) {
        uint64_t pte = entry_at(table, i);

        if (pte && table->level == 4 && i >= XSR_XEN_SLOT_FIRST &&
            i <= XSR_XEN_SLOT_LAST) {
            xsr_st_le64(table->page + i * 8, 0);
            cleared++;
            continue;
        }
        if (!(pte & XSR_PTE_PRESENT))
            continue;
        if (table->level > 1 && pte & XSR_PTE_PSE)
            return xsr_fail(err, XSR_E_FORMAT,
                            "libxc record PAGE_DATA: found "
                            "a superpage entry at L%u[%u] of pfn 0x%llx, "
                            "allowed are 4 KiB pages only",
                            table->level, i, (unsigned long long)table->pfn);
        if (target(pte) >= n_pfns)
            return xsr_fail(err, XSR_E_FORMAT,
                            "libxc record PAGE_DATA: found "
                            "pfn 0x%llx in L%u[%u] of pfn 0x%llx, allowed up "
                            "to 0x%llx, the end of X86_PV_P2M_FRAMES",
                            (unsigned long long)target(pte), table->level, i,
                            (unsigned long long)table->pfn,
                            (unsigned long long)n_pfns - 1);
    }
    *n_cleared_out = cleared;
    return 0;
}

int xsr_table_each(const struct xsr_table *table,
                   int (*want)(void *ctx, uint64_t pfn, struct xsr_err *err),
                   void *ctx, struct xsr_err *err)
{
    for (unsigned i = 0; i < XSR_PV_PER_PAGE; i++) {
        uint64_t pte = entry_at(table, i);

        if (pte & XSR_PTE_PRESENT && want(ctx, target(pte), err) < 0)
            return -1;
    }
    return 0;
}

int xsr_table_localise(const struct xsr_table *table, const struct xsr_p2m *p2m,
                       struct xsr_err *err)
{
    for (unsigned i = 0; i < XSR_PV_PER_PAGE; i++) {
        uint64_t pte = entry_at(table, i), frame;

        if (!(pte & XSR_PTE_PRESENT))
            continue;
        frame = xsr_p2m_frame(p2m, target(pte));
        if (frame > XSR_PTE_FRAME >> XSR_PAGE_SHIFT)
            return xsr_fail(err, XSR_E_BUG, "no frame behind pfn 0x%llx",
                            (unsigned long long)target(pte));
        pte = (pte & ~XSR_PTE_FRAME) | frame << XSR_PAGE_SHIFT;
        xsr_st_le64(table->page + i * 8, pte);
    }
    return 0;
}
