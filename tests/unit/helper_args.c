/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The argument vectors that each libxl makes, for every kind of operation, and
 * what is made of them; then each vector with an argument missing, one too
 * many, and each argument replaced by something that is none.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>
#include <stdio.h>
#include <unistd.h>

#include "helper/args.c"

#define S "--save-domain "
#define R "--restore-domain "

enum { PLAIN, REMUS, COLO };

static const struct {
    const char *words;
    enum xsr_ipc_gen gen;
    uint32_t type, flags;
} vectors[] = {
    /* fds 50 (stream), 51 (back channel, toolstack data) are open */
    {S "50 7 0 0 5 1 65536 51 120 72", XSR_IPC_G1, PLAIN, 5},
    {S "50 7 0 0 21 0 0 51 0 120", XSR_IPC_G1, REMUS, 21},
    {S "50 7 0 0 1 0 51 0 72", XSR_IPC_G3, PLAIN, 1},
    {S "50 7 0 0 5 1 51 96 120", XSR_IPC_G3, REMUS, 5},
    {S "50 7 0 0 0 0 72", XSR_IPC_G4, PLAIN, 0},
    {S "50 7 0 0 5 1 72", XSR_IPC_G4, PLAIN, 5},
    {S "50 7 0 0 37 1 120", XSR_IPC_G4, REMUS, 37},
    {S "50 51 7 0 0 5 1 136 0", XSR_IPC_G5, PLAIN, 5},
    {S "50 -1 7 0 0 21 1 184 1", XSR_IPC_G5, REMUS, 21},
    {S "50 51 7 0 0 5 1 248 2", XSR_IPC_G5, COLO, 5},
    {S "50 51 7 1 0 136 0", XSR_IPC_G6, PLAIN, 1},
    {S "50 51 7 5 1 184 1", XSR_IPC_G6, REMUS, 5},
    {S "50 51 7 5 1 248 2", XSR_IPC_G6, COLO, 5},
    {S "50 51 7 3 136 0", XSR_IPC_G7, PLAIN, 3},
    {S "50 -1 7 1 184 1", XSR_IPC_G7, REMUS, 1},
    {S "50 51 7 1 248 2", XSR_IPC_G7, COLO, 1},
    {S "50 51 7 0 280 0", XSR_IPC_S7, PLAIN, 0},
    {S "50 51 7 1 376 1", XSR_IPC_S7, REMUS, 1},
    {S "50 51 7 1 504 2", XSR_IPC_S7, COLO, 1},
    {R "50 7 1 2 3 4 1 1 1 1 128", XSR_IPC_G1, PLAIN, 0},
    {R "50 7 1 2 3 4 0 1 0 1 0", XSR_IPC_G1, PLAIN, 0},
    {R "50 7 1 2 3 4 1 1 1 1 128 0", XSR_IPC_G2, PLAIN, 0},
    {R "50 7 1 2 3 4 0 1 0 1 0 1", XSR_IPC_G2, REMUS, 0},
    {R "50 7 1 2 3 4 1 1 1 128 0", XSR_IPC_G3, PLAIN, 0},
    {R "50 7 1 2 3 4 0 1 0 0 1", XSR_IPC_G3, REMUS, 0},
    {R "50 7 1 2 3 4 0 0 0 32 0", XSR_IPC_G4, PLAIN, 0},
    {R "50 7 1 2 3 4 0 0 0 32 1", XSR_IPC_G4, REMUS, 0},
    {R "50 -1 7 1 2 3 4 0 0 0 256 0", XSR_IPC_G5, PLAIN, 0},
    {R "50 51 7 1 2 3 4 0 0 0 288 1", XSR_IPC_G5, REMUS, 0},
    {R "50 51 7 1 2 3 4 0 0 0 376 2", XSR_IPC_G5, COLO, 0},
    {R "50 -1 7 1 2 3 4 0 0 256 0", XSR_IPC_G6, PLAIN, 0},
    {R "50 -1 7 1 2 3 4 0 0 288 1", XSR_IPC_G6, REMUS, 0},
    {R "50 51 7 1 2 3 4 0 0 376 2", XSR_IPC_G6, COLO, 0},
    {R "50 -1 7 1 2 3 4 768 0", XSR_IPC_G7, PLAIN, 0},
    {R "50 51 7 1 2 3 4 800 1", XSR_IPC_G7, REMUS, 0},
    {R "50 51 7 1 2 3 4 888 2", XSR_IPC_G7, COLO, 0},
    {R "50 -1 7 1 2 3 4 1536 0", XSR_IPC_S7, PLAIN, 0},
    {R "50 51 7 1 2 3 4 1600 1", XSR_IPC_S7, REMUS, 0},
    {R "50 51 7 1 2 3 4 1776 2", XSR_IPC_S7, COLO, 0},
};
#define N_VECTORS (sizeof(vectors) / sizeof(vectors[0]))

