/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Conversions in one process, on tiny images: every prefix is refused, every
 * flipped bit ends in a result or a refusal with a place, and what comes out
 * when nothing is wrong is what went in.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <unistd.h>
#include <cmocka.h>

#include "convert/v2/convert.h"
#include "lib/fd.h"
#include "stream/qemu/piix4acpi.h"
#include "stream/xapi/xapi.h"
#include "tests/gen/tiny_image.h"

static const enum xsr_format outputs[] = {XSR_FORMAT_XL, XSR_FORMAT_LIBXL,
                                          XSR_FORMAT_LIBXC2, XSR_FORMAT_LIBXC3,
                                          XSR_FORMAT_XENSERVER};
#define N_OUTPUTS XSR_ARRAY_LEN(outputs)

static int parts[XSR_N_PARTS]; /* a file each, or -1 */

/* ---- one conversion -------------------------------------------------------
 */

static int new_file(const void *p, size_t n)
{
    struct xsr_err err = XSR_ERR_INIT;
    int fd = memfd_create("xensr-test", MFD_CLOEXEC);

    assert_true(fd >= 0);
    assert_int_equal(xsr_write_all(fd, p, n, "test", &err), 0);
    assert_int_equal(lseek(fd, 0, SEEK_SET), 0);
    return fd;
}

static void forget_parts(void)
{
    for (size_t i = 0; i < XSR_N_PARTS; i++)
        xsr_close(&parts[i]);
}

static int aside(void *ctx, enum xsr_part part, uint64_t len, int *fd_out,
                 struct xsr_err *err)
{
    (void)ctx;
    (void)len;
    (void)err;
    xsr_close(&parts[part]);
    *fd_out = parts[part] = new_file("", 0);
    return 0;
}

static int with(void *ctx, enum xsr_part part, int *fd_out, uint64_t *len_out,
                struct xsr_err *err)
{
    (void)ctx;
    (void)err;
    *fd_out = parts[part];
    if (parts[part] >= 0) {
        *len_out = (uint64_t)lseek(parts[part], 0, SEEK_END);
        lseek(parts[part], 0, SEEK_SET);
    }
    return 0;
}

/* An input without a configuration gets the one that was taken aside. */
static int give_config(void *ctx, struct xsr_buf *text, bool json,
                       bool *changed_out, struct xsr_err *err)
{
    int fd = parts[XSR_PART_CONFIG];
    off_t len;

    (void)ctx;
    (void)json;
    if (text->len || fd < 0)
        return 0;
    *changed_out = true;
    len = lseek(fd, 0, SEEK_END);
    lseek(fd, 0, SEEK_SET);
    if (xsr_buf_put_zero(text, (size_t)len + 1, err))
        return -1;
    return xsr_read_exact(fd, text->p, (size_t)len, "test", err);
}

static int run(const void *p, size_t n, enum xsr_format to, uint32_t version,
               bool use_parts, struct xsr_buf *out, struct xsr_err *err)
{
    struct xsr_convert_params params = {
        .must_end = true,
        .to = to,
        .version = version,
        .config = give_config,
        .parts = {.aside = use_parts ? aside : NULL,
                  .with = use_parts ? with : NULL},
    };
    struct xsr_convert_report report;
    struct xsr_err at_read = XSR_ERR_INIT;
    int rc;

    xsr_err_clear(err);
    params.in = new_file(p, n);
    params.out = new_file("", 0);
    rc = xsr_convert(&params, &report, err);
    if (rc == 0 && out) {
        off_t len = lseek(params.out, 0, SEEK_END);

        assert_int_equal(len, report.out_bytes);
        assert_int_equal(report.in_bytes, n);
        xsr_buf_clear(out);
        assert_int_equal(xsr_buf_put_zero(out, (size_t)len, err), 0);
        lseek(params.out, 0, SEEK_SET);
        assert_int_equal(
            xsr_read_exact(params.out, out->p, (size_t)len, "test", &at_read),
            0);
    }
    xsr_close(&params.in);
    xsr_close(&params.out);
    return rc;
}

