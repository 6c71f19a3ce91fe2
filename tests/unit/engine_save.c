/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/save: which page goes out in which round, what is refused before the
 * first octet, and that log-dirty mode is off again however a save ends. The
 * guest is an HVM one on a fake hypervisor.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <signal.h>
#include <stdio.h>

#include "engine/engine.h"
#include "lib/bytes.h"
#include "stream/pages.h"
#include "stream/xc3.h"
#include "tests/fake/saving.h"

static struct {
    int fd;
    char log[2048], rounds[512];
    struct xsr_precopy_stats asked[16];
    unsigned n_asked, n_suspends, n_dm_on, n_dm_off;
    int answers[4]; /* of checkpoint callbacks, in turn */
    unsigned n_answers;
    bool refuse_suspend, no_policy;
    int policy_after; /* abort when asked so many times; 0: never */
    struct xsr_err err;
    struct xsr_engine_save s;
} t;

static void on_line(void *ctx, enum xsr_level level, const char *text)
{
    size_t len = strlen(t.log);

    (void)ctx;
    if (level <= XSR_LOG_WARN)
        snprintf(t.log + len, sizeof(t.log) - len, "%s\n", text);
}

/* Each phase once: its label and how many pages it has. */
static void on_progress(void *ctx, const char *what, uint64_t done,
                        uint64_t total)
{
    size_t len = strlen(t.rounds);

    (void)ctx;
    if (!done && total)
        snprintf(t.rounds + len, sizeof(t.rounds) - len, "%s:%u;", what,
                 (unsigned)total);
}

static int on_suspend(void *ctx)
{
    (void)ctx;
    t.n_suspends++;
    guest.shutdown = !t.refuse_suspend;
    return !t.refuse_suspend;
}

static int on_policy(void *ctx, const struct xsr_precopy_stats *stats)
{
    (void)ctx;
    t.asked[t.n_asked++ % 16] = *stats;
    if (t.policy_after && t.n_asked >= (unsigned)t.policy_after)
        return XSR_PRECOPY_ABORT;
    return stats->iteration >= 2 ? XSR_PRECOPY_STOP : XSR_PRECOPY_CONTINUE;
}

static int on_answer(void *ctx)
{
    (void)ctx;
    guest.shutdown = false;
    return t.answers[t.n_answers++ % 4];
}

static int on_logdirty(void *ctx, uint32_t domid, bool enable)
{
    (void)ctx, (void)domid;
    t.n_dm_on += enable;
    t.n_dm_off += !enable;
    return 0;
}

static int begin(void **state)
{
    (void)state;
    saving_init();
    memset(&t, 0, sizeof(t));
    t.err = (struct xsr_err)XSR_ERR_INIT;
    t.fd = memfd_create("image", MFD_CLOEXEC);
    t.s.fd = t.fd;
    t.s.live = true;
    t.s.back_fd = -1;
    t.s.domid = 7;
    return 0;
}

/* However it ended: nothing mapped, nothing tracked. */
static int end(void **state)
{
    (void)state;
    assert_int_equal(xen_host.n_mappings, 0);
    assert_false(guest.logdirty);
    assert_int_equal(t.n_dm_on, t.n_dm_off);
    close(t.fd);
    fake_fini();
    return 0;
}

static int save(void)
{
    const struct xsr_engine_save_ops ops = {
        .suspend = on_suspend,
        .precopy_policy = t.no_policy ? NULL : on_policy,
        .checkpoint = on_answer,
        .postcopy = on_answer,
        .switch_qemu_logdirty = on_logdirty,
    };
    const struct xsr_log log = {on_line, on_progress, NULL, XSR_LOG_INFO};

    t.s.log = &log;
    t.s.ops = &ops;
    return xsr_engine_save(&t.s, &t.err);
}

/* How often was a page sent with content? And records by type. */
static struct {
    unsigned n_records, of_type[32], n_entries, n_sent[SAVED_GFNS];
    uint8_t last_fill[SAVED_GFNS];
} got;

static void take_pages(const uint8_t *body)
{
    uint32_t n = xsr_le32(body);
    const uint8_t *content = body + 8 + 8 * (size_t)n;

    for (uint32_t i = 0; i < n; i++) {
        uint64_t word = xsr_le64(body + 8 + 8 * (size_t)i);
        uint64_t pfn = word & 0xfffffffffffffull;

        got.n_entries++;
        if (!xsr_page_has_data((uint8_t)(word >> 60)))
            continue;
        assert_true(pfn < SAVED_GFNS);
        got.n_sent[pfn]++;
        got.last_fill[pfn] = *content;
        content += 4096;
    }
}

