/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The index of pages of inspect and diff, with room for few in memory, so that
 * it makes runs, extends them, merges them and forgets what was not committed:
 * against an array that holds the last state of each page. Seeded.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#define IN_MEMORY 16u
#include "tools/inspect/inspect_index.c"

#define PFNS 300u

/* What the index needs of its neighbours. */
int insp_src_some(struct insp_src *src, size_t n, const uint8_t **out,
                  size_t *got_out, const char *what, struct xsr_err *err)
{
    (void)src;
    (void)n;
    (void)out;
    (void)got_out;
    (void)what;
    return xsr_fail(err, XSR_E_BUG, "no source here");
}
int insp_src_take(struct insp_src *src, struct xsr_buf *buf, uint64_t n,
                  const char *what, struct xsr_err *err)
{
    (void)src;
    (void)buf;
    (void)n;
    (void)what;
    return xsr_fail(err, XSR_E_BUG, "no source here");
}

static struct xsr_err err = XSR_ERR_INIT;
static struct insp_page now[PFNS], whole[PFNS];
static bool has[PFNS], has_whole[PFNS];
static uint64_t seed;

static uint32_t draw(uint32_t n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(seed >> 33) % n;
}

static void add_page(struct insp_index *x, uint64_t pfn, uint64_t hash)
{
    struct insp_page p = {
        .pfn = pfn, .type = (uint8_t)draw(16), .zero = draw(2), .hash = hash};

    assert_int_equal(insp_index_add(x, &p, &err), 0);
    now[pfn] = p;
    has[pfn] = true;
}

static void holds(struct insp_index *x, const struct insp_page *page,
                  const bool *there)
{
    struct insp_page p;

    for (uint64_t pfn = 0; pfn < PFNS; pfn++) {
        if (!there[pfn])
            continue;
        assert_int_equal(insp_index_next(x, &p, &err), 1);
        assert_int_equal(p.pfn, pfn);
        assert_int_equal(p.type, page[pfn].type);
        assert_int_equal(p.zero, page[pfn].zero);
        assert_int_equal(p.hash, page[pfn].hash);
    }
    assert_int_equal(insp_index_next(x, &p, &err), 0);
}

/* Ascending stretches, as images have them, single pages between them. */
static void run_once(uint32_t n_steps, bool with_commits, bool drops)
{
    struct insp_index *x = insp_index_new(&err);
    uint64_t hash = 1;
    bool committed = false;

    assert_non_null(x);
    memset(has, 0, sizeof has);
    memset(has_whole, 0, sizeof has_whole);
    for (uint32_t i = 0; i < n_steps; i++) {
        uint32_t pfn = draw(PFNS), n = draw(3) ? 1 : draw(60);

        for (; n && pfn < PFNS; n--, pfn++)
            add_page(x, pfn, hash++);
        if (!with_commits || draw(4))
            continue;
        insp_index_commit(x);
        memcpy(whole, now, sizeof whole);
        memcpy(has_whole, has, sizeof has);
        committed = true;
    }
    if (drops && committed)
        insp_index_drop(x);
    assert_int_equal(insp_index_sort(x, &err), 0);
    for (int again = 0; again < 2; again++) {
        if (drops && committed)
            holds(x, whole, has_whole);
        else
            holds(x, now, has);
        assert_int_equal(insp_index_rewind(x, &err), 0);
    }
    insp_index_free(x);
}

static void last_state_wins(void **state)
{
    (void)state;
    for (seed = 1; seed < 200; seed++) {
        uint64_t keep = seed;

        run_once(draw(40), false, false);
        run_once(draw(40), true, false);
        seed = keep;
    }
}

static void what_is_not_whole_is_dropped(void **state)
{
    (void)state;
    for (seed = 1; seed < 400; seed++) {
        uint64_t keep = seed;

        run_once(draw(60), true, true);
        seed = keep;
    }
}

static void an_empty_one_has_nothing(void **state)
{
    (void)state;
    run_once(0, false, false);
}

/* What a save at rest makes: one run, however long. */
static void ascending_pages_are_one_run(void **state)
{
    struct insp_index *x = insp_index_new(&err);

    (void)state;
    memset(has, 0, sizeof has);
    for (uint64_t pfn = 0; pfn < PFNS; pfn++)
        add_page(x, pfn, pfn);
    assert_int_equal(insp_index_sort(x, &err), 0);
    assert_int_equal(x->n_runs, 1);
    holds(x, now, has);
    insp_index_free(x);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(last_state_wins),
        cmocka_unit_test(what_is_not_whole_is_dropped),
        cmocka_unit_test(an_empty_one_has_nothing),
        cmocka_unit_test(ascending_pages_are_one_run),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