static void make(struct tiny *t, enum tiny_kind kind)
{
    assert_int_equal(tiny_make(t, kind), 0);
}

static void to_format(const struct tiny *t, enum xsr_format to,
                      struct xsr_buf *out)
{
    struct xsr_err err;

    forget_parts();
    if (run(t->out.p, t->out.len, to, to == XSR_FORMAT_LIBXC2 ? 2 : 0, true,
            out, &err))
        fail_msg("%s", err.text);
}

/* ---- tests ----------------------------------------------------------------
 */

static void there_and_back_is_the_same(void **state)
{
    struct xsr_buf a = XSR_BUF_INIT, b = XSR_BUF_INIT;
    struct xsr_err err;
    struct tiny t;

    (void)state;
    for (int kind = TINY_PV64; kind <= TINY_HVM; kind++) {
        make(&t, (enum tiny_kind)kind);
        for (size_t i = 0; i < N_OUTPUTS; i++) {
            to_format(&t, outputs[i], &a);
            if (run(a.p, a.len, XSR_FORMAT_LIBXL, 3, true, &b, &err) ||
                run(b.p, b.len, XSR_FORMAT_XL, 0, true, &a, &err))
                fail_msg("%d %zu: %s", kind, i, err.text);
            assert_int_equal(a.len, t.out.len);
            assert_memory_equal(a.p, t.out.p, a.len);
        }
        xsr_buf_fini(&t.out);
    }
    forget_parts();
    xsr_buf_fini(&a);
    xsr_buf_fini(&b);
}

/* Where a Remus stream may end: behind each checkpoint. */
static bool ends_whole(const uint8_t *p, size_t n)
{
    return n >= 8 && xsr_le32(p + n - 8) == XSR_XL2_CHECKPOINT_END &&
           xsr_le32(p + n - 4) == 0;
}

static void prefixes_of(const struct xsr_buf *b, bool remus)
{
    struct xsr_err err;

    for (size_t n = 0; n < b->len; n += n < 900 || n + 700 > b->len ? 1 : 211) {
        int rc = run(b->p, n, XSR_FORMAT_LIBXL, 0, true, NULL, &err);

        forget_parts();
        if (rc == 0 && remus && ends_whole(b->p, n))
            continue;
        if (rc == 0)
            fail_msg("accepted %zu of %zu bytes", n, b->len);
        if (err.kind != XSR_E_EOF && n >= 16)
            fail_msg("%zu: %s", n, err.text);
        if (err.offset > n && err.offset != XSR_NO_OFFSET)
            fail_msg("%zu: offset %llu", n, (unsigned long long)err.offset);
    }
}

static void every_prefix_is_refused(void **state)
{
    static const enum tiny_kind kinds[] = {TINY_PV32, TINY_HVM, TINY_REMUS};
    struct xsr_buf b = XSR_BUF_INIT;
    struct tiny t;

    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(kinds); i++) {
        make(&t, kinds[i]);
        prefixes_of(&t.out, kinds[i] == TINY_REMUS);
        if (kinds[i] != TINY_REMUS) {
            to_format(&t, XSR_FORMAT_XENSERVER, &b);
            prefixes_of(&b, false);
        }
        xsr_buf_fini(&t.out);
    }
    xsr_buf_fini(&b);
}

/* Structure is at the beginning, at the end and around each page. */
static void flips_of(struct xsr_buf *b, enum xsr_format to)
{
    struct xsr_err err;

    for (size_t i = 0; i < b->len; i++) {
        if (i > 900 && i + 700 < b->len && i % 61)
            continue;
        b->p[i] ^= (uint8_t)(1u << i % 8);
        if (run(b->p, b->len, to, 0, i % 2, NULL, &err) &&
            (err.kind == XSR_E_BUG || !*err.text))
            fail_msg("%zu: %s", i, err.text);
        b->p[i] ^= (uint8_t)(1u << i % 8);
    }
    forget_parts();
}

