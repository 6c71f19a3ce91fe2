/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * A writer killed at any moment leaves a store that is as before its change or
 * as after it, and that the next one can write. The test itself never opens
 * the store: everything happens in processes that start without any memory.
 */
#include <fcntl.h>
#include <signal.h>
#include <sys/stat.h>
#include <time.h>

#include "tests/unit-sim/xs_host.h"

static uint8_t image[1 << 20];

static size_t load(void)
{
    int fd = open(host_file("xenstore"), O_RDONLY);
    ssize_t n = fd < 0 ? -1 : read(fd, image, sizeof(image));

    close(fd);
    assert_true(n > 0 && (size_t)n < sizeof(image));
    return (size_t)n;
}

static void store(size_t n)
{
    int fd = open(host_file("xenstore"), O_WRONLY | O_TRUNC);

    assert_true(fd >= 0);
    assert_int_equal(write(fd, image, n), n);
    close(fd);
}

static void write_a(struct xsr_store *xs)
{
    if (xsr_store_write(xs, 0, "/torn/a", "1", 1))
        _exit(2);
}

static void write_b(struct xsr_store *xs)
{
    if (xsr_store_write(xs, 0, "/torn/b", "1234567890", 10))
        _exit(2);
}

static void b_never_was_and_c_can_be_written(struct xsr_store *xs)
{
    if (strcmp(get(xs, 0, "/torn/a"), "1"))
        _exit(2);
    if (strcmp(get(xs, 0, "/torn/b"), "(none)"))
        _exit(3);
    if (xsr_store_write(xs, 0, "/torn/c", "3", 1))
        _exit(4);
}

static void c_is_there(struct xsr_store *xs)
{
    if (strcmp(list(xs, 0, "/torn"), "a c"))
        _exit(2);
}

static void an_unfinished_record_never_was(void **state)
{
    size_t before, after;

    (void)state;
    elsewhere(write_a);
    before = load();
    elsewhere(write_b);
    after = load();
    assert_true(after > before + 10);
    for (size_t cut = before; cut < after; cut++) {
        store(cut);
        elsewhere(b_never_was_and_c_can_be_written);
        elsewhere(c_is_there);
        elsewhere(write_b);
        store(before);
        elsewhere(write_b);
        assert_int_equal(load(), after);
    }
}

/* As long as it should be, but one byte of it did not reach the file. */
static void a_record_with_a_hole_never_was(void **state)
{
    size_t after = load(), before = after - 30;

    (void)state;
    for (size_t i = before; i < after; i++) {
        uint8_t keep = image[i];

        if (!keep)
            continue;
        image[i] = 0;
        store(after);
        image[i] = keep;
        elsewhere(b_never_was_and_c_can_be_written);
        elsewhere(c_is_there);
    }
}

/* Always both nodes, always equal; as fast as it goes, for ever. */
static void write_pairs(struct xsr_store *xs)
{
    char text[3000];

    memset(text, 'x', sizeof(text));
    for (unsigned i = 0;; i++) {
        uint32_t t;

        snprintf(text, 16, "%u", i);
        text[strlen(text)] = ' ';
        if (xsr_store_txn_start(xs, &t) ||
            xsr_store_write(xs, t, "/pair/a", text, sizeof(text)) ||
            xsr_store_write(xs, t, "/pair/b", text, sizeof(text)) ||
            xsr_store_txn_end(xs, t, false))
            _exit(2);
    }
}

static void pair_is_whole(struct xsr_store *xs)
{
    char *a = NULL, *b = NULL;
    bool have = !xsr_store_read(xs, 0, "/pair/a", &a, NULL);

    if (have != !xsr_store_read(xs, 0, "/pair/b", &b, NULL))
        _exit(2);
    if (have && strcmp(a, b))
        _exit(3);
    free(a);
    free(b);
    if (xsr_store_write(xs, 0, "/alive", "1", 1))
        _exit(4);
}

static void killed_writers_leave_whole_transactions(void **state)
{
    struct xsr_store *xs;
    int status;

    (void)state;
    srand(11);
    for (int i = 0; i < 150; i++) {
        struct timespec wait = {0, 200000 + rand() % 4000000};
        pid_t pid = fork();

        if (!pid) {
            if (!xsr_store_open(&xs))
                write_pairs(xs);
            _exit(1);
        }
        nanosleep(&wait, NULL);
        kill(pid, SIGKILL);
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        elsewhere(pair_is_whole);
    }
}

static void the_store_is_made_once_by_many(void **state)
{
    int status;

    (void)state;
    assert_int_equal(unlink(host_file("xenstore")), 0);
    for (int i = 0; i < 8; i++)
        if (fork() == 0) {
            struct xsr_store *xs;
            char path[32];

            snprintf(path, sizeof(path), "/many/%d", i);
            _exit(xsr_store_open(&xs) || xsr_store_write(xs, 0, path, "", 0));
        }
    for (int i = 0; i < 8; i++) {
        assert_true(wait(&status) > 0);
        assert_int_equal(status, 0);
    }
    if (fork() == 0) {
        struct xsr_store *xs;

        _exit(xsr_store_open(&xs) || strlen(list(xs, 0, "/many")) != 15);
    }
    assert_true(wait(&status) > 0);
    assert_int_equal(status, 0);
}

static int teardown(void **state)
{
    *state = NULL;
    return host_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_unfinished_record_never_was),
        cmocka_unit_test(a_record_with_a_hole_never_was),
        cmocka_unit_test(killed_writers_leave_whole_transactions),
        cmocka_unit_test(the_store_is_made_once_by_many),
    };

    return cmocka_run_group_tests(tests, host_setup_unopened, teardown);
}
