/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/emu/emu_state.c: the device model's file appears whole or not at all,
 * is private, follows no links, and goes away again.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>
#include <cmocka.h>

#include "plugin/emu/emu.h"

static char dir[64], final_name[128], part_name[128], bait[128];
static char last_warning[256];
static struct xsr_emu_file f;
static struct xsr_err err;

static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    (void)ctx;
    if (level == XSR_LOG_WARN)
        snprintf(last_warning, sizeof(last_warning), "%s", text);
}
static const struct xsr_log log_here = {
    .on_line = on_line,
    .max_level = XSR_LOG_WARN,
};

static int setup(void **state)
{
    (void)state;
    snprintf(dir, sizeof(dir), "/tmp/xensr-unit.XXXXXX");
    if (!mkdtemp(dir))
        return -1;
    snprintf(final_name, sizeof(final_name), "%s/qemu-resume.7", dir);
    snprintf(part_name, sizeof(part_name), "%s/qemu-resume.7.part", dir);
    snprintf(bait, sizeof(bait), "%s/bait", dir);
    last_warning[0] = '\0';
    xsr_err_clear(&err);
    xsr_emu_file_init(&f);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    xsr_emu_file_fini(&f);
    unlink(final_name);
    unlink(part_name);
    unlink(bait);
    return rmdir(dir); /* nothing else may be in it */
}

static bool exists(const char *path)
{
    struct stat st;

    return lstat(path, &st) == 0;
}

static void write_whole(const char *text)
{
    assert_int_equal(xsr_emu_file_open(&f, dir, 7, &err), 0);
    assert_int_equal(xsr_emu_file_put(&f, (const uint8_t *)text, 3, &err), 0);
    assert_int_equal(
        xsr_emu_file_put(&f, (const uint8_t *)text + 3, strlen(text) - 3, &err),
        0);
}

static void test_appears_whole_and_private(void **state)
{
    char text[32] = "";
    struct stat st;
    int fd;

    (void)state;
    write_whole("whole state");
    assert_false(exists(final_name));
    assert_int_equal(xsr_emu_file_commit(&f, &log_here, &err), 0);
    assert_false(exists(part_name));
    assert_int_equal(stat(final_name, &st), 0);
    assert_int_equal(st.st_mode & 07777, 0600);
    fd = open(final_name, O_RDONLY);
    assert_int_equal(read(fd, text, sizeof(text)), 11);
    close(fd);
    assert_string_equal(text, "whole state");
    assert_int_equal(f.len, 11);
    assert_non_null(strstr(last_warning, "QEVM"));
}

static void test_knows_qemu(void **state)
{
    static const uint8_t qemu[10] = "QEVM\0\0\0\3xy";

    (void)state;
    assert_int_equal(xsr_emu_file_open(&f, dir, 7, &err), 0);
    assert_int_equal(xsr_emu_file_put(&f, qemu, sizeof(qemu), &err), 0);
    assert_int_equal(xsr_emu_file_commit(&f, &log_here, &err), 0);
    assert_string_equal(last_warning, "");
}

static void test_goes_away_before_and_after_commit(void **state)
{
    (void)state;
    write_whole("some");
    assert_int_equal(xsr_emu_file_remove(&f, &err), 0);
    assert_false(exists(part_name));
    xsr_emu_file_init(&f);
    write_whole("some");
    assert_int_equal(xsr_emu_file_commit(&f, &log_here, &err), 0);
    assert_int_equal(xsr_emu_file_remove(&f, &err), 0);
    assert_false(exists(final_name));
    assert_int_equal(xsr_emu_file_remove(&f, &err), 0);
}

static void test_does_not_follow_links(void **state)
{
    struct stat st;

    (void)state;
    close(open(bait, O_CREAT | O_WRONLY, 0644));
    assert_int_equal(symlink(bait, part_name), 0);
    assert_int_equal(symlink(bait, final_name), 0);
    write_whole("secret");
    assert_int_equal(xsr_emu_file_commit(&f, &log_here, &err), 0);
    assert_int_equal(stat(bait, &st), 0);
    assert_int_equal(st.st_size, 0);
    assert_int_equal(lstat(final_name, &st), 0);
    assert_true(S_ISREG(st.st_mode));
}

static void test_says_when_the_disk_is_full(void **state)
{
    struct rlimit old, small = {64, 64};
    static uint8_t bytes[4096];

    (void)state;
    /* a file size limit stands for the full disk: write(2) fails alike */
    signal(SIGXFSZ, SIG_IGN);
    getrlimit(RLIMIT_FSIZE, &old);
    small.rlim_max = old.rlim_max;
    assert_int_equal(xsr_emu_file_open(&f, dir, 7, &err), 0);
    setrlimit(RLIMIT_FSIZE, &small);
    assert_int_equal(xsr_emu_file_put(&f, bytes, sizeof(bytes), &err), -1);
    setrlimit(RLIMIT_FSIZE, &old);
    assert_int_equal(err.kind, XSR_E_IO);
    assert_int_equal(err.sys, EFBIG);
    assert_non_null(strstr(err.text, "qemu-resume.7"));
    assert_int_equal(xsr_emu_file_remove(&f, &err), 0);
    assert_false(exists(part_name));
}

static void test_names_a_folder_that_is_not_there(void **state)
{
    (void)state;
    assert_int_equal(xsr_emu_file_open(&f, "/nonexistent", 7, &err), -1);
    assert_non_null(strstr(err.text, "/nonexistent"));
    assert_int_equal(err.sys, ENOENT);
}

static void test_refuses_qemu_traditional(void **state)
{
    struct xsr_xl2_emu emu = {1, 0};

    (void)state;
    assert_int_equal(xsr_emu_check_id(&emu, &err), -1);
    assert_int_equal(err.kind, XSR_E_UNSUPPORTED);
    emu.id = 0;
    assert_int_equal(xsr_emu_check_id(&emu, &err), 0);
    emu.id = 2;
    assert_int_equal(xsr_emu_check_id(&emu, &err), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_appears_whole_and_private),
        TEST(test_knows_qemu),
        TEST(test_goes_away_before_and_after_commit),
        TEST(test_does_not_follow_links),
        TEST(test_says_when_the_disk_is_full),
        TEST(test_names_a_folder_that_is_not_there),
        TEST(test_refuses_qemu_traditional),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
