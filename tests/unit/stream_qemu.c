/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * QEMU device states, split into sections: every header is found however the
 * bytes arrive, planted ones are told from real ones where lengths or footers
 * are there, and whatever else the bytes say ends in a grade.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "lib/util.h"
#include "stream/limits.h"
#include "stream/qemu/qemu.h"

#define BASE 1000u

static struct xsr_err err;

/* ---- making them ----------------------------------------------------------
 */

static void put(struct xsr_buf *b, const void *p, size_t n)
{
    assert_int_equal(xsr_buf_put(b, p, n, &err), 0);
}

static void put_be32(struct xsr_buf *b, uint32_t v)
{
    uint8_t p[4] = {(uint8_t)(v >> 24), (uint8_t)(v >> 16), (uint8_t)(v >> 8),
                    (uint8_t)v};

    put(b, p, 4);
}

static void put_hdr(struct xsr_buf *b, uint8_t type, uint32_t id,
                    const char *idstr, uint32_t instance, uint32_t version)
{
    uint8_t len = (uint8_t)strlen(idstr);

    put(b, &type, 1);
    put_be32(b, id);
    put(b, &len, 1);
    put(b, idstr, len);
    put_be32(b, instance);
    put_be32(b, version);
}

static void put_body(struct xsr_buf *b, size_t n)
{
    for (uint8_t v = 0x80; n--; v = (uint8_t)(v + 1) | 0x80)
        put(b, &v, 1);
}

static void put_sub(struct xsr_buf *b, const char *name, size_t n)
{
    uint8_t head[2] = {5, (uint8_t)strlen(name)};

    put(b, head, 2);
    put(b, name, head[1]);
    put_be32(b, 1);
    put_body(b, n);
}

static void begin(struct xsr_buf *b)
{
    xsr_buf_init(b);
    put(b, "QEVM\0\0\0\3", 8);
}

static void footer(struct xsr_buf *b, uint32_t id)
{
    put(b, "\x7e", 1);
    put_be32(b, id);
}

/* timer, piix4_pm with a subsection, serial; footers on request. */
static void small(struct xsr_buf *b, bool footers)
{
    begin(b);
    put_hdr(b, 4, 0, "timer", 0, 2);
    put_body(b, 24);
    if (footers)
        footer(b, 0);
    put_hdr(b, 4, 3, "0000:00:01.3/piix4_pm", 0, 3);
    put_body(b, 312);
    put_sub(b, "piix4_pm/memhp", 4);
    if (footers)
        footer(b, 3);
    put_hdr(b, 4, 300, "serial", 0, 3);
    put_body(b, 11);
    if (footers)
        footer(b, 300);
    put(b, "", 1);
}

static void split_by(struct xsr_qemu *q, const struct xsr_buf *b, size_t step)
{
    xsr_qemu_init(q, BASE);
    for (size_t at = 0; at < b->len; at += step)
        assert_int_equal(xsr_qemu_feed(q, b->p + at,
                                       (size_t)xsr_min(step, b->len - at),
                                       &err),
                         0);
    assert_int_equal(xsr_qemu_end(q, &err), 0);
}

static void split(struct xsr_qemu *q, struct xsr_buf *b)
{
    split_by(q, b, SIZE_MAX / 2);
    xsr_buf_fini(b);
}

/* ---- tests ----------------------------------------------------------------
 */

static void check_small(const struct xsr_qemu *q)
{
    static const uint64_t lens[] = {24, 336, 11};

    assert_int_equal(q->n_sections, 3);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(q->sections[i].len, lens[i]);
        assert_true(q->sections[i].known);
    }
    assert_int_equal(q->sections[0].offset, BASE + 8);
    assert_string_equal(q->sections[1].idstr, "0000:00:01.3/piix4_pm");
    assert_string_equal(xsr_qemu_name(&q->sections[1]), "piix4_pm");
    assert_int_equal(q->sections[2].id, 300);
    assert_int_equal(q->n_subs, 1);
    assert_string_equal(q->subs[0].name, "piix4_pm/memhp");
    assert_int_equal(q->producer, XSR_QEMU_UPSTREAM);
    assert_int_equal(q->eof, BASE + q->len - 1);
    assert_int_equal(q->finding.kind, XSR_E_OK);
}

static void any_pieces_give_the_same_split(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    for (int footers = 0; footers < 2; footers++) {
        small(&b, footers);
        for (size_t step = 1; step < 60; step++) {
            split_by(&q, &b, step);
            assert_int_equal(q.grade, footers ? XSR_QEMU_EXACT_FOOTERS
                                              : XSR_QEMU_EXACT_LENGTHS);
            check_small(&q);
            assert_int_equal(q.sections[0].footer, footers);
            xsr_qemu_fini(&q);
        }
        xsr_buf_fini(&b);
    }
}

