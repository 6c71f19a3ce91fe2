/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Domains in xenstore: introduced, given a terminal, released, dead. */
#include "tests/fake/xs_owner.h"

#include <xen/event_channel.h>
#include <xen/grant_table.h>
#include <xen/memory.h>

#include <sys/mman.h>

#define GFN 0xff000u

/* What a restore does for xenstored: the reserved entry names the ring. */
static void grant(uint32_t domid, uint16_t to, uint32_t gfn)
{
    grant_entry_v1_t *table =
        xsr_hv_map_resource(domid, XENMEM_resource_grant_table,
                            XENMEM_resource_grant_table_id_shared, 0, 1,
                            PROT_READ | PROT_WRITE, NULL);

    assert_non_null(table);
    table[GNTTAB_RESERVED_XENSTORE] =
        (grant_entry_v1_t){GTF_permit_access, to, gfn};
    assert_int_equal(xsr_hv_unmap(table, 1), 0);
}

static uint32_t new_domain(void)
{
    uint32_t domid = bare_domain();

    grant(domid, 0, GFN);
    return domid;
}

static uint32_t new_port(uint32_t domid)
{
    int port = xsr_hv_evtchn_alloc(domid, 0);

    assert_true(port > 0);
    return (uint32_t)port;
}

static uint32_t port_status(uint32_t domid, uint32_t port)
{
    struct xsr_hv_port p;

    assert_int_equal(xsr_hv_next_port(domid, port, &p), 0);
    assert_int_equal(p.port, port);
    return p.status;
}

static int introduce(struct xsr_store *xs, uint32_t domid, uint64_t gfn,
                     uint32_t port)
{
    errno = 0;
    return xsr_store_introduce(xs, domid, gfn, port) ? errno : 0;
}

/* Is there an event of that path? Takes it. */
static bool event(struct xsr_store *xs, const char *path)
{
    bool same;
    char **e;

    if (xsr_store_next_event(xs, false, &e))
        return false;
    same = !strcmp(e[0], path);
    free(e);
    return same;
}

static void watch(struct xsr_store *xs, const char *path)
{
    assert_int_equal(xsr_store_watch(xs, path, "t"), 0);
    assert_true(event(xs, path));
}

static void introduce_wants_domain_and_port(void **state)
{
    uint32_t domid = new_domain(), port = new_port(domid);
    int foreign = xsr_hv_evtchn_alloc(domid, domid);

    watch(*state, "@introduceDomain");
    assert_int_equal(introduce(*state, domid + 100, GFN, port), EINVAL);
    assert_int_equal(introduce(*state, domid, GFN, port + 100), EINVAL);
    assert_int_equal(introduce(*state, domid, GFN, 0), EINVAL);
    assert_int_equal(introduce(*state, 0, GFN, port), EINVAL);
    assert_true(foreign > 0);
    assert_int_equal(introduce(*state, domid, GFN, (uint32_t)foreign), EINVAL);
    assert_false(xsr_store_introduced(*state, domid));
    assert_false(event(*state, "@introduceDomain"));

    assert_int_equal(introduce(*state, domid, GFN, port), 0);
    assert_true(xsr_store_introduced(*state, domid));
    assert_true(event(*state, "@introduceDomain"));
    assert_int_equal(port_status(domid, port), EVTCHNSTAT_interdomain);

    assert_int_equal(introduce(*state, domid, GFN, port), 0);
    assert_int_equal(introduce(*state, domid, GFN + 1, port), EINVAL);
    assert_false(event(*state, "@introduceDomain"));
    assert_int_equal(xsr_store_unwatch(*state, "@introduceDomain", "t"), 0);
    assert_int_equal(xsr_hv_destroy(domid), 0);
}

static void introduce_wants_the_ring_granted(void **state)
{
    uint32_t domid = bare_domain(), port = new_port(domid);

    assert_int_equal(introduce(*state, domid, GFN, port), EINVAL);
    grant(domid, 3, GFN);
    assert_int_equal(introduce(*state, domid, GFN, port), EINVAL);
    grant(domid, 0, GFN + 1);
    assert_int_equal(introduce(*state, domid, GFN, port), EINVAL);
    grant(domid, 0, GFN);
    assert_int_equal(introduce(*state, domid, GFN, port), 0);
    assert_int_equal(xsr_hv_destroy(domid), 0);
}

