/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A process that is killed anywhere inside the shared state does not harm the
 * host: the next one finds it consistent, can destroy what is left, has every
 * page back, and the same work succeeds. First at each of the points between
 * stores that belong together, then at arbitrary moments.
 */
#include <time.h>

#include "tests/unit-sim/hv_domain.h"

#define N_PAGES   600
#define N_VICTIMS 50u /* times 1200 pages is half of the host */
#define RW        (PROT_READ | PROT_WRITE)

static long countdown;

static void die_at_the_last(void)
{
    if (--countdown == 0)
        raise(SIGKILL);
}

/* A step that must succeed; in a child, hence no cmocka. */
#define need(ok) need_at(ok, #ok, __LINE__)

static void need_at(bool ok, const char *what, int line)
{
    if (ok)
        return;
    fprintf(stderr, "line %d: %s: %s\n", line, what, strerror(errno));
    _exit(3);
}

static long child_domctl(uint32_t cmd, uint32_t domid, struct xen_domctl *op)
{
    return domctl(op, cmd, domid);
}

static uint32_t child_domain(enum kind kind)
{
    struct xen_domctl_createdomain c = config_of(kind);
    struct xen_domctl op = {.u.max_vcpus.max = 2};
    long domid = create(0, &c);

    need(domid > 0);
    need(child_domctl(XEN_DOMCTL_max_vcpus, (uint32_t)domid, &op) == 0);
    need(set_max_mem((uint32_t)domid, N_PAGES) == 0);
    return (uint32_t)domid;
}

static void write_page(uint32_t domid, uint64_t frame, unsigned slot,
                       uint64_t entry)
{
    uint64_t *p = xsr_hv_map(domid, RW, 1, &frame, NULL, NULL);

    need(p != NULL);
    p[slot] = entry;
    need(xsr_hv_unmap(p, 1) == 0);
}

static void pv_life(uint32_t domid)
{
    struct vcpu_guest_context c = {.flags = VGCF_in_kernel | VGCF_online};
    struct xen_domctl op = {.u.vcpucontext = {0, {&c}}};
    uint64_t mfn[N_PAGES];
    size_t i;

    for (i = 0; i < N_PAGES; i++)
        mfn[i] = i;
    need(populate(domid, mfn, N_PAGES, 0) == N_PAGES);
    for (i = P_L4; i < P_DATA; i++)
        write_page(domid, mfn[i], 0, mfn[i + 1] << 12 | 7);
    c.ctrlreg[3] = mfn[P_L4] << 12;
    c.gdt_frames[0] = mfn[P_GDT];
    c.gdt_ents = 16;
    need(child_domctl(XEN_DOMCTL_setvcpucontext, domid, &op) == 0);
    need(pin(domid, MMUEXT_PIN_L4_TABLE, mfn[P_L4]) == 0);
    need(xsr_hv_map(domid, RW, 4, &mfn[50], NULL, NULL) != NULL);
    need(pin(domid, MMUEXT_UNPIN_TABLE, mfn[P_L4]) == 0);
}

static void hvm_life(uint32_t domid)
{
    struct xen_memory_reservation less = {.nr_extents = 20};
    uint64_t gfn[N_PAGES];
    size_t i;
    void *p;

    for (i = 0; i < N_PAGES; i++)
        gfn[i] = i + 1000;
    need(populate(domid, gfn, N_PAGES, 0) == N_PAGES);
    p = xsr_hv_map(domid, RW, 100, gfn, NULL, NULL);
    need(p != NULL);
    memset(p, 0x77, 100 * PAGE);
    need(xsr_hv_unmap(p, 100) == 0);
    less.domid = (domid_t)domid;
    less.extent_start.p = gfn + 200;
    need(memory_op(XENMEM_decrease_reservation, &less) == 20);
    need(populate(domid, gfn + 195, 10, 0) == 10); /* half replaced */
    need(populate(domid, gfn + 210, 10, 0) == 10);
    need(populate(domid, gfn + 205, 1, 0) == 0); /* at the limit */
}