/* A guest writes a header into CMOS RAM. */
static void planted_header_is_not_a_section(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    begin(&b);
    put_hdr(&b, 4, 1, "mc146818rtc", 0, 3);
    put_body(&b, 100);
    put_hdr(&b, 4, 77, "evil", 0, 1);
    put_body(&b, 245 - 100 - 18);
    put_hdr(&b, 4, 2, "serial", 0, 3);
    put_body(&b, 11);
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_EXACT_LENGTHS);
    assert_int_equal(q.n_sections, 2);
    assert_int_equal(q.sections[0].len, 245);
    xsr_qemu_fini(&q);
}

static void unknown_devices_are_partial_or_heuristic(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    begin(&b);
    put_hdr(&b, 4, 1, "virtio-thing", 0, 9);
    put_body(&b, 99);
    put_hdr(&b, 4, 2, "serial", 0, 3);
    put_body(&b, 11);
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_PARTIAL_LENGTHS);
    assert_int_equal(q.sections[0].len, 99);
    assert_false(q.sections[0].known);
    xsr_qemu_fini(&q);

    begin(&b);
    put_hdr(&b, 4, 1, "virtio-thing", 0, 9);
    put_body(&b, 99);
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_HEURISTIC);
    assert_int_equal(q.sections[0].len, 99);
    xsr_qemu_fini(&q);
}

/* Version 2 with the body of version 1, as XenServer 6.0 to 6.2 wrote it. */
static void wrong_length_is_named(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    begin(&b);
    put_hdr(&b, 1, 0, "ram", 0, 3);
    put(&b, "\2\0\0\0\0\3\0\0\0\0", 10);
    put_hdr(&b, 4, 1, "timer", 0, 2);
    put_body(&b, 8);
    put_hdr(&b, 4, 2, "piix4acpi", 0, 2);
    put_body(&b, 278);
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.producer, XSR_QEMU_TRADITIONAL);
    assert_int_equal(q.grade, XSR_QEMU_MISMATCH);
    assert_non_null(strstr(q.finding.text, "\"piix4acpi\" version 2 has 278"));
    assert_non_null(strstr(q.finding.text, "known are 282"));
    assert_int_equal(q.finding.offset, q.sections[2].offset);
    assert_int_equal(q.sections[0].len, 0);
    assert_int_equal(q.sections[2].len, 278);
    xsr_qemu_fini(&q);
}

static void twice_is_suspect(void **state)
{
    static const struct {
        uint32_t id, instance;
    } second[] = {{1, 1}, {2, 0}};
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    for (int i = 0; i < 2; i++) {
        begin(&b);
        put_hdr(&b, 4, 1, "serial", 0, 3);
        put_body(&b, 11);
        put_hdr(&b, 4, second[i].id, "serial", second[i].instance, 3);
        put_body(&b, 11);
        put(&b, "", 1);
        split(&q, &b);
        assert_int_equal(q.grade, XSR_QEMU_SUSPECT);
        assert_non_null(strstr(q.finding.text, "twice"));
        xsr_qemu_fini(&q);
    }
}

static void description_confirms_or_contradicts(void **state)
{
    static const char text[] = "{\"devices\": []}";
    struct xsr_qemu_device devs[] = {
        {"timer", 0, 24}, {"0000:00:01.3/piix4_pm", 0, 336}, {"serial", 0, 11}};
    struct xsr_buf b;
    struct xsr_qemu q;
    uint64_t at;

    (void)state;
    small(&b, false);
    at = BASE + b.len + 5;
    put(&b, "\6", 1);
    put_be32(&b, sizeof text - 1);
    put(&b, text, sizeof text - 1);
    split(&q, &b);
    assert_int_equal(q.desc_offset, at);
    assert_int_equal(q.desc_len, sizeof text - 1);
    xsr_qemu_describe(&q, devs, 3);
    assert_int_equal(q.grade, XSR_QEMU_EXACT_DESCRIPTION);
    devs[2].len = 12;
    xsr_qemu_describe(&q, devs, 3);
    assert_int_equal(q.grade, XSR_QEMU_MISMATCH);
    xsr_qemu_fini(&q);
}

static void configuration_is_passed_over(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    begin(&b);
    put(&b, "\7", 1);
    put_be32(&b, 14);
    put(&b, "pc-i440fx-7.2\0", 13);
    put(&b, "x", 1);
    put_sub(&b, "configuration/uuid", 16);
    put_hdr(&b, 4, 1, "serial", 0, 3);
    put_body(&b, 11);
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_EXACT_LENGTHS);
    assert_string_equal(q.machine, "pc-i440fx-7.2x");
    xsr_qemu_fini(&q);
}

