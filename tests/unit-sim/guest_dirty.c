/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A running guest writes at its rate, within its hot set, and every page that
 * it changed is in the log-dirty bitmap; a paused or suspended one does
 * nothing. A device's writes of which Xen was not told are missing there, as
 * on real hosts, and the guest's judgement would show the loss.
 */
#include "tests/fake/sim_guest.h"

#define SECOND 1000000000ull

struct copy { /* all pages of a guest at one moment */
    xsr_hv_pages *pages;
    struct xsr_hv_page *page;
    uint8_t *bytes;
    size_t n;
};

static struct copy copy_all(uint32_t domid)
{
    struct copy c = {.pages = xsr_hv_pages_new(domid)};
    struct xsr_hv_page page;

    assert_non_null(c.pages);
    c.page = calloc(8192, sizeof(*c.page));
    c.bytes = malloc(8192ul * PAGE);
    while (xsr_hv_pages_next(c.pages, &page)) {
        assert_in_range(c.n, 0, 8191);
        c.page[c.n] = page;
        assert_int_equal(
            xsr_hv_page_read(c.pages, &page, true, c.bytes + c.n++ * PAGE), 0);
    }
    return c;
}

static void free_copy(struct copy *c)
{
    xsr_hv_pages_free(c->pages);
    free(c->page);
    free(c->bytes);
}

static long shadow(uint32_t domid, uint32_t cmd, void *bitmap, uint64_t pages)
{
    struct xen_domctl op = {0};

    op.u.shadow_op.op = cmd;
    op.u.shadow_op.pages = pages;
    op.u.shadow_op.dirty_bitmap.p = bitmap;
    return domctl(&op, XEN_DOMCTL_shadow_op, domid);
}

#define MAP_PAGES (1u << 20)

static bool is_set(const uint64_t *map, uint64_t pfn)
{
    return map[pfn / 64] >> pfn % 64 & 1;
}

/* Pages that differ from the copy; of these, how many the bitmap lacks. */
static size_t count_changed(uint32_t domid, const struct copy *before,
                            const uint64_t *map, size_t *lacking_out)
{
    struct copy after = copy_all(domid);
    size_t i, changed = 0;

    *lacking_out = 0;
    assert_int_equal(before->n, after.n);
    for (i = 0; i < after.n; i++) {
        assert_int_equal(before->page[i].pfn, after.page[i].pfn);
        if (!memcmp(before->bytes + i * PAGE, after.bytes + i * PAGE, PAGE))
            continue;
        changed++;
        *lacking_out += !is_set(map, after.page[i].pfn);
    }
    free_copy(&after);
    return changed;
}

static void every_changed_page_is_in_the_bitmap(void **state)
{
    static uint64_t map[MAP_PAGES / 64];
    enum xsr_hv_type type;
    size_t changed, lacking;

    (void)state;
    for (type = XSR_HV_PV; type <= XSR_HV_HVM; type++) {
        struct xsr_guest_spec s = spec_of(type);
        struct copy before;
        uint32_t domid;

        s.churn_tables = type == XSR_HV_PV;
        domid = running_guest(&s);
        wait_writes(domid, 10);
        assert_int_equal(
            shadow(domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0), 0);
        assert_int_equal(pause_guest(domid), 0);
        before = copy_all(domid);
        assert_int_equal(xsr_hv_unpause(domid), 0);
        wait_writes(domid, peek(domid).n_dirtied + 500);
        assert_int_equal(pause_guest(domid), 0);
        assert_int_equal(
            shadow(domid, XEN_DOMCTL_SHADOW_OP_CLEAN, map, MAP_PAGES), 0);
        changed = count_changed(domid, &before, map, &lacking);
        assert_true(changed > 100);
        assert_int_equal(lacking, 0);
        assert_int_equal(
            shadow(domid, XEN_DOMCTL_SHADOW_OP_PEEK, map, MAP_PAGES), 0);
        assert_int_equal(is_set(map, 11), 0); /* it is paused: all quiet */
        assert_int_equal(shadow(domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0), 0);
        if (type == XSR_HV_PV)
            assert_true(peek(domid).n_churned > 0);
        free_copy(&before);
        is_good(domid);
        remove_guest(domid);
    }
}