static int live(void *arg)
{
    uint32_t pv, pvh;
    int port;

    countdown = *(long *)arg;
    xsr_host_on_edge = die_at_the_last;
    pv = child_domain(PV);
    pvh = child_domain(PVH);
    port = xsr_hv_evtchn_alloc(pv, 0);
    need(port > 0 && xsr_hv_evtchn_bind(pv, (uint32_t)port) > 0);
    pv_life(pv);
    hvm_life(pvh);
    need(xsr_hv_destroy(pvh) == 0);
    need(xsr_hv_destroy(pv) == 0); /* four pages are still mapped */
    return 0;
}

static int look_and_clean(void *arg)
{
    struct xsr_hv_domain d;
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_hv_host_info info = {0};
    struct xsr_hv_port port;
    uint32_t first;

    (void)arg;
    if (xsr_hv_check(&err) == 0) {
        for (first = 1; xsr_hv_next_domain(first, &d) == 0; first++)
            xsr_hv_destroy(first = d.domid);
        if (xsr_hv_check(&err) == 0 && xsr_hv_next_domain(1, &d) == 0)
            xsr_fail(&err, XSR_E_BUG, "domain %u stays", d.domid);
        else if (xsr_hv_host_info(&info) < 0 || info.free_pages != host_free)
            xsr_fail(&err, XSR_E_BUG, "%ld pages are lost",
                     (long)(host_free - info.free_pages));
    }
    while (xsr_hv_next_port(0, 1, &port) == 0)
        xsr_hv_evtchn_close(port.port);
    if (err.text[0])
        fprintf(stderr, "%s\n", err.text);
    return err.text[0] ? 1 : 0;
}

static void death_at_each_point_is_repaired(void **state)
{
    int status;
    long n;

    (void)state;
    for (n = 1;; n++) {
        status = in_child(live, &n);
        if (in_child(look_and_clean, NULL) != 0)
            fail_msg("after death at point %ld", n);
        if (WIFEXITED(status))
            break;
        assert_int_equal(WTERMSIG(status), SIGKILL);
    }
    assert_int_equal(WEXITSTATUS(status), 0);
    assert_true(n > 100); /* it did get through many points */
    print_message("%ld points\n", n - 1);
}

static int live_for_ever(void *arg)
{
    long never = -1;

    (void)arg;
    for (;;)
        if (live(&never) != 0)
            return 3;
}

static void death_at_any_moment_is_repaired(void **state)
{
    unsigned seed = 20240131, i;
    int status;

    (void)state;
    for (i = 0; i < 150; i++) {
        struct timespec ts = {0, (seed >> 8) % 4000000};
        pid_t pid = fork_plain();

        seed = seed * 1103515245u + 12345u;
        if (pid == 0)
            _exit(live_for_ever(NULL));
        assert_true(pid > 0);
        nanosleep(&ts, NULL); /* the moment of death, not a wait */
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
        if (in_child(look_and_clean, NULL) != 0)
            fail_msg("after death number %u", i);
    }
}

/*
 * Two processes at once, one of them killed: the other goes on. A victim leaves
 * its domains behind, so there are only as many as the host has room for.
 */
static void a_death_does_not_stop_others(void **state)
{
    pid_t worker, victim;
    unsigned i;
    int status;

    (void)state;
    worker = fork_plain();
    if (worker == 0) {
        long never = -1;

        for (i = 0; i < 30; i++)
            if (live(&never) != 0)
                _exit(4);
        _exit(0);
    }
    for (i = 0; i < N_VICTIMS; i++) {
        long n = 3 + i * 7 % 400;

        victim = fork_plain();
        if (victim == 0)
            _exit(live(&n));
        assert_int_equal(waitpid(victim, &status, 0), victim);
    }
    assert_int_equal(waitpid(worker, &status, 0), worker);
    assert_int_equal(status, 0);
    assert_int_equal(in_child(look_and_clean, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(death_at_each_point_is_repaired),
        cmocka_unit_test(death_at_any_moment_is_repaired),
        cmocka_unit_test(a_death_does_not_stop_others),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