static void what_is_none_is_malformed(void **state)
{
    static const struct {
        const char *bytes, *says;
        size_t len;
    } bad[] = {
        {"", "no \"QEVM\"", 0},
        {"QEVM\0\0\0\3", "no \"QEVM\"", 8},
        {"QEVX\0\0\0\3\0", "no \"QEVM\"", 9},
        {"QEVM\0\0\0\2\0", "file version 2", 9},
        {"QEVM\0\0\0\3\1", "no end byte", 9},
        {"QEVM\0\0\0\3\0\0", "no section header", 10},
        {"QEVM\0\0\0\3\7\0\0\0\1\0", "configuration section", 14},
        {"QEVM\0\0\0\3\1\0\0\0\0\3ram\0\0\0\0\0\0\0\4\1\0", "guest memory", 27},
    };
    struct xsr_qemu q;

    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(bad); i++) {
        xsr_qemu_init(&q, 0);
        assert_int_equal(xsr_qemu_feed(&q, bad[i].bytes, bad[i].len, &err), 0);
        assert_int_equal(xsr_qemu_end(&q, &err), 0);
        assert_int_equal(q.grade, XSR_QEMU_MALFORMED);
        if (!strstr(q.finding.text, bad[i].says))
            fail_msg("%zu: %s", i, q.finding.text);
        assert_int_equal(q.n_sections, 0);
        xsr_qemu_fini(&q);
    }
}

static void empty_state_has_a_finding(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    begin(&b);
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_HEURISTIC);
    assert_non_null(strstr(q.finding.text, "no section"));
    xsr_qemu_fini(&q);
}

/* Cut anywhere it is never exact, and flips never crash. */
static void prefixes_are_never_exact(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    small(&b, false);
    for (size_t n = 0; n < b.len; n++) {
        struct xsr_buf cut = {b.p, n, n};

        split_by(&q, &cut, 100);
        assert_false(xsr_qemu_is_exact(q.grade));
        xsr_qemu_fini(&q);
    }
    for (size_t bit = 0; bit < b.len * 8; bit++) {
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
        split_by(&q, &b, 4096);
        xsr_qemu_fini(&q);
        b.p[bit / 8] ^= (uint8_t)(1u << bit % 8);
    }
    xsr_buf_fini(&b);
}

static void headers_without_end_are_bounded(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    begin(&b);
    for (uint32_t i = 0; i < 3 * XSR_MAX_QEMU_SECTIONS; i++) {
        put_hdr(&b, 4, i % 4000, "planted", i, 1);
        put_sub(&b, "planted/sub", 3);
    }
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_AMBIGUOUS);
    assert_int_equal(q.n_sections, XSR_MAX_QEMU_SECTIONS);
    assert_int_equal(q.n_subs, XSR_MAX_QEMU_SECTIONS);
    assert_non_null(strstr(q.finding.text, "more than 1024"));
    xsr_qemu_fini(&q);
}

/* A header may begin inside another's; the end byte inside "ram"'s. */
static void sections_never_overlap(void **state)
{
    struct xsr_buf b;
    struct xsr_qemu q;

    (void)state;
    begin(&b);
    put_hdr(&b, 4, 1, "gpe", 0, 1); /* of no known length: no split fits */
    put_body(&b, 2);
    put_hdr(&b, 4, 2, "a", 0, 4);
    put(&b, "\0\0\0\3\1b\0\0\0\0\0\0\0\1", 14);
    put(&b, "", 1);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_MISMATCH);
    assert_int_equal(q.n_sections, 2);
    assert_int_equal(q.sections[1].body + q.sections[1].len, q.eof);
    xsr_qemu_fini(&q);

    begin(&b);
    put_hdr(&b, 1, 0, "ram", 0, 3);
    put(&b, "\2\0\0\0\0\3\0\0\0\0", 10);
    split(&q, &b);
    assert_int_equal(q.grade, XSR_QEMU_MALFORMED);
    assert_int_equal(q.n_sections, 0);
    xsr_qemu_fini(&q);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(any_pieces_give_the_same_split),
        cmocka_unit_test(planted_header_is_not_a_section),
        cmocka_unit_test(unknown_devices_are_partial_or_heuristic),
        cmocka_unit_test(wrong_length_is_named),
        cmocka_unit_test(twice_is_suspect),
        cmocka_unit_test(description_confirms_or_contradicts),
        cmocka_unit_test(configuration_is_passed_over),
        cmocka_unit_test(what_is_none_is_malformed),
        cmocka_unit_test(empty_state_has_a_finding),
        cmocka_unit_test(prefixes_are_never_exact),
        cmocka_unit_test(headers_without_end_are_bounded),
        cmocka_unit_test(sections_never_overlap),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
