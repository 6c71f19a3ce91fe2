/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* Transactions: isolation, one moment for all changes, conflicts. */
#include "tests/fake/xs_owner.h"

static int commit(struct xsr_store *xs, uint32_t txn)
{
    errno = 0;
    return xsr_store_txn_end(xs, txn, false) ? errno : 0;
}

static void changes_are_private_until_the_end(void **state)
{
    uint32_t t;

    put(*state, 0, "/t/a", "old");
    t = start(*state);
    put(*state, t, "/t/a", "new");
    put(*state, t, "/t/b/c", "1");
    assert_string_equal(get(*state, t, "/t/a"), "new");
    assert_string_equal(list(*state, t, "/t"), "a b");
    assert_string_equal(get(*state, 0, "/t/a"), "old");
    assert_string_equal(list(*state, 0, "/t"), "a");
    assert_int_equal(commit(*state, t), 0);
    assert_string_equal(get(*state, 0, "/t/a"), "new");
    assert_string_equal(list(*state, 0, "/t"), "a b");
    assert_int_equal(commit(*state, t), ENOENT);
}

static void abandoned_changes_are_gone(void **state)
{
    uint32_t t = start(*state);

    put(*state, t, "/x/a", "1");
    assert_int_equal(xsr_store_txn_end(*state, t, true), 0);
    assert_string_equal(get(*state, 0, "/x"), "(none)");
}

static void others_changes_are_not_seen_inside(void **state)
{
    uint32_t t;

    put(*state, 0, "/i/a", "1");
    t = start(*state);
    put(*state, 0, "/i/a", "2");
    assert_string_equal(get(*state, t, "/i/a"), "1");
    assert_int_equal(commit(*state, t), EAGAIN);
    assert_string_equal(get(*state, 0, "/i/a"), "2");
}

static void change_counter(struct xsr_store *xs)
{
    if (xsr_store_write(xs, 0, "/c/counter", "other", 5))
        _exit(2);
}

static void another_process_in_between_is_a_conflict(void **state)
{
    uint32_t t;

    put(*state, 0, "/c/counter", "0");
    t = start(*state);
    assert_string_equal(get(*state, t, "/c/counter"), "0");
    put(*state, t, "/c/counter", "1");
    elsewhere(change_counter);
    assert_int_equal(commit(*state, t), EAGAIN);
    assert_string_equal(get(*state, 0, "/c/counter"), "other");
    t = start(*state);
    assert_string_equal(get(*state, t, "/c/counter"), "other");
    put(*state, t, "/c/counter", "1");
    assert_int_equal(commit(*state, t), 0);
}

static void what_was_not_touched_is_no_conflict(void **state)
{
    uint32_t t;

    put(*state, 0, "/n/a", "1");
    put(*state, 0, "/n/b", "1");
    t = start(*state);
    put(*state, t, "/n/a", "2");
    put(*state, 0, "/n/b", "2");
    put(*state, 0, "/elsewhere", "2");
    assert_int_equal(commit(*state, t), 0);
    assert_string_equal(get(*state, 0, "/n/a"), "2");
    assert_string_equal(get(*state, 0, "/n/b"), "2");
}

static void new_children_conflict_with_listing(void **state)
{
    uint32_t t;

    put(*state, 0, "/l/a", "");
    t = start(*state);
    assert_string_equal(list(*state, t, "/l"), "a");
    put(*state, t, "/l2", "");
    put(*state, 0, "/l/b", "");
    assert_int_equal(commit(*state, t), EAGAIN);
    assert_string_equal(get(*state, 0, "/l2"), "(none)");
}

static void appearing_where_nothing_was_read_is_a_conflict(void **state)
{
    uint32_t t;

    put(*state, 0, "/m/here", "");
    t = start(*state);
    assert_string_equal(get(*state, t, "/m/name"), "(none)");
    put(*state, t, "/m/here", "mine");
    put(*state, 0, "/m/name", "taken");
    assert_int_equal(commit(*state, t), EAGAIN);
}

/* The same value back again is still a change. */
static void a_node_made_anew_is_a_conflict(void **state)
{
    uint32_t t;

    put(*state, 0, "/a/b", "1");
    t = start(*state);
    assert_string_equal(get(*state, t, "/a/b"), "1");
    assert_int_equal(xsr_store_rm(*state, 0, "/a"), 0);
    put(*state, 0, "/a/b", "1");
    put(*state, t, "/a2", "");
    assert_int_equal(commit(*state, t), EAGAIN);
}

