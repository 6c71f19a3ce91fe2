/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests run inside the processes that look at them. Such a process may be
 * killed anywhere, in the middle of a guest's write or of a change of its page
 * tables: the guest is none the worse for it, and so is the host.
 */
#include "tests/fake/sim_guest.h"

#define N_POINTS 60
#define N_LATER  40

static long countdown;

static void die_at_the_last(void)
{
    if (--countdown == 0)
        raise(SIGKILL);
}

struct look {
    uint32_t domid;
    long edges;
};

/* Let time go by until there are no more lives, or a second is over. */
static int look(void *arg)
{
    const struct look *l = arg;
    struct xsr_guest_state s;
    int i;

    countdown = l->edges;
    xsr_host_on_edge = die_at_the_last;
    for (i = 0; i < 1000; i++) {
        xsr_guest_peek(l->domid, &s);
        usleep(1000);
    }
    return 0;
}

static void survive(enum xsr_hv_type type)
{
    struct xsr_guest_spec s = spec_of(type);
    struct look l;
    int i, status, killed = 0;

    s.churn_tables = type == XSR_HV_PV;
    l.domid = running_guest(&s);
    for (i = 1; i <= N_POINTS + N_LATER; i++) {
        l.edges = i <= N_POINTS ? i : N_POINTS + (i - N_POINTS) * 53;
        status = in_child(look, &l);
        killed += WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL;
        if (!WIFSIGNALED(status))
            assert_int_equal(status, 0);
        is_good(l.domid);
    }
    assert_true(killed >= N_POINTS);
    assert_true(peek(l.domid).n_dirtied > 100);
    remove_guest(l.domid);
}

static void a_pv_guest_survives_those_who_look(void **state)
{
    (void)state;
    survive(XSR_HV_PV);
}

static void a_pvh_guest_survives_those_who_look(void **state)
{
    (void)state;
    survive(XSR_HV_PVH);
}

/* Suspending and coming back, with a death anywhere in between. */
static int suspend_and_resume(void *arg)
{
    const struct look *l = arg;
    struct xsr_store *xs;
    struct xen_domctl op = {0};
    char path[64];

    snprintf(path, sizeof(path), "/local/domain/%u/control/shutdown", l->domid);
    countdown = l->edges;
    xsr_host_on_edge = die_at_the_last;
    if (xsr_store_open(&xs) || xsr_store_write(xs, 0, path, "suspend", 7))
        return 1;
    return domctl(&op, XEN_DOMCTL_resumedomain, l->domid) < 0;
}

static void a_request_is_not_lost_with_the_asker(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    struct look l;
    int tries, killed = 0;

    (void)state;
    s.phase[0].rate = 0;
    for (l.edges = 1; l.edges < 40; l.edges++) {
        int status;

        l.domid = running_guest(&s);
        status = in_child(suspend_and_resume, &l);
        killed += WIFSIGNALED(status);
        /* the request was made: sooner or later it is done, and undone */
        for (tries = 0; peek(l.domid).n_suspends == 0 && tries < 300; tries++)
            usleep(1000);
        node_is(l.domid, "control/shutdown", "");
        assert_int_equal(resume(l.domid), 0);
        for (tries = 0; domain(l.domid).shutdown && tries < 300; tries++)
            usleep(1000);
        assert_false(domain(l.domid).shutdown);
        is_good(l.domid);
        remove_guest(l.domid);
    }
    assert_true(killed > 3);
}

static int create_and_die(void *arg)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t domid;

    countdown = *(long *)arg;
    xsr_host_on_edge = die_at_the_last;
    return xsr_guest_create(&s, &domid, &err) < 0 || xsr_hv_destroy(domid) < 0;
}

static void a_death_while_it_is_made_harms_nobody(void **state)
{
    struct xsr_hv_domain d;
    uint32_t next;
    long n;

    (void)state;
    for (n = 1; n < 100000; n = n * 5 / 4 + 1) {
        in_child(create_and_die, &n);
        host_is_sound();
        for (next = 1; xsr_hv_next_domain(next, &d) == 0; next = d.domid + 1)
            assert_int_equal(xsr_hv_destroy(d.domid), 0);
        assert_int_equal(free_pages(), host_free);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(a_pv_guest_survives_those_who_look,
                                  host_is_empty),
        cmocka_unit_test_teardown(a_pvh_guest_survives_those_who_look,
                                  host_is_empty),
        cmocka_unit_test_teardown(a_request_is_not_lost_with_the_asker,
                                  host_is_empty),
        cmocka_unit_test_teardown(a_death_while_it_is_made_harms_nobody,
                                  host_is_empty),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
