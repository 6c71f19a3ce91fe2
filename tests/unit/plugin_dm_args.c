/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/emu/dm_args.c: the words that start a device model, as libxl has them;
 * above all what is said when a name or a folder has a comma.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/emu/dm.h"

static struct xsr_buf words;
static const char **argv;

static void make(const struct xsr_config *config, const char *run_dir,
                 uint32_t domid)
{
    struct xsr_err err = XSR_ERR_INIT;

    assert_int_equal(
        xsr_dm_args("/bin/qemu", run_dir, domid, config, &words, &argv, &err),
        0);
}

static int forget(void **state)
{
    (void)state;
    free(argv);
    argv = NULL;
    xsr_buf_fini(&words);
    return 0;
}

/* The word behind name; NULL: there is no name. from: where to look from. */
static const char *value(const char *name, unsigned from)
{
    for (unsigned i = 0; argv[i]; i++)
        if (i >= from && strcmp(argv[i], name) == 0)
            return argv[i + 1];
    return NULL;
}

static struct xsr_config one_cpu(void)
{
    struct xsr_config c = {.max_vcpus = 1,
                           .target_memkb = 40 << 10,
                           .video_memkb = 8 << 10,
                           .name = "guest"};

    c.online[0] = 1;
    return c;
}

static void test_says_what_libxl_says(void **state)
{
    struct xsr_config c = one_cpu();

    (void)state;
    make(&c, "/run/xen", 7);
    assert_string_equal(argv[0], "/bin/qemu");
    assert_string_equal(value("-xen-domid", 0), "7");
    assert_string_equal(value("-chardev", 0),
                        "socket,id=libxl-cmd,path=/run/xen/qmp-libxl-7,"
                        "server=on,wait=off");
    assert_string_equal(value("-mon", 0), "chardev=libxl-cmd,mode=control");
    assert_string_equal(value("-name", 0), "guest");
    assert_string_equal(value("-incoming", 0), "fd:4");
    assert_string_equal(value("-machine", 0), "xenfv,suppress-vmdesc=on");
    assert_string_equal(value("-m", 0), "32"); /* without video memory */
    assert_null(value("-smp", 0));
}

static void test_a_comma_is_said_by_two(void **state)
{
    struct xsr_config c = one_cpu();

    (void)state;
    snprintf(c.name, sizeof(c.name), "a,b,readonly=on");
    make(&c, "/run,server=off", 1);
    assert_string_equal(value("-name", 0), "a,,b,,readonly=on");
    assert_non_null(strstr(value("-chardev", 0),
                           "path=/run,,server=off/qmp-libxl-1,server=on"));
}

static void test_counts_the_cpus_that_are_online(void **state)
{
    struct xsr_config c = one_cpu();

    (void)state;
    c.max_vcpus = 10;
    c.online[0] = 0x85;
    c.online[1] = 0x02;
    make(&c, "/run", 1);
    assert_string_equal(value("-smp", 0), "4,maxcpus=10");
}

/* Every word is there, and a name that looks like an option stays a value. */
static void test_words_are_counted(void **state)
{
    struct xsr_config c = one_cpu();
    size_t n = 0, len = 0;

    (void)state;
    snprintf(c.name, sizeof(c.name), "-S");
    make(&c, "/run", 1);
    for (n = 1; argv[n]; n++)
        len += strlen(argv[n]) + 1;
    assert_int_equal(len, words.len);
    assert_string_equal(value("-name", 0), "-S");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(test_says_what_libxl_says, forget),
        cmocka_unit_test_teardown(test_a_comma_is_said_by_two, forget),
        cmocka_unit_test_teardown(test_counts_the_cpus_that_are_online, forget),
        cmocka_unit_test_teardown(test_words_are_counted, forget),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
