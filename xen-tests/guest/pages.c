/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which memory the test guest has. pv.c and hvm.c say where RAM is; the image
 * and what follows it directly (start-of-day structures, tables, counters) is
 * the guest's own, everything else holds contents that memory.c can verify.
 */
#include "xg.h"

#define MAX_RANGES 16u

static struct {
    unsigned long first, count;
} ranges[MAX_RANGES];
static unsigned n_ranges;
static unsigned long own_end;

static unsigned long own_first(void)
{
    return (unsigned long)xg_image / XG_PAGE;
}

void xg_ram(unsigned long first_pfn, unsigned long count)
{
    if (!count)
        return;
    if (n_ranges == MAX_RANGES)
        xg_panic("more ranges of memory than expected", n_ranges);
    ranges[n_ranges].first = first_pfn;
    ranges[n_ranges].count = count;
    n_ranges++;
}

void xg_own_until(unsigned long pfn)
{
    if (pfn > own_end)
        own_end = pfn;
}

void *xg_own(unsigned long n_pages)
{
    void *p = (void *)(own_end * XG_PAGE);

    for (unsigned i = 0; i < n_ranges; i++)
        if (own_end >= ranges[i].first &&
            own_end + n_pages <= ranges[i].first + ranges[i].count) {
            own_end += n_pages;
            memset(p, 0, n_pages * XG_PAGE);
            return p;
        }
    xg_panic("too little memory for the guest's own tables", n_pages);
}

/* What of range i lies below our own pages, and what above. */
static unsigned long count_low(unsigned i)
{
    unsigned long end = ranges[i].first + ranges[i].count;

    if (ranges[i].first >= own_first())
        return 0;
    return (end < own_first() ? end : own_first()) - ranges[i].first;
}

static unsigned long count_high(unsigned i)
{
    unsigned long end = ranges[i].first + ranges[i].count;
    unsigned long from = ranges[i].first > own_end ? ranges[i].first : own_end;

    return end > from ? end - from : 0;
}

unsigned long xg_n_pages(void)
{
    unsigned long n = 0;

    for (unsigned i = 0; i < n_ranges; i++)
        n += count_low(i) + count_high(i);
    return n;
}

unsigned long xg_pfn_of(unsigned long index)
{
    for (unsigned i = 0; i < n_ranges; i++) {
        unsigned long low = count_low(i), high = count_high(i);

        if (index < low)
            return ranges[i].first + index;
        index -= low;
        if (index < high)
            return ranges[i].first + ranges[i].count - high + index;
        index -= high;
    }
    xg_panic("no such page", index);
}