static void flipped_bits_end_in_words(void **state)
{
    struct xsr_buf b = XSR_BUF_INIT;
    struct tiny t;

    (void)state;
    for (int kind = TINY_PV64; kind <= TINY_REMUS; kind++) {
        make(&t, (enum tiny_kind)kind);
        flips_of(&t.out, XSR_FORMAT_LIBXC3);
        if (kind != TINY_REMUS) {
            to_format(&t, XSR_FORMAT_XENSERVER, &b);
            flips_of(&b, XSR_FORMAT_LIBXL);
        }
        xsr_buf_fini(&t.out);
    }
    xsr_buf_fini(&b);
}

static void without_a_place_it_is_refused(void **state)
{
    static const struct {
        enum tiny_kind kind;
        enum xsr_format to;
        uint32_t version;
        const char *says;
    } cases[] = {
        {TINY_PV64, XSR_FORMAT_LIBXL, 2, "cpuid-policy"},
        {TINY_HVM, XSR_FORMAT_LIBXC3, 0, "emulator-"},
        {TINY_REMUS, XSR_FORMAT_XENSERVER, 0, "checkpoints"},
        {TINY_REMUS, XSR_FORMAT_LIBXC3, 0, "checkpoints"},
    };
    struct xsr_err err;
    struct tiny t;

    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(cases); i++) {
        make(&t, cases[i].kind);
        assert_int_equal(run(t.out.p, t.out.len, cases[i].to, cases[i].version,
                             false, NULL, &err),
                         -1);
        assert_int_equal(err.kind, XSR_E_UNSUPPORTED);
        if (!strstr(err.text, cases[i].says))
            fail_msg("%zu: %s", i, err.text);
        xsr_buf_fini(&t.out);
    }
}

static void bytes_behind_the_end_are_refused(void **state)
{
    struct xsr_err err;
    struct tiny t;

    (void)state;
    make(&t, TINY_PVH);
    assert_int_equal(xsr_buf_put(&t.out, "x", 1, &err), 0);
    assert_int_equal(
        run(t.out.p, t.out.len, XSR_FORMAT_LIBXL, 0, false, NULL, &err), -1);
    assert_int_equal(err.offset, t.out.len - 1);
    xsr_buf_fini(&t.out);
}

static void formats_are_told_apart(void **state)
{
    static const struct {
        const char *bytes;
        size_t len;
        enum xsr_format format;
    } cases[] = {
        {"LibxlFmt\0\0\0\2\0\0\0\0", 16, XSR_FORMAT_LIBXL},
        {"\xff\xff\xff\xff\xff\xff\xff\xffXENF\0\0\0\2", 16, XSR_FORMAT_LIBXC2},
        {"\xff\xff\xff\xff\xff\xff\xff\xffXENF\0\0\0\3", 16, XSR_FORMAT_LIBXC3},
        {"\xff\xff\xff\xff\xff\xff\xff\xffXENF\0\0\0\4", 16,
         XSR_FORMAT_UNKNOWN},
        {"XenSavedDomv2-\n\xf", 16, XSR_FORMAT_XENSERVER},
        {"XenSavedDomain\n\0", 16, XSR_FORMAT_XENSERVER_OLD},
        {"LinuxGuestRecord", 16, XSR_FORMAT_XEND},
        /* 64-bit toolstack: HVM with a TSC chunk, PV's mark */
        {"\xb8\x0b\0\0\0\0\0\0\xf9\xff\xff\xff\0\0\0\0", 16, XSR_FORMAT_LEGACY},
        {"\xb8\x0b\0\0\0\0\0\0\xff\xff\xff\xff\xff\xff\xff\xff", 16,
         XSR_FORMAT_LEGACY},
        /* 32-bit: PV's mark, a batch of 1024 */
        {"\xb8\x0b\0\0\xff\xff\xff\xff\x4c\x14\0\0vcpu", 16, XSR_FORMAT_LEGACY},
        {"\xb8\x0b\0\0\0\4\0\0\0\0\0\0\1\0\0\0", 16, XSR_FORMAT_LEGACY},
        {"\xb8\x0b\0\0\1\4\0\0\0\0\0\0\1\0\0\0", 16, XSR_FORMAT_UNKNOWN},
        {"\0\0\0\0\0\4\0\0\0\0\0\0\1\0\0\0", 16, XSR_FORMAT_UNKNOWN},
        {"PK\3\4 and so on....", 16, XSR_FORMAT_UNKNOWN},
        {"", 0, XSR_FORMAT_UNKNOWN},
    };

    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(cases); i++) {
        enum xsr_format f =
            xsr_format_detect((const uint8_t *)cases[i].bytes, cases[i].len);

        if (f != cases[i].format)
            fail_msg("%zu: %s", i, xsr_format_name(f));
    }
}

