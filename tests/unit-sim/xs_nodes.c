/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Nodes: names, values, children, removal, permissions, a fresh host. */
#include "tests/fake/xs_owner.h"

static void fresh_host_has_what_a_real_one_has(void **state)
{
    assert_string_equal(list(*state, 0, "/"), "tool local vm libxl");
    assert_string_equal(get(*state, 0, "/local/domain/0/name"), "Domain-0");
    assert_string_equal(get(*state, 0, "domid"), "0");
    assert_string_equal(get(*state, 0, "/local/pool/0/name"), "Pool-0");
    assert_string_equal(list(*state, 0, "/tool"), "xenstored");
}

static void write_makes_parents_and_keeps_bytes(void **state)
{
    static const char bytes[] = "a\0b";
    char *value;
    unsigned len;

    assert_int_equal(xsr_store_write(*state, 0, "/w/x/y", bytes, 3), 0);
    assert_string_equal(list(*state, 0, "/w"), "x");
    assert_string_equal(get(*state, 0, "/w/x"), "");
    assert_int_equal(xsr_store_read(*state, 0, "/w/x/y", &value, &len), 0);
    assert_int_equal(len, 3);
    assert_memory_equal(value, "a\0b\0", 4);
    free(value);
    assert_int_equal(xsr_store_write(*state, 0, "/w/x/y", NULL, 0), 0);
    assert_string_equal(get(*state, 0, "/w/x/y"), "");
}

static void relative_paths_are_domain_0s(void **state)
{
    put(*state, 0, "rel/a", "1");
    assert_string_equal(get(*state, 0, "/local/domain/0/rel/a"), "1");
    assert_int_equal(xsr_store_rm(*state, 0, "rel"), 0);
    assert_string_equal(get(*state, 0, "/local/domain/0/rel"), "(none)");
}

static void refused(struct xsr_store *xs, const char *path, int sys)
{
    errno = 0;
    assert_int_equal(xsr_store_write(xs, 0, path, "x", 1), -1);
    assert_int_equal(errno, sys);
}

static void bad_names_are_refused(void **state)
{
    refused(*state, "", EINVAL);
    refused(*state, "/a/", EINVAL);
    refused(*state, "/a//b", EINVAL);
    refused(*state, "//a", EINVAL);
    refused(*state, "/a b", EINVAL);
    refused(*state, "/a.b", EINVAL);
    refused(*state, "/\xc3\xa4", EINVAL);
    refused(*state, "@introduceDomain", EINVAL);
}

/* form: the path before a tail of n times 'a'. */
static int write_long(struct xsr_store *xs, const char *form, size_t n,
                      size_t value_len)
{
    static char path[9000], value[5000];
    size_t at = strlen(form);

    memcpy(path, form, at);
    memset(path + at, 'a', n);
    path[at + n] = '\0';
    errno = 0;
    return xsr_store_write(xs, 0, path, value, value_len) ? errno : 0;
}

static void lengths_have_the_real_limits(void **state)
{
    /* 2048 of path, not counting a domain's own prefix */
    assert_int_equal(write_long(*state, "/", 2047, 1), 0);
    assert_int_equal(write_long(*state, "/", 2048, 1), EINVAL);
    assert_int_equal(write_long(*state, "/local/domain/9/", 2048, 1), 0);
    assert_int_equal(write_long(*state, "/local/domain/9/", 2049, 1), EINVAL);
    /* path, NUL and value in one message of 4096 */
    assert_int_equal(write_long(*state, "/v", 3, 4096 - 6), 0);
    assert_int_equal(write_long(*state, "/v", 3, 4096 - 5), E2BIG);
    assert_int_equal(write_long(*state, "/v", 5000, 0), E2BIG);
    assert_int_equal(xsr_store_rm(*state, 0, "/local/domain/9"), 0);
}

static void mkdir_leaves_an_existing_node_alone(void **state)
{
    put(*state, 0, "/m/a", "1");
    assert_int_equal(xsr_store_mkdir(*state, 0, "/m/a"), 0);
    assert_string_equal(get(*state, 0, "/m/a"), "1");
    assert_int_equal(xsr_store_mkdir(*state, 0, "/m/b/c"), 0);
    assert_string_equal(get(*state, 0, "/m/b/c"), "");
    assert_int_equal(xsr_store_mkdir(*state, 0, "/"), 0);
}

static void removal_needs_a_parent(void **state)
{
    put(*state, 0, "/r/a/b", "1");
    assert_int_equal(xsr_store_rm(*state, 0, "/r/a"), 0);
    assert_string_equal(get(*state, 0, "/r/a/b"), "(none)");
    assert_int_equal(xsr_store_rm(*state, 0, "/r/a"), 0);
    assert_int_equal(xsr_store_rm(*state, 0, "/r/a/b"), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xsr_store_rm(*state, 0, "/"), -1);
    assert_int_equal(errno, EINVAL);
}

