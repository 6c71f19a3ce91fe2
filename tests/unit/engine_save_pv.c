/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/: a PV guest's numbers. Its p2m list is found as a tree and as a
 * range of addresses, with ends cut off that are nothing; page tables are
 * normalised, or deferred, or refused with the entry that is wrong; of pages
 * that the guest gave back the receiver hears only if it had them.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdio.h>
#include <time.h>

#include "engine/engine.h"
#include "engine/pv_layout.h"
#include "engine/pv_map.h"
#include "engine/save/save.h"
#include "lib/bytes.h"
#include "tests/fake/saving.h"

#define VADDR 0xffffc90000000000ull
#define HOLE  9u /* page that stands for "nothing here" */

static struct {
    struct xsr_xen xen;
    struct xsr_pv_map map;
    uint8_t shared_info[4096];
    struct xsr_err err;
} t;

static uint64_t mfn_of(unsigned page)
{
    return FAKE_BASE + page;
}

/* Word number at of a page of the fake host. */
static void poke(unsigned page, unsigned at, uint64_t value)
{
    xsr_st_le64(xen_host.mem + page * 4096ul + at * 8ul, value);
}

static void poke_pte(unsigned page, unsigned at, unsigned target)
{
    poke(page, at, mfn_of(target) << 12 | 0x67);
}

static int begin(void **state)
{
    (void)state;
    fake_init(true);
    memset(&guest, 0, sizeof(guest));
    memset(&t, 0, sizeof(t));
    t.err = (struct xsr_err)XSR_ERR_INIT;
    t.xen.domid = 7;
    t.xen.fmem = (xenforeignmemory_handle *)&t;
    xsr_pv_map_init(&t.map, &t.xen);
    t.map.shared_info = t.shared_info;
    t.map.n_mfns = FAKE_BASE + FAKE_FRAMES;
    xen_host.n_frames = 64;
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(xen_host.n_mappings, 0);
    free(t.map.leaves);
    fake_fini();
    return 0;
}

static int find(uint64_t n_pfns)
{
    xsr_st_le64(t.shared_info + XSR_SI_MAX_PFN, n_pfns);
    return xsr_pv_find_list(&t.map, &t.err);
}

/* ---- the tree ------------------------------------------------------------ */

/* Page 0: top; 1: frame list of the first GiB; 10, 11: its p2m pages. */
static void make_tree(void)
{
    xsr_st_le64(t.shared_info + XSR_SI_FRAME_LIST_LIST, mfn_of(0));
    poke(0, 0, mfn_of(1));
    poke(1, 0, mfn_of(10));
    poke(1, 1, mfn_of(11));
}

static void test_finds_a_tree(void **state)
{
    (void)state;
    make_tree();
    assert_int_equal(find(700), 0);
    assert_false(t.map.linear);
    assert_int_equal(t.map.n_pfns, 700);
    assert_int_equal(t.map.n_leaves, 2);
    assert_int_equal(t.map.leaves[0], mfn_of(10));
    assert_int_equal(t.map.leaves[1], mfn_of(11));
}

static void test_cuts_a_tree_that_ends_in_nothing(void **state)
{
    (void)state;
    make_tree();
    for (unsigned i = 0; i < 512; i++)
        poke(1, i, mfn_of(10));
    /* Three more GiB of one and the same list: one of them is kept. */
    for (unsigned i = 1; i < 4; i++)
        poke(0, i, mfn_of(HOLE));
    for (unsigned i = 0; i < 512; i++)
        poke(HOLE, i, mfn_of(11));
    assert_int_equal(find(4ull << 18), 0);
    assert_int_equal(t.map.n_pfns, 2ull << 18);
    assert_int_equal(t.map.n_leaves, 1024);
}

static void test_refuses_frames_beyond_the_host(void **state)
{
    (void)state;
    make_tree();
    poke(1, 1, FAKE_BASE + FAKE_FRAMES);
    assert_int_equal(find(700), -1);
    assert_int_equal(t.err.kind, XSR_E_XEN);
    assert_non_null(strstr(t.err.text, "p2m page 1 names frame"));
}

static void test_refuses_a_guest_without_list(void **state)
{
    (void)state;
    assert_int_equal(find(700), -1);
    assert_int_equal(t.err.sys, EAGAIN);
    make_tree();
    assert_int_equal(find(0), -1);
    assert_int_equal(find((1ull << 32) + 1), -1);
    assert_int_equal(t.err.sys, ERANGE);
}

