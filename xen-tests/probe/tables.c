/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Questions about page tables of a PV domain, as a restore makes them: pinning
 * what is a table and what is not, what a pinned table forbids, how it looks to
 * a saver; and the machine-to-physical entries.
 */
#include "probe.h"

enum { L4, L3, L2, L1, DATA, SPARE, N_TABLES };

static uint32_t domid;
static uint64_t mfn[N_TABLES];

static void set_entry(unsigned table, unsigned slot, uint64_t entry)
{
    uint64_t *p = map_page(domid, PROT_READ | PROT_WRITE, mfn[table]);

    if (p)
        p[slot] = entry;
    else
        said("a table cannot be written", "%s", errno_name(errno));
    unmap_page(p);
}

static uint64_t get_entry(unsigned table, unsigned slot)
{
    uint64_t *p = map_page(domid, PROT_READ, mfn[table]), entry = 0;

    if (p)
        entry = p[slot];
    unmap_page(p);
    return entry;
}

static void type_of(const char *what, unsigned table)
{
    struct xen_domctl op = {0};

    op.u.getpageframeinfo3.num = 1;
    op.u.getpageframeinfo3.array.p = scratch(sizeof(uint64_t));
    *op.u.getpageframeinfo3.array.p = mfn[table];
    if (domctl(XEN_DOMCTL_getpageframeinfo3, domid, &op) < 0)
        gave(what, -1);
    else
        said(what, "%#lx", (unsigned long)*op.u.getpageframeinfo3.array.p);
}

static void pin(const char *what, unsigned cmd, unsigned table)
{
    gave(what, mmuext(domid, cmd, mfn[table]));
}

static void begin(void)
{
    domid = new_domain(PV, 1, 64);
    give_pages(domid, 0, N_TABLES, mfn);
}

/* L4 -> L3 -> L2 -> L1 -> DATA, each in slot 0, the last with these flags. */
static void build(uint64_t last_flags)
{
    set_entry(L4, 0, mfn[L3] << 12 | 7);
    set_entry(L3, 0, mfn[L2] << 12 | 7);
    set_entry(L2, 0, mfn[L1] << 12 | 7);
    set_entry(L1, 0, mfn[DATA] << 12 | last_flags);
}

static void ask_whole(void)
{
    unsigned i, mask = 0;
    void *p;

    begin();
    build(7);
    pin("pin an L4", MMUEXT_PIN_L4_TABLE, L4);
    pin("pin it again", MMUEXT_PIN_L4_TABLE, L4);
    type_of("type of the L4", L4);
    type_of("type of the L3", L3);
    type_of("type of the L1", L1);
    type_of("type of the page behind", DATA);
    for (i = 256; i < 272; i++)
        mask |= get_entry(L4, i) ? 1u << (i - 256) : 0;
    said("Xen's own entries of the L4", "%#x", mask);
    said("the L4's entry 0, flags", "%#lx",
         (unsigned long)get_entry(L4, 0) & 0xfff);
    said("the L1's entry 0, flags", "%#lx",
         (unsigned long)get_entry(L1, 0) & 0xfff);
    p = map_page(domid, PROT_READ | PROT_WRITE, mfn[L1]);
    said("map the L1 to write", "%s", p ? "done" : errno_name(errno));
    unmap_page(p);
    pin("pin the L3, too", MMUEXT_PIN_L3_TABLE, L3);
    type_of("type of the L3 then", L3);
    pin("pin the L3 as an L2", MMUEXT_PIN_L2_TABLE, L3);
    pin("pin the page behind as an L1", MMUEXT_PIN_L1_TABLE, DATA);
    gave("clear a table", mmuext(domid, MMUEXT_CLEAR_PAGE, mfn[L1]));
    gave("clear a page", mmuext(domid, MMUEXT_CLEAR_PAGE, mfn[SPARE]));
    pin("unpin the L4", MMUEXT_UNPIN_TABLE, L4);
    pin("unpin it again", MMUEXT_UNPIN_TABLE, L4);
    type_of("type of the L4 then", L4);
    type_of("type of the L3, pinned alone", L3);
    pin("unpin a page", MMUEXT_UNPIN_TABLE, DATA);
    destroy(domid);
}

static void try_bad(const char *what, uint64_t last_flags, unsigned slot,
                    unsigned table, uint64_t entry)
{
    begin();
    build(last_flags);
    if (table < N_TABLES)
        set_entry(table, slot, entry);
    pin(what, MMUEXT_PIN_L4_TABLE, L4);
    destroy(domid);
}