struct words {
    char text[160];
    char *argv[20];
    int argc;
};

static void split(struct words *w, const char *words)
{
    char *save_p = NULL, *s;

    snprintf(w->text, sizeof(w->text), "helper %s", words);
    w->argc = 0;
    for (s = strtok_r(w->text, " ", &save_p); s;
         s = strtok_r(NULL, " ", &save_p))
        w->argv[w->argc++] = s;
    w->argv[w->argc] = NULL;
}

static enum xsr_args_verdict judge(struct words *w, struct xsr_args *a,
                                   struct xsr_err *err)
{
    enum xsr_args_verdict v;

    xsr_err_clear(err);
    v = xsr_args_get(w->argc, w->argv, a, err);
    if (v != XSR_ARGS_RUN)
        assert_true(err->text[0]);
    return v;
}

static void every_libxl_is_recognised(void **state)
{
    struct xsr_args a;
    struct xsr_err err;
    struct words w;
    size_t i;

    (void)state;
    for (i = 0; i < N_VECTORS; i++) {
        split(&w, vectors[i].words);
        if (vectors[i].gen < XSR_IPC_G4) {
            /* known, but of the legacy format: answered, not served */
            assert_int_equal(judge(&w, &a, &err), XSR_ARGS_REFUSE);
            assert_int_equal(err.kind, XSR_E_UNSUPPORTED);
            assert_int_equal(a.gen, vectors[i].gen);
            continue;
        }
        if (judge(&w, &a, &err) != XSR_ARGS_RUN)
            fail_msg("%s: %s", vectors[i].words, err.text);
        assert_int_equal(a.gen, vectors[i].gen);
        assert_int_equal(a.stream_fd, 50);
        assert_int_equal(a.domid, 7);
        assert_int_equal(a.stream_type, vectors[i].type);
        assert_int_equal(a.flags, vectors[i].flags);
        if (a.side == XSR_IPC_SAVE)
            continue;
        assert_int_equal(a.store_evtchn, 1);
        assert_int_equal(a.store_domid, 2);
        assert_int_equal(a.console_evtchn, 3);
        assert_int_equal(a.console_domid, 4);
    }
}

/* One argument less or more is another vector or none, never served wrongly. */
static void a_wrong_count_is_not_served(void **state)
{
    struct xsr_args a;
    struct xsr_err err;
    struct words w;
    size_t i;

    (void)state;
    for (i = 0; i < N_VECTORS; i++) {
        split(&w, vectors[i].words);
        w.argv[--w.argc] = NULL;
        assert_int_not_equal(judge(&w, &a, &err), XSR_ARGS_RUN);
        split(&w, vectors[i].words);
        w.argv[w.argc++] = (char *)(uintptr_t) "9";
        w.argv[w.argc] = NULL;
        assert_int_not_equal(judge(&w, &a, &err), XSR_ARGS_RUN);
    }
}

static void a_bad_number_is_not_served(void **state)
{
    static const char *const bad[] = {"",   "x",   "1x", " 1",          "+1",
                                      "-2", "0x1", "1.", "99999999999", "-"};
    struct xsr_args a;
    struct xsr_err err;
    struct words w;
    size_t i, k;
    int n;

    (void)state;
    for (i = 0; i < N_VECTORS; i++) {
        split(&w, vectors[i].words);
        for (n = 2; n < w.argc; n++) {
            char *good = w.argv[n];

            for (k = 0; k < XSR_ARRAY_LEN(bad); k++) {
                w.argv[n] = (char *)(uintptr_t)bad[k];
                assert_int_not_equal(judge(&w, &a, &err), XSR_ARGS_RUN);
            }
            w.argv[n] = good;
        }
    }
}

static void verdict_is(const char *words, enum xsr_args_verdict want,
                       const char *text)
{
    struct xsr_args a;
    struct xsr_err err;
    struct words w;

    split(&w, words);
    assert_int_equal(judge(&w, &a, &err), want);
    if (!strstr(err.text, text))
        fail_msg("%s: \"%s\" is not in \"%s\"", words, text, err.text);
}