static void removing_a_tree_that_changed_is_a_conflict(void **state)
{
    uint32_t t;

    put(*state, 0, "/rm/x/y/z", "1");
    t = start(*state);
    assert_int_equal(xsr_store_rm(*state, t, "/rm/x"), 0);
    assert_string_equal(get(*state, t, "/rm/x/y/z"), "(none)");
    put(*state, 0, "/rm/x/y/z", "2");
    assert_int_equal(commit(*state, t), EAGAIN);
    assert_string_equal(get(*state, 0, "/rm/x/y/z"), "2");
}

static void permissions_are_part_of_it(void **state)
{
    const struct xsr_store_perm p = {bare_domain(), 0};
    struct xsr_store_perm *perms;
    uint32_t t = start(*state);
    unsigned n;

    put(*state, t, "/perm/a", "1");
    assert_int_equal(xsr_store_set_perms(*state, t, "/perm", &p, 1), 0);
    put(*state, t, "/perm/b", "1");
    assert_int_equal(commit(*state, t), 0);
    assert_int_equal(xsr_store_get_perms(*state, 0, "/perm/b", &perms, &n), 0);
    assert_int_equal(perms[0].id, p.id);
    free(perms);
    assert_int_equal(xsr_store_get_perms(*state, 0, "/perm/a", &perms, &n), 0);
    assert_int_equal(perms[0].id, 0);
    free(perms);
}

static void remove_and_write_in_one(void **state)
{
    uint32_t t;

    put(*state, 0, "/d/old/x", "1");
    t = start(*state);
    assert_int_equal(xsr_store_rm(*state, t, "/d"), 0);
    put(*state, t, "/d/new", "2");
    assert_string_equal(list(*state, t, "/d"), "new");
    assert_int_equal(commit(*state, t), 0);
    assert_string_equal(list(*state, 0, "/d"), "new");
}

static void several_at_once_on_one_connection(void **state)
{
    uint32_t a = start(*state), b = start(*state);

    assert_int_not_equal(a, b);
    put(*state, a, "/s/a", "1");
    put(*state, b, "/s2/b", "1");
    assert_string_equal(get(*state, b, "/s/a"), "(none)");
    assert_int_equal(commit(*state, b), 0);
    /* both made a child of the root */
    assert_int_equal(commit(*state, a), EAGAIN);
}

#define WRITERS 4
#define ROUNDS  100

/* Each adds 1 to a counter ROUNDS times, again after EAGAIN. */
static void add_up(struct xsr_store *xs)
{
    for (int i = 0; i < ROUNDS; i++) {
        char text[16], *value;
        uint32_t t;

        do {
            if (xsr_store_txn_start(xs, &t) ||
                xsr_store_read(xs, t, "/sum", &value, NULL))
                _exit(2);
            snprintf(text, sizeof(text), "%lu", strtoul(value, NULL, 10) + 1);
            free(value);
            if (xsr_store_write(xs, t, "/sum", text, strlen(text)))
                _exit(3);
            errno = 0;
        } while (xsr_store_txn_end(xs, t, false) && errno == EAGAIN);
        if (errno)
            _exit(4);
    }
}

static void no_update_is_lost_between_processes(void **state)
{
    char want[16];
    int status;

    put(*state, 0, "/sum", "0");
    for (int i = 0; i < WRITERS; i++)
        if (fork() == 0) {
            struct xsr_store *xs;

            if (xsr_store_open(&xs))
                _exit(1);
            add_up(xs);
            _exit(0);
        }
    for (int i = 0; i < WRITERS; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    snprintf(want, sizeof(want), "%d", WRITERS * ROUNDS);
    assert_string_equal(get(*state, 0, "/sum"), want);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_private_until_the_end),
        cmocka_unit_test(abandoned_changes_are_gone),
        cmocka_unit_test(others_changes_are_not_seen_inside),
        cmocka_unit_test(another_process_in_between_is_a_conflict),
        cmocka_unit_test(what_was_not_touched_is_no_conflict),
        cmocka_unit_test(new_children_conflict_with_listing),
        cmocka_unit_test(appearing_where_nothing_was_read_is_a_conflict),
        cmocka_unit_test(a_node_made_anew_is_a_conflict),
        cmocka_unit_test(removing_a_tree_that_changed_is_a_conflict),
        cmocka_unit_test(permissions_are_part_of_it),
        cmocka_unit_test(remove_and_write_in_one),
        cmocka_unit_test(several_at_once_on_one_connection),
        cmocka_unit_test(no_update_is_lost_between_processes),
    };

    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