static void what_a_device_writes_untold_is_missing(void **state)
{
    static uint64_t map[MAP_PAGES / 64];
    struct xsr_guest_spec s = spec_of(XSR_HV_HVM);
    size_t changed, lacking;
    struct copy before;
    uint32_t domid;
    int tell;

    (void)state;
    s.phase[0].rate = 0;
    domid = running_guest(&s);
    for (tell = 0; tell <= 1; tell++) {
        assert_int_equal(
            shadow(domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0), 0);
        before = copy_all(domid);
        assert_int_equal(xsr_guest_device_write(domid, 50, tell), 50);
        assert_int_equal(
            shadow(domid, XEN_DOMCTL_SHADOW_OP_CLEAN, map, MAP_PAGES), 0);
        changed = count_changed(domid, &before, map, &lacking);
        assert_in_range(changed, 40, 70);
        if (tell)
            assert_int_equal(lacking, 0);
        else
            assert_in_range(lacking, 40, 70);
        assert_int_equal(shadow(domid, XEN_DOMCTL_SHADOW_OP_OFF, NULL, 0), 0);
        free_copy(&before);
    }
    is_good(domid);
    remove_guest(domid);
}

static void the_rate_and_the_hot_set_are_kept(void **state)
{
    static uint64_t map[MAP_PAGES / 64];
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    struct xsr_guest_state g;
    uint64_t due, dirty = 0, i;
    uint32_t domid;

    (void)state;
    s.zero_pct = 0;
    s.phase[0].hot_pct = 10;
    domid = running_guest(&s);
    assert_int_equal(
        shadow(domid, XEN_DOMCTL_SHADOW_OP_ENABLE_LOGDIRTY, NULL, 0), 0);
    wait_writes(domid, 3000);
    g = peek(domid);
    due = g.running_ns * 20000 / SECOND;
    assert_in_range(g.n_dirtied, due * 9 / 10, due + 1);
    shadow(domid, XEN_DOMCTL_SHADOW_OP_CLEAN, map, MAP_PAGES);
    for (i = 64; i < 2048; i++)
        dirty += i % 512 != 10 && is_set(map, i);
    assert_in_range(dirty, 150, 2048 / 10); /* of 3000 writes */
    remove_guest(domid);
}

static void phases_follow_each_other(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    struct xsr_guest_state g;
    uint32_t domid;

    (void)state;
    s.phase[0] = (struct xsr_guest_phase){1, 100, 10};
    s.phase[1] = (struct xsr_guest_phase){0, 50000, 50};
    s.n_phases = 2;
    domid = running_guest(&s);
    do {
        usleep(20000);
        g = peek(domid);
        if (g.running_ns < SECOND)
            assert_in_range(g.n_dirtied, 0, 100);
    } while (g.running_ns < SECOND * 5 / 4);
    assert_in_range(g.n_dirtied, 5000, 100 + g.running_ns * 50000 / SECOND);
    is_good(domid);
    remove_guest(domid);
}

static void who_does_not_run_does_not_write(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    struct xsr_guest_state a, b;
    uint32_t domid;

    (void)state;
    domid = new_guest(&s);
    usleep(20000);
    assert_int_equal(peek(domid).n_dirtied, 0);
    assert_int_equal(xsr_hv_unpause(domid), 0);
    wait_writes(domid, 100);
    assert_int_equal(pause_guest(domid), 0);
    a = peek(domid);
    usleep(20000);
    b = peek(domid);
    assert_int_equal(a.n_dirtied, b.n_dirtied);
    assert_int_equal(a.running_ns, b.running_ns);
    assert_int_equal(xsr_hv_unpause(domid), 0);
    assert_in_range(peek(domid).running_ns - a.running_ns, 0, 15000000);
    remove_guest(domid);
}

/* Somebody looks after a long time: not more than the hot set is owed. */
static void a_long_absence_costs_a_bounded_time(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    struct xsr_guest_state g;
    uint32_t domid;

    (void)state;
    s.phase[0].rate = 1000000000;
    domid = running_guest(&s);
    usleep(50000);
    g = peek(domid);
    assert_in_range(g.n_dirtied, 60000, 65536);
    remove_guest(domid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(every_changed_page_is_in_the_bitmap,
                                  host_is_empty),
        cmocka_unit_test_teardown(what_a_device_writes_untold_is_missing,
                                  host_is_empty),
        cmocka_unit_test_teardown(the_rate_and_the_hot_set_are_kept,
                                  host_is_empty),
        cmocka_unit_test_teardown(phases_follow_each_other, host_is_empty),
        cmocka_unit_test_teardown(who_does_not_run_does_not_write,
                                  host_is_empty),
        cmocka_unit_test_teardown(a_long_absence_costs_a_bounded_time,
                                  host_is_empty),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