static void reading_what_is_not_there_says_so(void **state)
{
    struct xsr_store_perm p = {0, 0}, *perms;
    char *value, **names;
    unsigned n;

    assert_int_equal(xsr_store_read(*state, 0, "/no", &value, &n), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xsr_store_directory(*state, 0, "/no", &names, &n), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xsr_store_get_perms(*state, 0, "/no", &perms, &n), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xsr_store_set_perms(*state, 0, "/no", &p, 1), -1);
    assert_int_equal(errno, ENOENT);
    assert_int_equal(xsr_store_read(*state, 7, "/", &value, &n), -1);
    assert_int_equal(errno, ENOENT); /* no such transaction */
}

static void check_perms(struct xsr_store *xs, const char *path,
                        const struct xsr_store_perm *want, unsigned n_want)
{
    struct xsr_store_perm *perms;
    unsigned n;

    assert_int_equal(xsr_store_get_perms(xs, 0, path, &perms, &n), 0);
    assert_int_equal(n, n_want);
    assert_memory_equal(perms, want, n * sizeof(*perms));
    free(perms);
}

static void new_nodes_inherit_permissions(void **state)
{
    static const struct xsr_store_perm dom0 = {0, 0};
    static const struct xsr_store_perm ro[] = {{0, 0}, {5, XSR_STORE_READ}};
    static const struct xsr_store_perm odd = {0, 8};
    static const struct xsr_store_perm nobodys = {999, 0};
    const struct xsr_store_perm rw = {bare_domain(), 0};

    put(*state, 0, "/p/a", "1");
    check_perms(*state, "/p/a", &dom0, 1);
    assert_int_equal(xsr_store_set_perms(*state, 0, "/p", ro, 2), 0);
    check_perms(*state, "/p/a", &dom0, 1);
    put(*state, 0, "/p/b/c", "1");
    check_perms(*state, "/p/b", ro, 2);
    check_perms(*state, "/p/b/c", ro, 2);
    assert_int_equal(xsr_store_set_perms(*state, 0, "/p/b", &rw, 1), 0);
    put(*state, 0, "/p/b/d", "1");
    check_perms(*state, "/p/b/d", &rw, 1);
    check_perms(*state, "/p/b/c", ro, 2);
    put(*state, 0, "/p/b", "again");
    check_perms(*state, "/p/b", &rw, 1);
    assert_int_equal(xsr_store_set_perms(*state, 0, "/p", &odd, 1), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(xsr_store_set_perms(*state, 0, "/p", ro, 0), -1);
    assert_int_equal(errno, EINVAL);
    assert_int_equal(xsr_store_set_perms(*state, 0, "/p", &nobodys, 1), -1);
    assert_int_equal(errno, ENOENT);
    check_perms(*state, "/p", ro, 2);
}

static void children_keep_the_order_of_their_creation(void **state)
{
    put(*state, 0, "/o/z", "");
    put(*state, 0, "/o/a", "");
    put(*state, 0, "/o/m", "");
    put(*state, 0, "/o/z", "changed");
    assert_string_equal(list(*state, 0, "/o"), "z a m");
    assert_int_equal(xsr_store_rm(*state, 0, "/o/a"), 0);
    put(*state, 0, "/o/a", "");
    assert_string_equal(list(*state, 0, "/o"), "z m a");
}

static void success_leaves_errno_alone(void **state)
{
    char *value;

    errno = 4711;
    put(*state, 0, "/e", "1");
    assert_int_equal(xsr_store_read(*state, 0, "/e", &value, NULL), 0);
    free(value);
    assert_int_equal(xsr_store_txn_end(*state, start(*state), false), 0);
    assert_int_equal(xsr_store_rm(*state, 0, "/e"), 0);
    assert_int_equal(errno, 4711);
}

static void write_one(struct xsr_store *xs)
{
    if (xsr_store_write(xs, 0, "/other/x", "1", 1))
        _exit(2);
}

static void others_see_changes_at_once(void **state)
{
    assert_string_equal(get(*state, 0, "/other/x"), "(none)");
    elsewhere(write_one);
    assert_string_equal(get(*state, 0, "/other/x"), "1");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(fresh_host_has_what_a_real_one_has),
        cmocka_unit_test(write_makes_parents_and_keeps_bytes),
        cmocka_unit_test(relative_paths_are_domain_0s),
        cmocka_unit_test(bad_names_are_refused),
        cmocka_unit_test(lengths_have_the_real_limits),
        cmocka_unit_test(mkdir_leaves_an_existing_node_alone),
        cmocka_unit_test(removal_needs_a_parent),
        cmocka_unit_test(reading_what_is_not_there_says_so),
        cmocka_unit_test(new_nodes_inherit_permissions),
        cmocka_unit_test(children_keep_the_order_of_their_creation),
        cmocka_unit_test(success_leaves_errno_alone),
        cmocka_unit_test(others_see_changes_at_once),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
