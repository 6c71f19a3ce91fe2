/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The PV guest's page tables. The domain builder maps only the first megabytes;
 * the rest of the memory is added here, at the same address as its
 * pseudo-physical one. A table is filled while it is an ordinary page, made
 * read-only, and then hung in by a hypercall, at which Xen checks it.
 */
#include "xg.h"

#include "hypercall.h"

#define PRESENT  1ul
#define WRITABLE 2ul
#define USED     0x64ul /* user, accessed, dirty */
#define FRAME    0x000ffffffffff000ul

static uint64_t *table_in(uint64_t entry)
{
    return (uint64_t *)(machine_to_phys_mapping[(entry & FRAME) / XG_PAGE] *
                        XG_PAGE);
}

long xg_pv_remap(void *at, unsigned long frame, bool writable)
{
    uint64_t entry =
        frame * XG_PAGE | PRESENT | USED | (writable ? WRITABLE : 0);

    return xg_hypercall(__HYPERVISOR_update_va_mapping, (unsigned long)at,
                        entry, UVMF_INVLPG | UVMF_ALL, 0);
}

static void set_entry(uint64_t *entry, uint64_t value)
{
    unsigned long at = (unsigned long)entry;
    struct mmu_update update = {
        .ptr = (xg_p2m[at / XG_PAGE] * XG_PAGE + at % XG_PAGE) |
               MMU_NORMAL_PT_UPDATE,
        .val = value};
    long rc = xg_hypercall(__HYPERVISOR_mmu_update, (unsigned long)&update, 1,
                           0, DOMID_SELF);

    if (rc)
        xg_panic("a page table entry is refused", (uint64_t)-rc);
}

static void hang_in(uint64_t *entry, void *table)
{
    unsigned long frame = xg_p2m[(unsigned long)table / XG_PAGE];
    long rc = xg_pv_remap(table, frame, false);

    if (rc)
        xg_panic("a page cannot become a table", (uint64_t)-rc);
    set_entry(entry, frame * XG_PAGE | PRESENT | WRITABLE | USED);
}

static uint64_t entry_for(unsigned long pfn)
{
    return xg_p2m[pfn] * XG_PAGE | PRESENT | WRITABLE | USED;
}

/* The 2 MiB from pfn on. */
static void map_some(uint64_t *l2_entry, unsigned long pfn, unsigned long n)
{
    uint64_t *l1;

    if (*l2_entry & PRESENT) {
        l1 = table_in(*l2_entry);
        for (unsigned long i = 0; i < n; i++)
            if (!(l1[i] & PRESENT))
                set_entry(&l1[i], entry_for(pfn + i));
        return;
    }
    l1 = xg_own(1);
    for (unsigned long i = 0; i < n; i++)
        l1[i] = entry_for(pfn + i);
    hang_in(l2_entry, l1);
}

void xg_pv_map_all(uint64_t *l4, unsigned long nr_pages)
{
    uint64_t *l3 = table_in(l4[0]);

    for (unsigned long pfn = 0; pfn < nr_pages; pfn += XG_WORDS) {
        unsigned long left = nr_pages - pfn;
        uint64_t *l3_entry = &l3[pfn >> 18];

        if (!(*l3_entry & PRESENT))
            hang_in(l3_entry, xg_own(1));
        map_some(&table_in(*l3_entry)[(pfn >> 9) % XG_WORDS], pfn,
                 left < XG_WORDS ? left : XG_WORDS);
    }
}
