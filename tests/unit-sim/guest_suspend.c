/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Guests suspend as a guest of their kind does: by xenstore, by event channel
 * or by the toolstack's hypercall; or never, or they say yes and go on. They
 * come back from a cancelled suspend and from one that libxc's slow way undid.
 */
#include "lib/bytes.h"
#include "tests/fake/sim_guest.h"

#define STORE_PFN   33u /* of a PV guest */
#define CONTEXT_RAX 600u
#define CONTEXT_RDX 616u

static void is_suspended(uint32_t domid, bool want)
{
    struct xsr_hv_domain d = domain(domid);

    assert_int_equal(d.shutdown, want);
    if (want)
        assert_int_equal(d.shutdown_reason, SHUTDOWN_suspend);
    assert_int_equal(peek(domid).suspended, want);
}

/* What libxc does for a fast resume: the suspend call returns 1. */
static void return_one(uint32_t domid)
{
    static struct vcpu_guest_context c;
    struct xen_domctl op = {.u.vcpucontext = {0, {&c}}};

    assert_int_equal(domctl(&op, XEN_DOMCTL_getvcpucontext, domid), 0);
    c.user_regs.rax = 1;
    op.u.vcpucontext.vcpu = 0;
    op.u.vcpucontext.ctxt.p = &c;
    assert_int_equal(domctl(&op, XEN_DOMCTL_setvcpucontext, domid), 0);
}

static void goes_on(uint32_t domid)
{
    uint64_t n = peek(domid).n_dirtied;

    wait_writes(domid, n + 50);
    is_suspended(domid, false);
    is_good(domid);
}

static void by_xenstore_and_back(void **state)
{
    enum xsr_hv_type type;

    (void)state;
    for (type = XSR_HV_PV; type <= XSR_HV_HVM; type++) {
        struct xsr_guest_spec s = spec_of(type);
        uint32_t domid = running_guest(&s);
        int i;

        for (i = 1; i <= 3; i++) {
            wait_writes(domid, peek(domid).n_dirtied + 50);
            write_shutdown(domid, "suspend");
            is_suspended(domid, true);
            node_is(domid, "control/shutdown", "");
            return_one(domid);
            assert_int_equal(resume(domid), 0);
            goes_on(domid);
            assert_int_equal(peek(domid).n_suspends, i);
            assert_int_equal(peek(domid).n_resumes, i);
        }
        remove_guest(domid);
    }
}

static uint64_t *map_pv(uint32_t domid, uint64_t mfn)
{
    return xsr_hv_map(domid, PROT_READ | PROT_WRITE, 1, &mfn, NULL, NULL);
}

/* start_info, found as libxc finds it. */
static uint64_t *map_start_info(uint32_t domid)
{
    static struct xsr_hv_vcpu v;

    assert_int_equal(xsr_hv_vcpu_state(domid, 0, &v), 0);
    assert_int_equal(xsr_le64(v.context + CONTEXT_RAX), 0);
    return map_pv(domid, xsr_le64(v.context + CONTEXT_RDX));
}

static void pv_leaves_page_numbers_in_start_info(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    uint32_t domid = running_guest(&s);
    uint64_t *si, mfn;

    (void)state;
    si = map_start_info(domid);
    mfn = si[7];
    assert_int_equal(xsr_hv_pfn_of(domid, mfn), STORE_PFN);
    write_shutdown(domid, "suspend");
    assert_int_equal(si[7], STORE_PFN);
    assert_int_equal(si[9], STORE_PFN + 1);
    return_one(domid);
    assert_int_equal(resume(domid), 0);
    assert_int_equal(si[7], mfn); /* its own work again */
    xsr_hv_unmap(si, 1);
    goes_on(domid);
    remove_guest(domid);
}