static void read_image(void)
{
    off_t len = lseek(t.fd, 0, SEEK_END);
    uint8_t *p = mmap(NULL, (size_t)len, PROT_READ, MAP_PRIVATE, t.fd, 0);
    off_t at = XSR_XC3_IHDR_LEN + XSR_XC3_DHDR_LEN;

    memset(&got, 0, sizeof(got));
    while (at < len) {
        uint32_t type = xsr_le32(p + at), n = xsr_le32(p + at + 4);

        assert_true(type < XSR_XC3_N_TYPES);
        got.n_records++;
        got.of_type[type]++;
        if (type == XSR_XC3_PAGE_DATA)
            take_pages(p + at + 8);
        at += 8 + n + xsr_xc3_pad(n);
    }
    assert_int_equal(at, len);
    munmap(p, (size_t)len);
}

/* ---- memory -------------------------------------------------------------- */

static void test_sends_pages_and_no_holes(void **state)
{
    (void)state;
    t.s.live = false;
    assert_int_equal(save(), 0);
    read_image();
    assert_int_equal(got.of_type[XSR_XC3_PAGE_DATA], 2);
    assert_int_equal(got.n_entries, SAVED_PAGES);
    for (unsigned i = 0; i < SAVED_PAGES; i++) {
        assert_int_equal(got.n_sent[saved_gfn(i)], 1);
        assert_int_equal(got.last_fill[saved_gfn(i)], 0x10 + i);
    }
    assert_int_equal(got.of_type[XSR_XC3_END], 1);
    assert_int_equal(t.s.n_pages, SAVED_PAGES);
    /* Nothing was switched on in Xen, so nothing is switched off. */
    assert_int_equal(guest.n_enabled + guest.n_off, 0);
    assert_int_equal(t.n_dm_on, 1);
    assert_string_equal(t.rounds, "Frames:4096;");
}

static void test_asks_the_policy_twice_a_round(void **state)
{
    static const struct xsr_precopy_stats want[] = {
        {0, 0, SAVED_GFNS},
        {1, SAVED_GFNS, -1},
        {1, SAVED_GFNS, 3},
        {2, SAVED_GFNS + 3, -1},
    };

    (void)state;
    guest.dirty[0] = 0x7; /* of round 1 */
    guest.dirty[1] = 0x8; /* of the final one */
    assert_int_equal(save(), 0);
    read_image();
    assert_int_equal(t.n_asked, 4);
    assert_memory_equal(t.asked, want, sizeof(want));
    assert_string_equal(t.rounds, "Frames iteration 0:4096;"
                                  "Frames iteration 1:3;"
                                  "Frames iteration 2:1;");
    assert_int_equal(got.n_sent[0], 2);
    assert_int_equal(got.n_sent[3], 2);
    assert_int_equal(got.n_sent[saved_gfn(7)], 1);
    assert_int_equal(t.s.n_rounds, 2);
    assert_int_equal(guest.n_off, 1);
}

static void test_built_in_policy_ends_after_five_rounds(void **state)
{
    (void)state;
    t.no_policy = true;
    for (unsigned i = 0; i < SAVED_ROUNDS; i++) {
        guest.dirty[i] = 1;
        guest.counted[i] = 50;
    }
    assert_int_equal(save(), 0);
    assert_int_equal(t.s.n_rounds, 5);
    assert_int_equal(guest.n_clean, 5); /* four between them, and the last */
}

static void test_built_in_policy_sends_a_small_round(void **state)
{
    (void)state;
    t.no_policy = true;
    guest.dirty[0] = 1;
    guest.counted[0] = 49;
    assert_int_equal(save(), 0);
    assert_int_equal(t.s.n_rounds, 2);
    assert_int_equal(guest.n_clean, 2);
}

static void test_policy_may_give_up(void **state)
{
    (void)state;
    t.policy_after = 2;
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_STOPPED);
    assert_int_equal(t.n_suspends, 0);
    assert_int_equal(guest.n_off, 1);
}

static void test_page_freed_while_live_is_sent_later(void **state)
{
    (void)state;
    guest.vanishing = 2;
    assert_int_equal(save(), 0);
    read_image();
    assert_int_equal(got.n_sent[2], 1);
    assert_int_equal(got.last_fill[2], 0x12);
    assert_string_equal(t.rounds, "Frames iteration 0:4096;"
                                  "Frames iteration 2:1;");
}

static void test_page_lost_at_the_end_is_fatal(void **state)
{
    (void)state;
    guest.vanishing = 2;
    t.s.live = false;
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_XEN);
    assert_non_null(strstr(t.err.text, "pfn 0x2 "));
    assert_non_null(strstr(t.err.text, "suspended guest"));
}

static void test_verify_sends_all_again(void **state)
{
    (void)state;
    t.s.verify = true;
    assert_int_equal(save(), 0);
    read_image();
    assert_int_equal(got.of_type[XSR_XC3_VERIFY], 1);
    assert_int_equal(got.n_sent[1], 2);
    assert_non_null(strstr(t.rounds, "Frames verify:4096;"));
}

/* ---- log-dirty ----------------------------------------------------------- */

static void test_tracking_left_on_is_taken_over(void **state)
{
    (void)state;
    guest.enable_errno[0] = EINVAL;
    assert_int_equal(save(), 0);
    assert_int_equal(guest.n_enabled, 2);
    assert_int_equal(guest.n_off, 2);
}