/* ---- the range ----------------------------------------------------------- */

/* Pages 0-3: L4 to L1 for VADDR. */
static void make_range(void)
{
    xsr_st_le64(t.shared_info + XSR_SI_P2M_CR3, mfn_of(0) << 12);
    xsr_st_le64(t.shared_info + XSR_SI_P2M_VADDR, VADDR);
    xsr_st_le64(t.shared_info + XSR_SI_P2M_GENERATION, 6);
    poke_pte(0, VADDR >> 39 & 511, 1);
    poke_pte(1, VADDR >> 30 & 511, 2);
    poke_pte(2, VADDR >> 21 & 511, 3);
    poke_pte(3, 0, 10);
    poke_pte(3, 1, 11);
}

static void test_finds_a_range(void **state)
{
    (void)state;
    make_range();
    assert_int_equal(find(1024), 0);
    assert_true(t.map.linear);
    assert_int_equal(t.map.n_leaves, 2);
    assert_int_equal(t.map.leaves[0], mfn_of(10));
    assert_int_equal(t.map.leaves[1], mfn_of(11));
    assert_int_equal(xsr_pv_map_check(&t.map, &t.err), 0);
    xsr_st_le64(t.shared_info + XSR_SI_P2M_GENERATION, 7);
    assert_int_equal(xsr_pv_map_check(&t.map, &t.err), -1);
    assert_int_equal(t.err.sys, EAGAIN);
}

static void test_cuts_a_range_that_ends_in_nothing(void **state)
{
    (void)state;
    make_range();
    for (unsigned i = 0; i < 512; i++) {
        poke_pte(3, i, 10);
        poke_pte(HOLE, i, 11);
    }
    for (unsigned i = 1; i < 5; i++)
        poke_pte(2, i, HOLE);
    assert_int_equal(find(5ull << 18), 0);
    assert_int_equal(t.map.n_pfns, 2ull << 18);
    assert_int_equal(t.map.n_leaves, 1024);
    assert_int_equal(t.map.leaves[511], mfn_of(10));
    assert_int_equal(t.map.leaves[1023], mfn_of(11));
}

static void test_refuses_a_range_with_a_gap(void **state)
{
    (void)state;
    make_range();
    poke(3, 1, mfn_of(11) << 12);
    assert_int_equal(find(1024), -1);
    assert_non_null(strstr(t.err.text, "not mapped by 4 KiB pages: L1"));
    make_range();
    poke(2, VADDR >> 21 & 511, mfn_of(3) << 12 | 0xe7);
    assert_int_equal(find(1024), -1);
    assert_non_null(strstr(t.err.text, "not mapped by 4 KiB pages: L2"));
}

static void test_refuses_ranges_of_others(void **state)
{
    static const uint64_t bad[] = {
        0xffff800000000000ull, /* Xen's */
        0xffff7fffffffe000ull, /* not canonical */
        0x00007fffffffe000ull, /* ends where nothing is canonical */
        0xffffffffffffe000ull, /* wraps */
        VADDR + 8,
    };

    (void)state;
    make_range();
    for (unsigned i = 0; i < sizeof(bad) / sizeof(bad[0]); i++) {
        xsr_st_le64(t.shared_info + XSR_SI_P2M_VADDR, bad[i]);
        assert_int_equal(find(4096), -1);
        assert_non_null(strstr(t.err.text, "addresses of the guest itself"));
    }
}

/* ---- page tables --------------------------------------------------------- */

#define N_PFNS 600u

/* pfn i is frame i + 100, of a host of 1000. */
static uint64_t m2p[1000], p2m[1024];

static void make_map(struct xsr_save *sv)
{
    memset(m2p, 0xff, sizeof(m2p));
    for (unsigned i = 0; i < N_PFNS; i++) {
        p2m[i] = i + 100;
        m2p[i + 100] = i;
    }
    t.map.n_mfns = 1000;
    t.map.m2p = m2p;
    t.map.p2m = p2m;
    t.map.n_pfns = N_PFNS;
    sv->guest = &t.map;
    sv->ops = &xsr_save_pv;
}

static bool normalise(unsigned level, const uint64_t *table, uint64_t *copy,
                      struct xsr_bad_entry *bad)
{
    struct xsr_save *sv = calloc(1, sizeof(*sv));
    bool ok;