/* The slow way: frames put back by the toolstack, other vCPUs reset. */
static void slow(uint32_t domid, uint64_t store_mfn, uint64_t console_mfn)
{
    uint64_t *si = map_start_info(domid);
    struct xen_domctl op = {0};
    uint32_t id;

    si[7] = store_mfn;
    si[9] = console_mfn;
    xsr_hv_unmap(si, 1);
    for (id = 1; id < 3; id++) {
        memset(&op, 0, sizeof(op));
        op.u.vcpucontext.vcpu = id;
        assert_int_equal(domctl(&op, XEN_DOMCTL_setvcpucontext, domid), 0);
    }
    assert_int_equal(resume(domid), 0);
}

static void pv_checks_what_a_slow_resume_left(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    uint32_t domid = running_guest(&s);
    uint64_t *si = map_start_info(domid), store = si[7], console = si[9];

    (void)state;
    xsr_hv_unmap(si, 1);
    write_shutdown(domid, "suspend");
    slow(domid, store, console);
    goes_on(domid);
    assert_int_equal(domain(domid).n_online, 3); /* it booted them */
    write_shutdown(domid, "suspend");
    slow(domid, STORE_PFN, console); /* forgotten */
    assert_int_equal(ask(domid).n_troubles, 1);
    assert_non_null(strstr(ask(domid).trouble, "store"));
    remove_guest(domid);
}

static uint32_t suspend_port(uint32_t domid)
{
    struct xsr_store *xs;
    char path[64], *value;
    uint32_t port;

    snprintf(path, sizeof(path),
             "/local/domain/%u/device/suspend/event-channel", domid);
    assert_int_equal(xsr_store_open(&xs), 0);
    assert_int_equal(xsr_store_read(xs, 0, path, &value, NULL), 0);
    port = (uint32_t)strtoul(value, NULL, 10);
    free(value);
    xsr_store_close(xs);
    return port;
}

static void by_event_channel(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    struct xen_domctl op = {0};
    uint32_t domid, port;
    int local;

    (void)state;
    s.suspend = XSR_GUEST_BY_EVTCHN;
    domid = running_guest(&s);
    port = suspend_port(domid);
    assert_true(port > 2);
    local = xsr_hv_evtchn_bind(domid, port);
    assert_true(local > 0);
    is_suspended(domid, false); /* binding is no request */
    op.u.subscribe.port = port;
    assert_int_equal(domctl(&op, XEN_DOMCTL_subscribe, domid), 0);
    assert_int_equal(xsr_hv_evtchn_take(0, (uint32_t)local), 1);
    assert_int_equal(xsr_hv_evtchn_send(0, (uint32_t)local), 0);
    is_suspended(domid, true);
    assert_int_equal(xsr_hv_evtchn_take(0, (uint32_t)local), 1); /* is told */
    assert_int_equal(peek(domid).n_forced, 0);
    return_one(domid);
    assert_int_equal(resume(domid), 0);
    goes_on(domid);
    write_shutdown(domid, "suspend"); /* which it knows as well */
    is_suspended(domid, true);
    remove_guest(domid);
    xsr_hv_evtchn_close((uint32_t)local);
}

static void by_hypercall_without_drivers(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_HVM);
    uint64_t params[XSR_HV_N_PARAMS];
    uint32_t domid;

    (void)state;
    s.suspend = XSR_GUEST_BY_CALL;
    domid = running_guest(&s);
    assert_int_equal(xsr_hv_params(domid, params), 0);
    assert_int_equal(params[HVM_PARAM_CALLBACK_IRQ], 0);
    write_shutdown(domid, "suspend");
    is_suspended(domid, false); /* nobody reads it */
    assert_int_equal(remote_shutdown(domid, SHUTDOWN_suspend), 0);
    is_suspended(domid, true);
    assert_int_equal(peek(domid).n_forced, 0);
    assert_int_equal(resume(domid), 0);
    goes_on(domid);
    remove_guest(domid);
}