static void ask_bad(void)
{
    uint32_t other = new_domain(PV, 1, 64);
    uint64_t theirs[2];
    void *p;

    give_pages(other, 0, 2, theirs);
    try_bad("entry with a foreign frame", 7, 1, 99, 0);
    try_bad("an L1 entry of a frame of another", 7, 1, L1, theirs[0] << 12 | 7);
    try_bad("an L1 entry of no frame", 7, 1, L1, 1ull << 45 | 7);
    try_bad("an L1 entry with a bit that is reserved", 7, 1, L1,
            1ull << 51 | 7);
    try_bad("an L2 entry of a large page", 7, 1, L2, 0x87);
    try_bad("an L3 entry of a large page", 7, 1, L3, 0x87);
    try_bad("an L4 entry with the bit of large pages", 7, 1, L4, 0x87);
    try_bad("an L1 entry that is not present, and nonsense", 7, 1, L1,
            0xdeadbeef00ull);
    try_bad("an L4 entry in Xen's slots", 7, 260, L4, 0x1235007);
    try_bad("a global L1 entry", 0x107, 1, 99, 0);
    try_bad("an L1 entry with PAT", 0x87, 1, 99, 0);
    try_bad("an L1 entry that is not cached", 0x1f, 1, 99, 0);
    try_bad("an L1 entry with all free bits", 0xe07, 1, 99, 0);
    begin();
    build(7);
    set_entry(L1, 1, mfn[L1] << 12 | 7);
    pin("an L1 that maps itself to write", MMUEXT_PIN_L4_TABLE, L4);
    set_entry(L1, 1, mfn[L1] << 12 | 5);
    pin("an L1 that maps itself to read", MMUEXT_PIN_L4_TABLE, L4);
    destroy(domid);
    begin();
    build(7);
    p = map_page(domid, PROT_READ | PROT_WRITE, mfn[L2]);
    pin("while the L2 is mapped to write", MMUEXT_PIN_L4_TABLE, L4);
    unmap_page(p);
    p = map_page(domid, PROT_READ, mfn[L2]);
    pin("while the L2 is mapped to read", MMUEXT_PIN_L4_TABLE, L4);
    unmap_page(p);
    destroy(domid);
    begin();
    set_entry(L4, 0, mfn[L4] << 12 | 5);
    pin("an L4 that maps itself to read", MMUEXT_PIN_L4_TABLE, L4);
    type_of("its type", L4);
    pin("an empty page as an L1", MMUEXT_PIN_L1_TABLE, SPARE);
    pin("the same as an L4", MMUEXT_PIN_L4_TABLE, SPARE);
    pin("a frame of another", MMUEXT_PIN_L4_TABLE, L4);
    gave("pin a frame of another",
         mmuext(domid, MMUEXT_PIN_L1_TABLE, theirs[0]));
    gave("pin no frame", mmuext(domid, MMUEXT_PIN_L1_TABLE, 1ull << 40));
    gave("an unknown operation", mmuext(domid, 99, mfn[0]));
    destroy(domid);
    destroy(other);
}

/* What a pin leaves of the flags of the L1's entry. */
static void try_flags(uint64_t flags)
{
    char what[48];

    snprintf(what, sizeof(what), "an L1 entry with %#lx", (unsigned long)flags);
    begin();
    build(flags);
    if (mmuext(domid, MMUEXT_PIN_L4_TABLE, mfn[L4]) < 0)
        gave(what, -1);
    else
        said(what, "becomes %#lx, L2 %#lx, L3 %#lx",
             (unsigned long)get_entry(L1, 0) & 0xfff,
             (unsigned long)get_entry(L2, 0) & 0xfff,
             (unsigned long)get_entry(L3, 0) & 0xfff);
    destroy(domid);
}

static void ask_flags(void)
{
    static const uint64_t flags[] = {1,     3,     5,     7,
                                     0x61,  0x67,  0x101, 0x201,
                                     0x401, 0x801, 0x807, 1ull << 63 | 3};
    size_t i;

    for (i = 0; i < COUNT_OF(flags); i++)
        try_flags(flags[i]);
}

static void ask_m2p(void)
{
    uint32_t other = new_domain(PV, 1, 64);
    uint64_t theirs[2];

    begin();
    give_pages(other, 0, 2, theirs);
    gave("an entry of the list of machine pages",
         mmu_update(domid, mfn[0] << 12 | MMU_MACHPHYS_UPDATE, 77));
    gave("one of another domain's",
         mmu_update(domid, theirs[0] << 12 | MMU_MACHPHYS_UPDATE, 77));
    gave("one of no frame",
         mmu_update(domid, 1ull << 50 | MMU_MACHPHYS_UPDATE, 77));
    gave("an unknown kind of update", mmu_update(domid, mfn[0] << 12 | 3, 77));
    gave("a page table entry", mmu_update(domid, mfn[0] << 12, 0));
    destroy(domid);
    destroy(other);
}

static void ask_translated(enum kind kind)
{
    uint64_t list[2];

    domid = new_domain(kind, 1, 64);
    give_pages(domid, 0, 2, list);
    gave("pin a page", mmuext(domid, MMUEXT_PIN_L1_TABLE, 1));
    gave("unpin a page", mmuext(domid, MMUEXT_UNPIN_TABLE, 1));
    gave("clear a page", mmuext(domid, MMUEXT_CLEAR_PAGE, 1));
    gave("an entry of the list of machine pages",
         mmu_update(domid, 1ull << 12 | MMU_MACHPHYS_UPDATE, 77));
    gave("clear a hole", mmuext(domid, MMUEXT_CLEAR_PAGE, 30));
    destroy(domid);
}

void ask_tables(void)
{
    about("tables", PV);
    ask_whole();
    ask_bad();
    ask_flags();
    ask_m2p();
    about("tables", PVH);
    ask_translated(PVH);
}