    make_map(sv);
    ok = xsr_save_pv.normalise(sv, (uint8_t)level, (const uint8_t *)table,
                               (uint8_t *)copy, bad);
    free(sv);
    return ok;
}

static void test_frames_become_pfns(void **state)
{
    uint64_t table[512] = {0}, copy[512];
    struct xsr_bad_entry bad;

    (void)state;
    table[0] = 100ull << 12 | 0x8000000000000067ull;
    table[1] = 0xdeadbeefull << 12; /* not present: not looked at */
    table[511] = 699ull << 12 | 0x25;
    assert_true(normalise(1, table, copy, &bad));
    assert_int_equal(copy[0], 0x8000000000000067ull);
    assert_int_equal(copy[1], table[1]);
    assert_int_equal(copy[511], 599ull << 12 | 0x25);
}

static void test_xens_slots_are_cleared(void **state)
{
    uint64_t table[512] = {0}, copy[512];
    struct xsr_bad_entry bad;

    (void)state;
    for (unsigned i = 255; i <= 272; i++)
        table[i] = 150ull << 12 | 0x67;
    assert_true(normalise(4, table, copy, &bad));
    assert_int_equal(copy[255], 50ull << 12 | 0x67);
    assert_int_equal(copy[256], 0);
    assert_int_equal(copy[271], 0);
    assert_int_equal(copy[272], 50ull << 12 | 0x67);
    assert_true(normalise(3, table, copy, &bad));
    assert_int_equal(copy[256], 50ull << 12 | 0x67);
}

static void test_names_the_entry_that_is_wrong(void **state)
{
    uint64_t table[512] = {0}, copy[512];
    struct xsr_bad_entry bad;

    (void)state;
    table[3] = 150ull << 12 | 0x67;
    table[77] = 750ull << 12 | 0x67; /* of another domain */
    assert_false(normalise(2, table, copy, &bad));
    assert_int_equal(bad.at, 77);
    assert_int_equal(bad.pte, table[77]);
    assert_false(bad.superpage);
    table[77] = 1000ull << 12 | 0x67; /* beyond the host */
    assert_false(normalise(2, table, copy, &bad));
    table[77] = 150ull << 12 | 0xe7;
    assert_false(normalise(2, table, copy, &bad));
    assert_true(bad.superpage);
    assert_true(normalise(1, table, copy, &bad));
}

/* ---- saves with a bad table ---------------------------------------------- */

#define SAVED_PFNS 32u
#define TABLE      20u /* an L2 */
#define ENTRY      5u
#define FOREIGN    40u /* a frame that is not the guest's */

static unsigned n_naps, naps_until_good;
static bool good_when_suspended;
static unsigned given_back; /* a page, when it is suspended; 0: none */

static void mend(void)
{
    poke_pte(TABLE, ENTRY, 21);
}

/* The engine waits between two tries: whoever had the page gives it back. */
int nanosleep(const struct timespec *want, struct timespec *left)
{
    (void)want, (void)left;
    if (++n_naps == naps_until_good)
        mend();
    return 0;
}

static int on_suspend(void *ctx)
{
    (void)ctx;
    guest.shutdown = true;
    if (good_when_suspended)
        mend();
    if (given_back)
        poke(10, given_back, UINT64_MAX);
    return 1;
}

static int begin_save(void **state)
{
    uint8_t *si;

    begin(state);
    n_naps = naps_until_good = 0;
    good_when_suspended = false;
    given_back = 0;
    guest.reason = SHUTDOWN_suspend;
    xen_host.n_frames = SAVED_M2P + 512;
    si = xen_host.mem + (FAKE_SHARED_INFO - FAKE_BASE) * 4096ul;
    xsr_st_le64(si + XSR_SI_MAX_PFN, SAVED_PFNS);
    xsr_st_le64(si + XSR_SI_FRAME_LIST_LIST, mfn_of(0));
    poke(0, 0, mfn_of(1));
    poke(1, 0, mfn_of(10));
    for (unsigned i = 0; i < SAVED_PFNS; i++) {
        poke(10, i, mfn_of(i));
        poke(SAVED_M2P + (unsigned)(mfn_of(i) / 512), mfn_of(i) % 512, i);
    }
    guest.type[TABLE] = XEN_DOMCTL_PFINFO_L2TAB;
    poke_pte(TABLE, 0, 22);
    poke_pte(TABLE, ENTRY, FOREIGN);
    return 0;
}