static void release_undoes_it(void **state)
{
    uint32_t domid = new_domain(), port = new_port(domid);

    assert_int_equal(xsr_store_release(*state, domid), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xsr_store_resume(*state, domid), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(introduce(*state, domid, GFN, port), 0);
    assert_int_equal(xsr_store_resume(*state, domid), 0);
    watch(*state, "@releaseDomain");
    assert_int_equal(xsr_store_release(*state, domid), 0);
    assert_true(event(*state, "@releaseDomain"));
    assert_false(xsr_store_introduced(*state, domid));
    assert_int_equal(port_status(domid, port), EVTCHNSTAT_unbound);
    grant(domid, 0, GFN + 1);
    assert_int_equal(introduce(*state, domid, GFN + 1, port), 0);
    assert_int_equal(xsr_store_unwatch(*state, "@releaseDomain", "t"), 0);
    assert_int_equal(xsr_hv_destroy(domid), 0);
}

static void console(struct xsr_store *xs, uint32_t domid, const char *type)
{
    uint32_t t = start(xs);
    char path[100];

    for (int i = 0; i < 4; i++) {
        static const char *const nodes[] = {"type", "tty", "port", "ring-ref"};
        const char *const values[] = {type, "", "2", "1044479"};

        snprintf(path, sizeof(path), "/local/domain/%u/console/%s", domid,
                 nodes[i]);
        put(xs, t, path, values[i]);
    }
    assert_int_equal(xsr_store_txn_end(xs, t, false), 0);
}

static const char *tty(struct xsr_store *xs, uint32_t domid)
{
    char path[100];

    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", domid);
    return get(xs, 0, path);
}

/* Whichever comes second, introduction or nodes, brings the terminal. */
static void a_console_gets_its_terminal(void **state)
{
    uint32_t a = new_domain(), b = new_domain(), c = new_domain();
    char want[40], path[100];

    console(*state, a, "xenconsoled");
    assert_string_equal(tty(*state, a), "");
    snprintf(path, sizeof(path), "/local/domain/%u/console/tty", a);
    watch(*state, path);
    assert_int_equal(introduce(*state, a, GFN, new_port(a)), 0);
    snprintf(want, sizeof(want), "sim:console/%u", a);
    assert_string_equal(tty(*state, a), want);
    assert_true(event(*state, path));
    assert_int_equal(xsr_store_unwatch(*state, path, "t"), 0);

    assert_int_equal(introduce(*state, b, GFN, new_port(b)), 0);
    assert_string_equal(tty(*state, b), "(none)");
    console(*state, b, "xenconsoled");
    snprintf(want, sizeof(want), "sim:console/%u", b);
    assert_string_equal(tty(*state, b), want);

    assert_int_equal(introduce(*state, c, GFN, new_port(c)), 0);
    console(*state, c, "ioemu");
    assert_string_equal(tty(*state, c), "");
    assert_int_equal(xsr_hv_destroy(a), 0);
    assert_int_equal(xsr_hv_destroy(b), 0);
    assert_int_equal(xsr_hv_destroy(c), 0);
}

static void death_releases_and_takes_the_guests_nodes(void **state)
{
    uint32_t domid = new_domain(), other = new_domain();
    struct xsr_store_perm guest = {domid, 0};
    struct xsr_store_perm guest_too[] = {{0, 0}, {domid, 1}};

    assert_int_equal(introduce(*state, domid, GFN, new_port(domid)), 0);
    assert_int_equal(introduce(*state, other, GFN, new_port(other)), 0);
    assert_int_equal(xsr_store_set_target(*state, domid, other), 0);
    assert_int_equal(xsr_store_set_target(*state, domid, domid + 100), -1);
    assert_int_equal(errno, ENOENT);
    put(*state, 0, "/dead/owned/x", "1");
    put(*state, 0, "/dead/readable", "1");
    assert_int_equal(xsr_store_set_perms(*state, 0, "/dead/owned", &guest, 1),
                     0);
    assert_int_equal(
        xsr_store_set_perms(*state, 0, "/dead/readable", guest_too, 2), 0);
    watch(*state, "@releaseDomain");
    assert_int_equal(xsr_hv_destroy(domid), 0);
    assert_true(event(*state, "@releaseDomain"));
    assert_false(xsr_store_introduced(*state, domid));
    assert_true(xsr_store_introduced(*state, other));
    assert_string_equal(list(*state, 0, "/dead"), "readable");
    assert_int_equal(xsr_store_unwatch(*state, "@releaseDomain", "t"), 0);
    assert_int_equal(xsr_hv_destroy(other), 0);
}

/* Domain 0's ends of the channels are given back. */
static void no_port_is_left(void **state)
{
    struct xsr_hv_port p;

    (void)state;
    assert_int_not_equal(xsr_hv_next_port(0, 0, &p), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(introduce_wants_domain_and_port),
        cmocka_unit_test(introduce_wants_the_ring_granted),
        cmocka_unit_test(release_undoes_it),
        cmocka_unit_test(a_console_gets_its_terminal),
        cmocka_unit_test(death_releases_and_takes_the_guests_nodes),
        cmocka_unit_test(no_port_is_left),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