static void xenserver_headers_are_judged(void **state)
{
    static const struct {
        uint64_t type, len;
        enum xsr_kind kind;
    } cases[] = {
        {XSR_XAPI_XENOPS, 100, XSR_E_OK},
        {XSR_XAPI_XENOPS, 1ull << 32, XSR_E_LIMIT},
        {XSR_XAPI_LIBXC, 0, XSR_E_OK},
        {XSR_XAPI_LIBXC, 1, XSR_E_FORMAT},
        {XSR_XAPI_LIBXL, 0, XSR_E_FORMAT},
        {XSR_XAPI_QEMU, 1048576, XSR_E_OK},
        {XSR_XAPI_QEMU, 1048577, XSR_E_LIMIT},
        {XSR_XAPI_QEMU_XEN, 5, XSR_E_FORMAT},
        {XSR_XAPI_END, 0, XSR_E_OK},
        {XSR_XAPI_END | 1ull << 32, 0, XSR_E_FORMAT},
        {0, 0, XSR_E_FORMAT},
    };

    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(cases); i++) {
        struct xsr_err err = XSR_ERR_INIT;
        struct xsr_xapi_hdr hdr;
        struct xsr_cur cur;
        uint8_t bytes[16];

        xsr_st_le64(bytes, cases[i].type);
        xsr_st_le64(bytes + 8, cases[i].len);
        xsr_cur_init(&cur, bytes, sizeof bytes, 500);
        assert_int_equal(xsr_xapi_get_hdr(&cur, &hdr, &err),
                         cases[i].kind == XSR_E_OK ? 0 : -1);
        assert_int_equal(err.kind, cases[i].kind);
        if (cases[i].kind != XSR_E_OK)
            assert_int_equal(err.offset, 500);
        else
            assert_int_equal(hdr.len, cases[i].len);
    }
}

/* Anything may stand in a device state; the search stays inside of it. */
static void piix4acpi_is_found_or_not(void **state)
{
    static const uint8_t head[] = "\4\0\0\0\24\11piix4acpi\0\0\0\0\0\0\0\2"
                                  "\0\0\0\2\206\200\23\161";
    uint8_t blob[700] = "QEVM\0\0\0\3";
    struct xsr_piix4acpi p;

    (void)state;
    for (size_t len = 8; len < 400; len++) {
        memset(blob + 8, 0, sizeof blob - 8);
        memcpy(blob + 20, head, sizeof head - 1);
        xsr_piix4acpi_find(blob, len, &p);
        assert_int_equal(p.found, len >= 20 + 23 + 278);
        assert_int_equal(xsr_piix4acpi_broken(&p), len == 20 + 23 + 279);
    }
    memcpy(blob + 330, head, sizeof head - 1);
    xsr_piix4acpi_find(blob, sizeof blob, &p);
    assert_false(p.found); /* two of them */
}

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < XSR_N_PARTS; i++)
        parts[i] = -1;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    forget_parts();
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(there_and_back_is_the_same),
        cmocka_unit_test(every_prefix_is_refused),
        cmocka_unit_test(flipped_bits_end_in_words),
        cmocka_unit_test(without_a_place_it_is_refused),
        cmocka_unit_test(bytes_behind_the_end_are_refused),
        cmocka_unit_test(formats_are_told_apart),
        cmocka_unit_test(xenserver_headers_are_judged),
        cmocka_unit_test(piix4acpi_is_found_or_not),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
