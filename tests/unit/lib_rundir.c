/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* lib/rundir: the user's own folder first, and never a relative one. */
#include "lib/rundir.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void the_session_s_folder_comes_first(void **state)
{
    char path[128];

    (void)state;
    setenv("XDG_RUNTIME_DIR", "/run/user/4242", 1);
    xsr_run_dir("thing", path, sizeof(path));
    assert_string_equal(path, "/run/user/4242/thing");
}

static void a_relative_one_does_not_count(void **state)
{
    char path[128], without[128];

    (void)state;
    setenv("XDG_RUNTIME_DIR", "run", 1);
    xsr_run_dir("thing", path, sizeof(path));
    unsetenv("XDG_RUNTIME_DIR");
    xsr_run_dir("thing", without, sizeof(without));
    assert_int_equal(path[0], '/');
    assert_string_equal(path, without);
    assert_non_null(strstr(path, "/thing"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_session_s_folder_comes_first),
        cmocka_unit_test(a_relative_one_does_not_count),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