/* Callback bits of no known message: the numbers cannot be trusted. */
static void unknown_bits_are_not_answered(void **state)
{
    (void)state;
    verdict_is(S "50 -1 7 0 392 0", XSR_ARGS_UNKNOWN, "0x100");
    verdict_is(S "50 -1 7 0 648 0", XSR_ARGS_UNKNOWN, "0x200");
    verdict_is(S "50 -1 7 0 137 0", XSR_ARGS_UNKNOWN, "0x1");
    verdict_is(S "50 7 0 0 0 0 136", XSR_ARGS_UNKNOWN, "0x80");
    verdict_is(R "50 7 1 2 3 4 0 0 0 64 0", XSR_ARGS_UNKNOWN, "0x40");
    verdict_is(R "50 -1 7 1 2 3 4 896 0", XSR_ARGS_UNKNOWN, "0x80");
    verdict_is(R "50 -1 7 1 2 3 4 2560 0", XSR_ARGS_UNKNOWN, "0x800");
    verdict_is(R "50 -1 7 1 2 3 4 1792 0", XSR_ARGS_UNKNOWN, "0x100");
    verdict_is(S "50 7", XSR_ARGS_UNKNOWN, "no toolstack's");
    verdict_is("--save-domain", XSR_ARGS_UNKNOWN, "no toolstack's");
    verdict_is("--restore-domain", XSR_ARGS_UNKNOWN, "no toolstack's");
}

static void what_makes_no_sense_is_refused(void **state)
{
    (void)state;
    verdict_is(S "50 -1 7 4 136 0", XSR_ARGS_REFUSE, "flags are 0x4");
    verdict_is(S "50 7 0 0 64 0 72", XSR_ARGS_REFUSE, "flags are 0x40");
    verdict_is(S "50 -1 7 32 0 136 0", XSR_ARGS_REFUSE, "flags are 0x20");
    verdict_is(S "50 -1 7 0 8 0", XSR_ARGS_REFUSE, "switch_qemu_logdirty");
    verdict_is(S "50 -1 7 0 128 0", XSR_ARGS_REFUSE, "suspend");
    verdict_is(S "50 -1 7 1 136 1", XSR_ARGS_REFUSE, "checkpoint");
    verdict_is(S "50 -1 7 1 168 1", XSR_ARGS_REFUSE, "postcopy");
    verdict_is(S "50 51 7 1 184 2", XSR_ARGS_REFUSE, "wait_checkpoint");
    verdict_is(S "50 -1 7 1 248 2", XSR_ARGS_REFUSE, "back channel");
    verdict_is(S "50 49 7 1 248 2", XSR_ARGS_REFUSE, "cannot be used");
    verdict_is(S "50 -1 7 1 248 3", XSR_ARGS_REFUSE, "stream type is 3");
    verdict_is(S "2 -1 7 0 136 0", XSR_ARGS_REFUSE, "other uses");
    verdict_is(S "49 -1 7 0 136 0", XSR_ARGS_REFUSE, "cannot be used");
    verdict_is(S "50 50 7 0 136 0", XSR_ARGS_REFUSE, "fd 50 is named");
    verdict_is(R "50 -1 7 1 2 3 4 768 1", XSR_ARGS_REFUSE, "checkpoint");
    verdict_is(R "50 7 1 2 3 4 0 0 0 32 2", XSR_ARGS_REFUSE,
               "known are 0 (plain), 1 (Remus)");
}

/* libxl passes a copy of whatever its own fd 0 is, or of nothing. */
static void a_back_channel_of_a_plain_save_does_not_matter(void **state)
{
    (void)state;
    verdict_is(S "50 49 7 0 136 0", XSR_ARGS_RUN, "");
    verdict_is(S "50 0 7 0 136 0", XSR_ARGS_RUN, "");
    verdict_is(R "50 1 7 1 2 3 4 768 0", XSR_ARGS_RUN, "");
}

static int open_fds(void **state)
{
    (void)state;
    close(49);
    return dup2(2, 50) < 0 || dup2(2, 51) < 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_libxl_is_recognised),
        cmocka_unit_test(a_wrong_count_is_not_served),
        cmocka_unit_test(a_bad_number_is_not_served),
        cmocka_unit_test(unknown_bits_are_not_answered),
        cmocka_unit_test(what_makes_no_sense_is_refused),
        cmocka_unit_test(a_back_channel_of_a_plain_save_does_not_matter),
    };

    return cmocka_run_group_tests(tests, open_fds, NULL);
}