static void force_on_a_guest_with_drivers_is_counted(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_HVM);
    uint64_t params[XSR_HV_N_PARAMS];
    uint32_t domid = running_guest(&s);

    (void)state;
    assert_int_equal(xsr_hv_params(domid, params), 0);
    assert_int_not_equal(params[HVM_PARAM_CALLBACK_IRQ], 0);
    assert_int_equal(remote_shutdown(domid, SHUTDOWN_suspend), 0);
    is_suspended(domid, true);
    assert_int_equal(peek(domid).n_forced, 1);
    remove_guest(domid);
}

static void never_and_yes_but_no(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    uint32_t domid;

    (void)state;
    s.suspend = XSR_GUEST_NEVER;
    domid = running_guest(&s);
    write_shutdown(domid, "suspend");
    is_suspended(domid, false);
    node_is(domid, "control/shutdown", "suspend");
    remove_guest(domid);
    s.suspend = XSR_GUEST_REFUSES;
    domid = running_guest(&s);
    write_shutdown(domid, "suspend");
    node_is(domid, "control/shutdown", "");
    goes_on(domid);
    remove_guest(domid);
}

static void a_paused_guest_answers_when_it_can(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PVH);
    uint32_t domid = new_guest(&s);

    (void)state;
    write_shutdown(domid, "suspend");
    node_is(domid, "control/shutdown", "suspend");
    is_suspended(domid, false);
    assert_int_equal(xsr_hv_unpause(domid), 0);
    node_is(domid, "control/shutdown", "");
    is_suspended(domid, true);
    remove_guest(domid);
}

static void other_words_end_it(void **state)
{
    static const struct {
        const char *word;
        uint32_t reason;
    } words[] = {{"poweroff", SHUTDOWN_poweroff},
                 {"halt", SHUTDOWN_poweroff},
                 {"reboot", SHUTDOWN_reboot}};
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    size_t i;

    (void)state;
    for (i = 0; i < XSR_ARRAY_LEN(words); i++) {
        uint32_t domid = running_guest(&s);

        write_shutdown(domid, "dance"); /* not understood, left alone */
        assert_false(domain(domid).shutdown);
        write_shutdown(domid, words[i].word);
        assert_true(domain(domid).shutdown);
        assert_int_equal(domain(domid).shutdown_reason, words[i].reason);
        assert_false(peek(domid).suspended);
        remove_guest(domid);
    }
}

static void a_suspended_guest_is_quiet(void **state)
{
    struct xsr_guest_spec s = spec_of(XSR_HV_PV);
    struct xsr_guest_digest a, b;
    struct xsr_err err = XSR_ERR_INIT;
    uint32_t domid;

    (void)state;
    s.churn_tables = true;
    domid = running_guest(&s);
    wait_writes(domid, 200);
    write_shutdown(domid, "suspend");
    assert_int_equal(xsr_guest_digest(domid, &a, &err), 0);
    usleep(20000);
    assert_int_equal(xsr_guest_digest(domid, &b, &err), 0);
    assert_memory_equal(&a, &b, sizeof(a));
    remove_guest(domid);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(by_xenstore_and_back, host_is_empty),
        cmocka_unit_test_teardown(pv_leaves_page_numbers_in_start_info,
                                  host_is_empty),
        cmocka_unit_test_teardown(pv_checks_what_a_slow_resume_left,
                                  host_is_empty),
        cmocka_unit_test_teardown(by_event_channel, host_is_empty),
        cmocka_unit_test_teardown(by_hypercall_without_drivers, host_is_empty),
        cmocka_unit_test_teardown(force_on_a_guest_with_drivers_is_counted,
                                  host_is_empty),
        cmocka_unit_test_teardown(never_and_yes_but_no, host_is_empty),
        cmocka_unit_test_teardown(a_paused_guest_answers_when_it_can,
                                  host_is_empty),
        cmocka_unit_test_teardown(other_words_end_it, host_is_empty),
        cmocka_unit_test_teardown(a_suspended_guest_is_quiet, host_is_empty),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
