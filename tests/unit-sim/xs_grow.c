/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The file does not grow for ever: it is replaced by a snapshot. Whoever
 * follows the old one misses nothing, and open transactions stay right.
 */
#include <poll.h>
#include <sys/stat.h>

#include "tests/unit-sim/xs_host.h"

#define MANY 600 /* times 2000 octets: more than one new file */

static struct stat file_now(void)
{
    struct stat st;

    assert_int_equal(stat(host_file("xenstore"), &st), 0);
    return st;
}

static void write_many(struct xsr_store *xs)
{
    char value[2000], path[32];

    memset(value, 'v', sizeof(value));
    for (int i = 0; i < MANY; i++) {
        if (xsr_store_write(xs, 0, "/grow/same", value, sizeof(value)))
            _exit(2);
        snprintf(path, sizeof(path), "/grow/mark/%d", i / 100);
        if (i % 100 == 50 && xsr_store_write(xs, 0, path, "1", 1))
            _exit(3);
    }
}

static void it_stays_small_and_nothing_is_missed(void **state)
{
    static const struct xsr_store_perm ro[] = {{0, 0}, {5, XSR_STORE_READ}};
    struct stat before = file_now();
    struct xsr_store_perm *perms;
    struct pollfd p;
    char **e;
    unsigned n, seen = 0;

    put(*state, 0, "/grow/kept", "1");
    assert_int_equal(xsr_store_set_perms(*state, 0, "/grow/kept", ro, 2), 0);
    assert_int_equal(xsr_store_watch(*state, "/grow/mark", "t"), 0);
    assert_int_equal(xsr_store_next_event(*state, false, &e), 0);
    free(e);
    elsewhere(write_many);
    assert_true(file_now().st_ino != before.st_ino);
    assert_true(file_now().st_size < 512 << 10);
    p = (struct pollfd){xsr_store_fileno(*state), POLLIN, 0};
    assert_int_equal(poll(&p, 1, 5000), 1);
    while (!xsr_store_next_event(*state, false, &e)) {
        assert_memory_equal(e[0], "/grow/mark", 10);
        if (e[0][10])
            seen |= 1u << strtoul(e[0] + 11, NULL, 10);
        free(e);
    }
    assert_int_equal(errno, EAGAIN);
    assert_int_equal(seen, (1u << MANY / 100) - 1);
    assert_string_equal(list(*state, 0, "/grow"), "kept same mark");
    assert_int_equal(xsr_store_get_perms(*state, 0, "/grow/kept", &perms, &n),
                     0);
    assert_int_equal(n, 2);
    assert_memory_equal(perms, ro, sizeof(ro));
    free(perms);
}

static void read_by_a_newcomer(struct xsr_store *xs)
{
    if (strcmp(list(xs, 0, "/grow"), "kept same mark") ||
        strcmp(get(xs, 0, "/local/domain/0/name"), "Domain-0") ||
        strcmp(list(xs, 0, "/"), "tool local vm libxl grow"))
        _exit(2);
}

/* fork keeps this process's memory, so the newcomer is another program. */
static void newcomers_see_the_same(void **state)
{
    char command[700];
    ssize_t n = readlink("/proc/self/exe", command, sizeof(command) - 20);

    (void)state;
    assert_true(n > 0);
    snprintf(command + n, 20, " newcomer");
    assert_int_equal(system(command), 0);
}

static void the_fd_still_wakes(void **state)
{
    struct pollfd p = {xsr_store_fileno(*state), POLLIN, 0};
    char **e;

    while (poll(&p, 1, 0) == 1)
        if (!xsr_store_next_event(*state, false, &e))
            free(e);
    elsewhere(write_many);
    assert_int_equal(poll(&p, 1, 5000), 1);
    assert_int_equal(xsr_store_next_event(*state, false, &e), 0);
    assert_string_equal(e[0], "/grow/mark/0");
    free(e);
}

static void transactions_outlive_it(void **state)
{
    uint32_t a = start(*state), b = start(*state);

    assert_string_equal(get(*state, a, "/grow/kept"), "1");
    put(*state, a, "/grow/kept", "2");
    assert_int_equal(strlen(get(*state, b, "/grow/same")), 2000);
    elsewhere(write_many);
    assert_int_equal(xsr_store_txn_end(*state, a, false), 0);
    assert_string_equal(get(*state, 0, "/grow/kept"), "2");
    assert_int_equal(xsr_store_txn_end(*state, b, false), -1);
    assert_int_equal(errno, EAGAIN);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(it_stays_small_and_nothing_is_missed),
        cmocka_unit_test(newcomers_see_the_same),
        cmocka_unit_test(the_fd_still_wakes),
        cmocka_unit_test(transactions_outlive_it),
    };
    struct xsr_store *xs;

    if (argc == 2 && strcmp(argv[1], "newcomer") == 0) {
        if (xsr_store_open(&xs))
            return 1;
        read_by_a_newcomer(xs);
        xsr_store_close(xs);
        return 0;
    }
    return cmocka_run_group_tests(tests, host_setup, host_teardown);
}