static void test_without_tracking_nothing_is_written(void **state)
{
    (void)state;
    guest.enable_errno[0] = EOPNOTSUPP;
    guest.off_errno = EINVAL;
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_UNSUPPORTED);
    assert_non_null(strstr(t.err.text, "enable: Operation not supported; off: "
                                       "Invalid argument; enable again: not "
                                       "tried"));
    assert_int_equal(lseek(t.fd, 0, SEEK_END), 0);
    assert_int_equal(t.n_suspends, 0);
    /* The one OFF was the attempt; it was not ours to switch off again. */
    assert_int_equal(guest.n_off, 1);
}

static void test_fallback_stands_still_and_warns_once(void **state)
{
    (void)state;
    guest.enable_errno[0] = EOPNOTSUPP;
    guest.off_errno = EINVAL;
    t.s.live_fallback = true;
    assert_int_equal(save(), 0);
    read_image();
    assert_true(t.s.fell_back);
    assert_int_equal(t.n_suspends, 1);
    assert_string_equal(t.rounds, "Frames:4096;");
    assert_non_null(strstr(t.log, "pause is as long as the whole transfer"));
    assert_ptr_equal(strchr(t.log, '\n'), t.log + strlen(t.log) - 1);
}

static void test_checkpoints_have_no_fallback(void **state)
{
    (void)state;
    guest.enable_errno[0] = EOPNOTSUPP;
    guest.off_errno = EINVAL;
    t.s.live_fallback = true;
    t.s.stream_type = XSR_STREAM_IS_REMUS;
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_UNSUPPORTED);
    assert_int_equal(lseek(t.fd, 0, SEEK_END), 0);
}

/* ---- suspending ---------------------------------------------------------- */

static void test_refused_suspend_ends_the_save(void **state)
{
    (void)state;
    t.refuse_suspend = true;
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_PEER);
    assert_int_equal(guest.n_off, 1);
}

static void test_a_crash_is_no_suspend(void **state)
{
    (void)state;
    guest.reason = SHUTDOWN_crash;
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_XEN);
    assert_non_null(strstr(t.err.text, "reason crash (3)"));
}

/* ---- checkpoints --------------------------------------------------------- */

static void test_checkpoints_until_a_callback_ends_them(void **state)
{
    static const int answers[] = {1, 1, 1, 0};

    (void)state;
    memcpy(t.answers, answers, sizeof(answers));
    t.s.stream_type = XSR_STREAM_IS_REMUS;
    guest.dirty[1] = 1; /* of the final round of the first */
    guest.dirty[2] = 6; /* of the second checkpoint */
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_STOPPED);
    assert_string_equal(t.s.refused_by, "checkpoint");
    assert_int_equal(t.s.refused, 0);
    read_image();
    assert_int_equal(got.of_type[XSR_XC3_CHECKPOINT], 2);
    assert_int_equal(got.of_type[XSR_XC3_HVM_CONTEXT], 2);
    assert_int_equal(got.of_type[XSR_XC3_END], 0);
    assert_non_null(strstr(t.rounds, "Checkpointed save:2;"));
    assert_int_equal(t.n_suspends, 2);
    assert_int_equal(guest.n_off, 1);
}

static void test_negative_answer_is_passed_on(void **state)
{
    (void)state;
    t.answers[0] = -3;
    t.s.stream_type = XSR_STREAM_IS_REMUS;
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_PEER);
    assert_string_equal(t.s.refused_by, "postcopy");
    assert_int_equal(t.s.refused, -3);
}

/* ---- the stream ---------------------------------------------------------- */

static void test_a_reader_that_left_is_a_failure(void **state)
{
    int fds[2];

    (void)state;
    signal(SIGPIPE, SIG_IGN);
    assert_int_equal(pipe(fds), 0);
    close(fds[0]);
    t.s.fd = fds[1];
    assert_int_equal(save(), -1);
    assert_int_equal(t.err.kind, XSR_E_IO);
    assert_int_equal(t.err.sys, EPIPE);
    assert_int_equal(guest.n_off, 1);
    close(fds[1]);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_sends_pages_and_no_holes),
        TEST(test_asks_the_policy_twice_a_round),
        TEST(test_built_in_policy_ends_after_five_rounds),
        TEST(test_built_in_policy_sends_a_small_round),
        TEST(test_policy_may_give_up),
        TEST(test_page_freed_while_live_is_sent_later),
        TEST(test_page_lost_at_the_end_is_fatal),
        TEST(test_verify_sends_all_again),
        TEST(test_tracking_left_on_is_taken_over),
        TEST(test_without_tracking_nothing_is_written),
        TEST(test_fallback_stands_still_and_warns_once),
        TEST(test_checkpoints_have_no_fallback),
        TEST(test_refused_suspend_ends_the_save),
        TEST(test_a_crash_is_no_suspend),
        TEST(test_checkpoints_until_a_callback_ends_them),
        TEST(test_negative_answer_is_passed_on),
        TEST(test_a_reader_that_left_is_a_failure),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
