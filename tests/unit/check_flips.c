/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr check` over images that break at every place: each prefix of tiny
 * images (tests/gen/tiny_image.h) is refused, and no single bit that is turned
 * in what is no page content makes check crash, loop or say two things at
 * once. Where a rule has to notice, tests/run/check-finds-*.sh say which.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#include "tests/gen/tiny_image.h"
#include "tools/check/check.h"

static const char *const kinds[] = {"pv64", "pv32", "pvh", "hvm", "remus"};

struct input { /* an image in memory, with a name that can be opened */
    int fd;
    uint8_t *p;
    size_t len;
    char path[40];
};

static void open_input(struct input *in, enum tiny_kind kind)
{
    struct tiny t;

    assert_int_equal(tiny_make(&t, kind), 0);
    in->len = t.out.len;
    in->fd = memfd_create("image", MFD_CLOEXEC);
    assert_true(in->fd >= 0);
    assert_int_equal(ftruncate(in->fd, (off_t)in->len), 0);
    in->p = mmap(NULL, in->len, PROT_READ | PROT_WRITE, MAP_SHARED, in->fd, 0);
    assert_true(in->p != MAP_FAILED);
    memcpy(in->p, t.out.p, in->len);
    xsr_buf_fini(&t.out);
    snprintf(in->path, sizeof in->path, "/proc/self/fd/%d", in->fd);
}

static void close_input(struct input *in)
{
    munmap(in->p, in->len);
    close(in->fd);
}

/* The exit code; *errors_out: how many errors; the rest has to agree. */
static int check(const struct input *in, uint64_t *errors_out)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct chk *c = chk_new(in->path, &err);
    int rc;

    assert_non_null(c);
    chk_walk(c);
    rc = chk_exit_code(c);
    *errors_out = c->found.n[CHK_ERROR];
    assert_true(rc == 0 || rc == 3 || rc == 4);
    assert_true(rc != 3 || *errors_out);
    assert_true(rc != 0 || !*errors_out);
    assert_true(c->src.offset <= in->len);
    for (size_t i = 0; i < c->found.n_kept; i++)
        assert_true(c->found.kept[i].offset <= in->len);
    chk_free(c);
    return rc;
}

/* With a sanitizer each look costs ten times as much. */
#ifdef __SANITIZE_ADDRESS__
#define SPARSE 11
#else
#define SPARSE 1
#endif

/*
 * All where records and pages begin and end (few are longer than 300 octets
 * but PAGE_DATA), of the rest one in a hundred.
 */
static size_t step(size_t n)
{
    return n % 4096 < 300 || n % 4096 > 4050 ? SPARSE : 97;
}

static void every_prefix_is_refused(void **state)
{
    (void)state;
    for (int kind = TINY_PV64; kind <= TINY_HVM; kind++) {
        struct input in;
        uint64_t errors;

        open_input(&in, (enum tiny_kind)kind);
        /* from the end: what is cut off is lost */
        for (size_t n = in.len - 1; n < in.len; n -= step(n)) {
            assert_int_equal(ftruncate(in.fd, (off_t)n), 0);
            if (check(&in, &errors) != 3) {
                print_error("%s cut at %zu passes\n", kinds[kind], n);
                fail();
            }
        }
        close_input(&in);
    }
}

/*
 * Of a checkpointed stream those are refused that end in front of the first
 * complete checkpoint; all others are what a failover starts from.
 */
static void prefixes_of_checkpoints_are_judged(void **state)
{
    size_t n, first = 0;
    struct input in;
    uint64_t errors;

    (void)state;
    open_input(&in, TINY_REMUS);
    for (n = in.len - 1; n < in.len; n -= step(n)) {
        int rc;

        assert_int_equal(ftruncate(in.fd, (off_t)n), 0);
        rc = check(&in, &errors);
        if (rc && !first)
            first = n + 1;
        if (rc != (first ? 3 : 0)) {
            print_error("remus cut at %zu gives %d\n", n, rc);
            fail();
        }
    }
    assert_true(first > 40000 && first < 60000);
    close_input(&in);
}

/* The contents of pages are the guest's business, but for its tables. */
static bool is_structure(const struct input *in, size_t at, bool pv)
{
    return !pv || at < 900 || at > in->len - 17000 ||
           (at > 24000 && at < 46000 && at % 16 < 8);
}

static void no_bit_makes_it_crash(void **state)
{
    (void)state;
    for (int kind = TINY_PV64; kind <= TINY_REMUS; kind++) {
        uint64_t errors, refused = 0, n = 0;
        struct input in;

        open_input(&in, (enum tiny_kind)kind);
        for (size_t at = 0; at < in.len; at++) {
            uint8_t bit = (uint8_t)(1u << (at * 5 + at / 8) % 8);

            if (!is_structure(&in, at, kind <= TINY_PV32) ||
                (!in.p[at] && at % 13) || at % SPARSE)
                continue;
            in.p[at] ^= bit;
            refused += check(&in, &errors) == 3;
            n++;
            in.p[at] ^= bit;
        }
        print_message("%s: %llu bits turned, %llu noticed as errors\n",
                      kinds[kind], (unsigned long long)n,
                      (unsigned long long)refused);
        assert_true(n > 2000 / SPARSE && refused > 200 / SPARSE);
        close_input(&in);
    }
}

/* In headers and frames each bit counts, but for those that are ignored. */
static void bits_of_frames_are_noticed(void **state)
{
    (void)state;
    for (int kind = TINY_PV64; kind <= TINY_HVM; kind++) {
        struct input in;
        uint64_t errors;
        size_t frame;

        open_input(&in, (enum tiny_kind)kind);
        frame = 48 + xsr_le32(in.p + 44) + 16 + 8 + 40;
        while (frame + 8 < in.len - 9000) {
            size_t next = frame + 8 + (xsr_le32(in.p + frame + 4) + 7) / 8 * 8;

            for (int bit = 0; bit < 63; bit += SPARSE) {
                if (bit == 31)
                    continue; /* an optional record */
                in.p[frame + bit / 8] ^= (uint8_t)(1u << bit % 8);
                if (check(&in, &errors) != 3) {
                    print_error("%s: bit %d of the frame at %zu passes\n",
                                kinds[kind], bit, frame);
                    fail();
                }
                in.p[frame + bit / 8] ^= (uint8_t)(1u << bit % 8);
            }
            frame = next;
        }
        close_input(&in);
    }
}

/* The table has a row for each number, and no name is there twice. */
static void rules_have_names(void **state)
{
    (void)state;
    for (int i = 0; i < CHK_N_RULES; i++) {
        assert_non_null(chk_rules[i].name);
        assert_non_null(chk_rules[i].sentence);
        for (int k = 0; k < i; k++)
            assert_string_not_equal(chk_rules[i].name, chk_rules[k].name);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_have_names),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(prefixes_of_checkpoints_are_judged),
        cmocka_unit_test(bits_of_frames_are_noticed),
        cmocka_unit_test(no_bit_makes_it_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
