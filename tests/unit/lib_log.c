/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * lib/log: what passes the level, what a line looks like, and that logging
 * has no side effects on errno.
 */
#include <errno.h>
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "lib/log.h"

struct seen {
    char text[2048];
    unsigned n_lines, n_progress;
    enum xsr_level level;
    uint64_t done, total;
};

static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    struct seen *seen = ctx;

    seen->n_lines++;
    seen->level = level;
    snprintf(seen->text, sizeof(seen->text), "%s", text);
    errno = EBADF;
}

static void on_progress(void *ctx, const char *what, uint64_t done,
                        uint64_t total)
{
    struct seen *seen = ctx;

    assert_string_equal(what, "Pages");
    seen->n_progress++;
    seen->done = done;
    seen->total = total;
    errno = EBADF;
}

static void level_decides(void **state)
{
    struct seen seen = {.n_lines = 0};
    struct xsr_log lg = {on_line, NULL, &seen, XSR_LOG_WARN};

    (void)state;
    xsr_log(&lg, XSR_LOG_INFO, "no");
    xsr_log(&lg, XSR_LOG_DEBUG, "no");
    assert_int_equal(seen.n_lines, 0);
    xsr_log(&lg, XSR_LOG_WARN, "n=%d", 3);
    xsr_log(&lg, XSR_LOG_ERROR, "again");
    assert_int_equal(seen.n_lines, 2);
    assert_int_equal(seen.level, XSR_LOG_ERROR);
    xsr_log(NULL, XSR_LOG_ERROR, "nowhere");
}

static void lines_are_one_line(void **state)
{
    struct seen seen = {.n_lines = 0};
    struct xsr_log lg = {on_line, NULL, &seen, XSR_LOG_DEBUG};
    char big[3000];

    (void)state;
    xsr_log(&lg, XSR_LOG_INFO, "text\r\n\n");
    assert_string_equal(seen.text, "text");
    memset(big, 'z', sizeof(big) - 1);
    big[sizeof(big) - 1] = '\0';
    xsr_log(&lg, XSR_LOG_INFO, "%s", big);
    assert_int_equal(strlen(seen.text), 1023);
    assert_string_equal(seen.text + 1020, "...");
}

static void errno_is_kept(void **state)
{
    struct seen seen = {.n_lines = 0};
    struct xsr_log lg = {on_line, on_progress, &seen, XSR_LOG_DEBUG};

    (void)state;
    errno = ENOSPC;
    xsr_log(&lg, XSR_LOG_INFO, "x");
    xsr_progress(&lg, "Pages", 1, 2);
    assert_int_equal(errno, ENOSPC);
    assert_int_equal(seen.n_lines, 1);
    assert_int_equal(seen.n_progress, 1);
    assert_true(seen.done == 1 && seen.total == 2);
}

static void progress_needs_no_listener(void **state)
{
    struct seen seen = {.n_lines = 0};
    struct xsr_log lg = {on_line, NULL, &seen, XSR_LOG_DEBUG};

    (void)state;
    xsr_progress(&lg, "Pages", 1, 2);
    xsr_progress(NULL, "Pages", 1, 2);
    assert_int_equal(seen.n_lines, 0);
}

static void stderr_line_has_name_and_level(void **state)
{
    char name[] = "prog", got[256];
    int fds[2], saved = dup(STDERR_FILENO);
    ssize_t r;

    (void)state;
    assert_int_equal(pipe(fds), 0);
    assert_true(dup2(fds[1], STDERR_FILENO) >= 0);
    xsr_log_to_stderr(name, XSR_LOG_WARN, "careful");
    assert_true(dup2(saved, STDERR_FILENO) >= 0);
    r = read(fds[0], got, sizeof(got) - 1);
    assert_true(r > 0);
    got[r] = '\0';
    assert_string_equal(got, "prog: warning: careful\n");
    close(fds[0]);
    close(fds[1]);
    close(saved);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(level_decides),
        cmocka_unit_test(lines_are_one_line),
        cmocka_unit_test(errno_is_kept),
        cmocka_unit_test(progress_needs_no_listener),
        cmocka_unit_test(stderr_line_has_name_and_level),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