/* Bit pfn: the image has an entry for it that says "no page". */
static uint64_t no_pages(int fd)
{
    uint64_t found = 0, entry;
    uint32_t head[2], n;

    for (off_t at = 40; pread(fd, head, 8, at) == 8;
         at += 8 + (head[1] + 7) / 8 * 8) {
        if (head[0] != XSR_XC3_PAGE_DATA || pread(fd, &n, 4, at + 8) != 4)
            continue;
        while (n-- && pread(fd, &entry, 8, at + 16 + 8 * (off_t)n) == 8)
            if (entry >> 60 == XSR_PT_XTAB)
                found |= 1ull << (entry & 63);
    }
    return found;
}

static uint64_t absent; /* what no_pages() says of the last save */

static int save(bool live, uint64_t *n_pages)
{
    const struct xsr_engine_save_ops ops = {.suspend = on_suspend};
    int fd = memfd_create("image", MFD_CLOEXEC), rc;
    struct xsr_engine_save s = {
        .fd = fd, .domid = 7, .live = live, .back_fd = -1, .ops = &ops};

    rc = xsr_engine_save(&s, &t.err);
    *n_pages = s.n_pages;
    absent = no_pages(fd);
    close(fd);
    assert_false(guest.logdirty);
    return rc;
}

static void test_a_bad_table_waits_while_the_guest_runs(void **state)
{
    uint64_t n_pages;

    (void)state;
    good_when_suspended = true;
    assert_int_equal(save(true, &n_pages), 0);
    /* Not dropped and not sent twice. */
    assert_int_equal(n_pages, SAVED_PFNS);
    assert_int_equal(n_naps, 0);
}

static void test_a_bad_table_gets_more_tries_at_the_end(void **state)
{
    uint64_t n_pages;

    (void)state;
    naps_until_good = 3;
    assert_int_equal(save(false, &n_pages), 0);
    assert_int_equal(n_pages, SAVED_PFNS);
}

static void test_a_bad_table_is_never_dropped(void **state)
{
    char want[80];
    uint64_t n_pages;

    (void)state;
    snprintf(want, sizeof(want), "maps frame 0x%x, which is not one",
             FAKE_BASE + FOREIGN);
    for (int live = 0; live < 2; live++) {
        guest.shutdown = false;
        assert_int_equal(save(live, &n_pages), -1);
        assert_int_equal(t.err.kind, XSR_E_XEN);
        assert_non_null(strstr(t.err.text, "pfn 0x14 (L2TAB): entry 5 "));
        assert_non_null(strstr(t.err.text, want));
    }
    assert_int_equal(n_naps, 2 * 3);
}

static void test_pages_that_never_were_are_not_mentioned(void **state)
{
    uint64_t n_pages;

    (void)state;
    mend();
    for (unsigned pfn = 24; pfn < SAVED_PFNS; pfn++)
        poke(10, pfn, UINT64_MAX);
    given_back = 23;
    guest.dirty[0] = 1ull << 23 | 1ull << 2;
    for (int live = 0; live < 2; live++) {
        guest.shutdown = false;
        guest.n_odd = 0;
        assert_int_equal(save(live, &n_pages), 0);
        assert_int_equal(guest.n_odd, 0);
        if (!live) /* for the next */
            poke(10, 23, mfn_of(23));
    }
    assert_int_equal(n_pages, 24 + 1);
    assert_int_equal(absent, 1ull << 23);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)
#define SAVE(name) cmocka_unit_test_setup_teardown(name, begin_save, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_finds_a_tree),
        TEST(test_cuts_a_tree_that_ends_in_nothing),
        TEST(test_refuses_frames_beyond_the_host),
        TEST(test_refuses_a_guest_without_list),
        TEST(test_finds_a_range),
        TEST(test_cuts_a_range_that_ends_in_nothing),
        TEST(test_refuses_a_range_with_a_gap),
        TEST(test_refuses_ranges_of_others),
        TEST(test_frames_become_pfns),
        TEST(test_xens_slots_are_cleared),
        TEST(test_names_the_entry_that_is_wrong),
        SAVE(test_a_bad_table_waits_while_the_guest_runs),
        SAVE(test_a_bad_table_gets_more_tries_at_the_end),
        SAVE(test_a_bad_table_is_never_dropped),
        SAVE(test_pages_that_never_were_are_not_mentioned),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
