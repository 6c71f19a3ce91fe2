/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/xc3 and xc3_order: headers, frames and order of the libxc image. */
#include "tests/unit/stream_util.h"

#include "stream/blobs.h"
#include "stream/limits.h"
#include "stream/xc3_order.h"

#define OPTIONAL (XSR_XC3_OPTIONAL | 1u)

static void headers_round_trip(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_xc3_ihdr ihdr;
    struct xsr_xc3_dhdr dhdr;
    struct xsr_cur cur;

    (void)state;
    for (uint32_t v = 2; v <= 3; v++) {
        xsr_buf_clear(&buf);
        accepted(xsr_xc3_put_ihdr(&buf, v, &err));
        accepted(xsr_xc3_put_dhdr(&buf, v - 1, 4, 17, &err));
        assert_int_equal(buf.len, XSR_XC3_IHDR_LEN + XSR_XC3_DHDR_LEN);
        cur = cursor(buf.p, buf.len);
        accepted(xsr_xc3_get_ihdr(&cur, &ihdr, &err));
        accepted(xsr_xc3_get_dhdr(&cur, &dhdr, &err));
        assert_int_equal(ihdr.version, v);
        assert_int_equal(dhdr.guest, v - 1);
        assert_int_equal(dhdr.xen_minor, 17);
        assert_int_equal(xsr_cur_left(&cur), 0);
    }
    xsr_buf_fini(&buf);
}

/* One byte of a good header changed. */
static void header_with(size_t at, uint8_t value, enum xsr_kind kind,
                        size_t where, const char *word)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_xc3_ihdr ihdr;
    struct xsr_xc3_dhdr dhdr;
    struct xsr_cur cur;

    accepted(xsr_xc3_put_ihdr(&buf, 3, &err));
    accepted(xsr_xc3_put_dhdr(&buf, XSR_XC3_PV, 4, 17, &err));
    buf.p[at] = value;
    cur = cursor(buf.p, buf.len);
    if (at < XSR_XC3_IHDR_LEN) {
        refused(xsr_xc3_get_ihdr(&cur, &ihdr, &err), kind, where, word);
    } else {
        accepted(xsr_xc3_get_ihdr(&cur, &ihdr, &err));
        refused(xsr_xc3_get_dhdr(&cur, &dhdr, &err), kind, where, word);
    }
    xsr_buf_fini(&buf);
}

static void every_header_field_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++)
        header_with(i, 0xfe, XSR_E_FORMAT, 0, "marker");
    for (size_t i = 8; i < 12; i++)
        header_with(i, 0, XSR_E_FORMAT, 8, "id");
    header_with(15, 1, XSR_E_UNSUPPORTED, 12, "version 1");
    header_with(15, 4, XSR_E_UNSUPPORTED, 12, "version 4");
    header_with(12, 1, XSR_E_UNSUPPORTED, 12, "version");
    header_with(17, 1, XSR_E_UNSUPPORTED, 16, "big-endian");
    for (unsigned bit = 1; bit < 16; bit++)
        header_with(17 - bit / 8, (uint8_t)(1u << bit % 8), XSR_E_FORMAT, 16,
                    "reserved");
    for (size_t i = 18; i < 24; i++)
        header_with(i, 1, XSR_E_FORMAT, i, "reserved");
    header_with(24, 0, XSR_E_FORMAT, 24, "domain type 0x0");
    header_with(24, 3, XSR_E_FORMAT, 24, "domain type 0x3");
    header_with(27, 1, XSR_E_FORMAT, 24, "domain type");
    header_with(28, 13, XSR_E_FORMAT, 28, "page shift 13");
    header_with(29, 1, XSR_E_FORMAT, 28, "page shift");
    header_with(30, 1, XSR_E_FORMAT, 30, "reserved");
    header_with(31, 1, XSR_E_FORMAT, 31, "reserved");
}

static int get_rec(uint32_t version, uint32_t guest, uint32_t type,
                   uint32_t len, struct xsr_err *err)
{
    struct xsr_xc3_rec rec;
    uint8_t mem[8] = {0};
    struct xsr_cur cur = cursor(mem, sizeof mem);

    xsr_st_le32(mem, type);
    xsr_st_le32(mem + 4, len);
    return xsr_xc3_get_rec(&cur, version, guest, &rec, err);
}

enum { PV = XSR_XC3_PV, HVM = XSR_XC3_HVM, BOTH = 0 };

static const struct {
    uint32_t type, guest, since, min, max, step;
} types[] = {
    {XSR_XC3_END, BOTH, 2, 0, 0, 1},
    {XSR_XC3_PAGE_DATA, BOTH, 2, 8, XSR_MAX_PAGE_DATA, 8},
    {XSR_XC3_X86_PV_INFO, PV, 2, 8, 8, 1},
    {XSR_XC3_X86_PV_P2M_FRAMES, PV, 2, 16, XSR_MAX_XC_RECORD, 8},
    {XSR_XC3_X86_PV_VCPU_BASIC, PV, 2, 8, 8 + XSR_VCPU64_LEN, 8},
    {XSR_XC3_X86_PV_VCPU_EXTENDED, PV, 2, 8, 136, 1},
    {XSR_XC3_X86_PV_VCPU_XSAVE, PV, 2, 8, 8 + XSR_MAX_VCPU_XSAVE, 8},
    {XSR_XC3_SHARED_INFO, PV, 2, 4096, 4096, 1},
    {XSR_XC3_X86_TSC_INFO, BOTH, 2, 24, 24, 1},
    {XSR_XC3_HVM_CONTEXT, HVM, 2, 1, XSR_MAX_HVM_CONTEXT, 1},
    {XSR_XC3_HVM_PARAMS, HVM, 2, 8, 8 + 16 * XSR_MAX_HVM_PARAMS, 16},
    {XSR_XC3_X86_PV_VCPU_MSRS, PV, 2, 8, 8 + XSR_MAX_VCPU_MSRS, 16},
    {XSR_XC3_VERIFY, BOTH, 2, 0, 0, 1},
    {XSR_XC3_CHECKPOINT, BOTH, 2, 0, 0, 1},
    {XSR_XC3_STATIC_DATA_END, BOTH, 3, 0, 0, 1},
    {XSR_XC3_X86_CPUID_POLICY, BOTH, 3, 24, XSR_MAX_CPUID_POLICY, 24},
    {XSR_XC3_X86_MSR_POLICY, BOTH, 3, 16, XSR_MAX_MSR_POLICY, 16},
    {OPTIONAL, BOTH, 2, 0, XSR_MAX_XC_RECORD, 1},
};

static void lengths_are_bounded_per_type(void **state)
{
    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(types); i++) {
        uint32_t t = types[i].type, g = types[i].guest ? types[i].guest : PV;
        uint32_t min = types[i].min, max = types[i].max;
        enum xsr_kind above = min == max ? XSR_E_FORMAT : XSR_E_LIMIT;
        uint32_t top = min + (max - min) / types[i].step * types[i].step;

        accepted(get_rec(3, g, t, min, &err));
        accepted(get_rec(3, g, t, top, &err));
        refused(get_rec(3, g, t, max + 1, &err), above, 0, "length");
        refused(get_rec(3, g, t, 0xfffffff9, &err), above, 0, "4294967289");
        refused(get_rec(3, g, t, 0xffffffff, &err), above, 0, "4294967295");
        if (min)
            refused(get_rec(3, g, t, min - 1, &err), XSR_E_FORMAT, 0, "length");
        if (types[i].step > 1)
            refused(get_rec(3, g, t, min + 1, &err), XSR_E_FORMAT, 0,
                    "multiple");
    }
}

static void types_belong_to_guests_and_versions(void **state)
{
    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(types); i++) {
        uint32_t t = types[i].type, min = types[i].min;

        if (types[i].guest)
            refused(get_rec(3, types[i].guest == PV ? HVM : PV, t, min, &err),
                    XSR_E_FORMAT, 0, xsr_xc3_type_name(t));
        if (types[i].since == 3)
            refused(get_rec(2, HVM, t, min, &err), XSR_E_FORMAT, 0,
                    "version 2");
        else
            accepted(get_rec(2, types[i].guest ? types[i].guest : HVM, t, min,
                             &err));
    }
    refused(get_rec(3, PV, XSR_XC3_TOOLSTACK, 0, &err), XSR_E_FORMAT, 0,
            "deprecated");
    refused(get_rec(3, HVM, XSR_XC3_CHECKPOINT_DIRTY_PFN_LIST, 0, &err),
            XSR_E_FORMAT, 0, "back channel");
    refused(get_rec(3, HVM, 0x13, 0, &err), XSR_E_FORMAT, 0, "0x13");
    refused(get_rec(3, HVM, 0x7fffffff, 0, &err), XSR_E_FORMAT, 0, "mandatory");
}

static void records_are_padded_with_zeros(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;

    (void)state;
    for (uint32_t len = 0; len <= 9; len++) {
        xsr_buf_clear(&buf);
        accepted(xsr_xc3_put_rec(&buf, OPTIONAL, "123456789", len, &err));
        assert_int_equal(buf.len, 8 + xsr_round_up(len, 8));
        assert_int_equal(buf.len, 8 + len + xsr_xc3_pad(len));
        assert_true(xsr_all_zero(buf.p + 8 + len, buf.len - 8 - len));
    }
    xsr_buf_fini(&buf);
}

/* ---- order ---- */

static const struct {
    char letter;
    const char *name;
} states[] = {
    {'S', "before STATIC_DATA_END"},
    {'O', "before X86_PV_INFO"},
    {'H', "before the first memory record"},
    {'F', "between X86_PV_P2M_FRAMES and PAGE_DATA"},
    {'M', "in the memory part"},
    {'V', "behind VERIFY"},
    {'T', "in the state records behind the memory part"},
    {'D', "behind END"},
};

/*
 * Columns: record types 0x00 to 0x12, an optional one, an unknown mandatory
 * one. A letter is the next state, '-' a refusal. path: how to get there.
 */
struct row {
    char state;
    const char *next;
    uint8_t path[8];
    uint8_t n_path;
};

static const struct row pv_rows[] = {
    {'S', "--S-------------HSSS-", {0}, 0},
    {'H', "---F----H----------H-", {2, 0x10}, 2},
    {'F', "-M-F----F----------F-", {2, 0x10, 3}, 3},
    {'M', "DM--TTTTM---TVM----M-", {2, 0x10, 3, 1}, 4},
    {'V', "DV--TTTTV---T------V-", {2, 0x10, 3, 1, 0xd}, 5},
    {'T', "D---TTTTT---T-M----T-", {2, 0x10, 3, 1, 7}, 5},
    {'D', "---------------------", {2, 0x10, 3, 1, 7, 4, 8, 0}, 8},
};
static const struct row pv2_rows[] = {
    {'O', "--H-----O----------O-", {0}, 0},
    {'H', "---F----H----------H-", {2}, 1},
    {'F', "-M-F----F----------F-", {2, 3}, 2},
    {'M', "DM--TTTTM---TVM----M-", {2, 3, 1}, 3},
};
static const struct row hvm_rows[] = {
    {'S', "----------------HSSS-", {0}, 0},
    {'H', "-M------HH---------H-", {0x10}, 1},
    {'M', "DM------MMT--VM----M-", {0x10, 1}, 2},
    {'V', "DV------VVT--------V-", {0x10, 1, 0xd}, 3},
    {'T', "D-------TTT---M----T-", {0x10, 1, 0xa}, 3},
    {'D', "---------------------", {0x10, 1, 9, 8, 0}, 5},
};
static const struct row hvm2_rows[] = {
    {'H', "-M------HH---------H-", {0}, 0},
    {'M', "DM------MMT--VM----M-", {1}, 1},
};

static char letter_of(const struct xsr_xc3_order *o)
{
    for (size_t i = 0; i < XSR_ARRAY_LEN(states); i++)
        if (!strcmp(xsr_xc3_order_state_name(o), states[i].name))
            return states[i].letter;
    return '?';
}

static struct xsr_xc3_order start(uint32_t version, uint32_t guest)
{
    struct xsr_xc3_dhdr dhdr = {guest, 12, 4, 17};
    struct xsr_xc3_order o;

    xsr_xc3_order_init(&o, version, &dhdr, false);
    return o;
}

/* Everything that must have been there at the end, or nothing that was. */
static void forget_counts(struct xsr_xc3_order *o, uint32_t event)
{
    bool at_end = event == XSR_XC3_END || event == XSR_XC3_CHECKPOINT ||
                  event == XSR_XC3_STATIC_DATA_END;

    o->seen = at_end ? 0xffff : 0;
    o->seen_ever = 0;
    o->checkpointed = event == XSR_XC3_CHECKPOINT;
}

static void walk(uint32_t version, uint32_t guest, const struct row *rows,
                 size_t n)
{
    for (const struct row *r = rows; r < rows + n; r++)
        for (uint32_t e = 0; e < 21; e++) {
            uint32_t type = e == 19 ? OPTIONAL : e == 20 ? 0x20 : e;
            struct xsr_xc3_order o = start(version, guest);

            for (uint8_t i = 0; i < r->n_path; i++)
                accepted(xsr_xc3_order_next(&o, r->path[i], BASE, &err));
            assert_int_equal(letter_of(&o), r->state);
            assert_int_equal(xsr_xc3_order_done(&o), r->state == 'D');
            assert_true(strlen(xsr_xc3_order_expected(&o)) > 0);
            forget_counts(&o, type);
            if (r->next[e] == '-') {
                refused(xsr_xc3_order_next(&o, type, BASE + 8, &err),
                        XSR_E_ORDER, 8, xsr_xc3_type_name(type));
                assert_int_equal(letter_of(&o), r->state);
            } else {
                accepted(xsr_xc3_order_next(&o, type, BASE, &err));
                assert_int_equal(letter_of(&o), r->next[e]);
            }
        }
}

static void every_state_meets_every_event(void **state)
{
    (void)state;
    walk(3, PV, pv_rows, XSR_ARRAY_LEN(pv_rows));
    walk(2, PV, pv2_rows, XSR_ARRAY_LEN(pv2_rows));
    walk(3, HVM, hvm_rows, XSR_ARRAY_LEN(hvm_rows));
    walk(2, HVM, hvm2_rows, XSR_ARRAY_LEN(hvm2_rows));
}

/* Follow types; the last one must be refused, naming word. */
static void last_refused(struct xsr_xc3_order o, const uint8_t *path, size_t n,
                         const char *word)
{
    for (size_t i = 0; i + 1 < n; i++)
        accepted(xsr_xc3_order_next(&o, path[i], BASE, &err));
    refused(xsr_xc3_order_next(&o, path[n - 1], BASE + 16, &err), XSR_E_ORDER,
            16, word);
}
#define LAST_REFUSED(o, word, ...)                  \
    last_refused(o, (const uint8_t[]){__VA_ARGS__}, \
                 sizeof((const uint8_t[]){__VA_ARGS__}), word)

static void what_may_come_once_comes_once(void **state)
{
    (void)state;
    LAST_REFUSED(start(3, PV), "X86_PV_INFO", 2, 2);
    LAST_REFUSED(start(3, PV), "X86_CPUID_POLICY", 0x11, 0x11);
    LAST_REFUSED(start(3, HVM), "X86_MSR_POLICY", 0x12, 0x12);
    LAST_REFUSED(start(3, HVM), "STATIC_DATA_END", 0x10, 0x10);
    LAST_REFUSED(start(3, HVM), "VERIFY", 0x10, 1, 0xd, 1, 0xd);
    LAST_REFUSED(start(3, HVM), "X86_TSC_INFO", 0x10, 8, 1, 8);
    LAST_REFUSED(start(3, HVM), "HVM_CONTEXT", 0x10, 1, 9, 9);
    LAST_REFUSED(start(3, HVM), "HVM_PARAMS", 0x10, 1, 0xa, 0xa);
    LAST_REFUSED(start(3, PV), "SHARED_INFO", 2, 0x10, 3, 1, 7, 7);
}

static void what_must_have_been_there_was(void **state)
{
    (void)state;
    LAST_REFUSED(start(3, PV), "X86_PV_INFO", 0x11, 0x10);
    LAST_REFUSED(start(3, PV), "SHARED_INFO", 2, 0x10, 3, 1, 8, 4, 0);
    LAST_REFUSED(start(3, PV), "X86_PV_VCPU_BASIC", 2, 0x10, 3, 1, 8, 7, 0);
    LAST_REFUSED(start(3, PV), "X86_TSC_INFO", 2, 0x10, 3, 1, 7, 4, 0);
    LAST_REFUSED(start(3, HVM), "HVM_CONTEXT", 0x10, 1, 8, 0xa, 0);
    LAST_REFUSED(start(3, HVM), "X86_TSC_INFO", 0x10, 1, 9, 0);
    LAST_REFUSED(start(3, HVM), "PAGE_DATA", 0x10, 8, 9, 0);
}

static void both_orders_of_context_and_params_are_right(void **state)
{
    static const uint8_t orders[2][5] = {{0x10, 1, 9, 0xa, 8},
                                         {0x10, 1, 0xa, 9, 8}};

    (void)state;
    for (int k = 0; k < 2; k++) {
        struct xsr_xc3_order o = start(3, HVM);

        for (int i = 0; i < 5; i++)
            accepted(xsr_xc3_order_next(&o, orders[k][i], BASE, &err));
        accepted(xsr_xc3_order_next(&o, XSR_XC3_END, BASE, &err));
        assert_true(xsr_xc3_order_done(&o));
    }
}

static void a_converted_image_needs_no_tsc(void **state)
{
    struct xsr_xc3_dhdr dhdr = {HVM, 12, 0, 1};
    struct xsr_xc3_order o;

    (void)state;
    xsr_xc3_order_init(&o, 3, &dhdr, false);
    accepted(xsr_xc3_order_next(&o, XSR_XC3_STATIC_DATA_END, 0, &err));
    accepted(xsr_xc3_order_next(&o, XSR_XC3_PAGE_DATA, 0, &err));
    accepted(xsr_xc3_order_next(&o, XSR_XC3_HVM_CONTEXT, 0, &err));
    accepted(xsr_xc3_order_next(&o, XSR_XC3_END, 0, &err));
}

static void a_converted_image_has_params_in_two_records(void **state)
{
    static const uint8_t path[] = {0x10, 1, 0xa, 0xa, 9, 0};
    struct xsr_xc3_dhdr dhdr = {HVM, 12, 0, 1};
    struct xsr_xc3_order o;

    (void)state;
    xsr_xc3_order_init(&o, 3, &dhdr, false);
    for (size_t i = 0; i < sizeof path; i++)
        accepted(xsr_xc3_order_next(&o, path[i], BASE, &err));
    assert_true(xsr_xc3_order_done(&o));
    xsr_xc3_order_init(&o, 3, &dhdr, false);
    LAST_REFUSED(o, "HVM_CONTEXT", 0x10, 1, 0xa, 9, 9);
}

static void checkpoints_begin_the_count_again(void **state)
{
    struct xsr_xc3_dhdr dhdr = {HVM, 12, 4, 17};
    struct xsr_xc3_order o;

    (void)state;
    LAST_REFUSED(start(3, HVM), "plain stream", 0x10, 1, 8, 9, 0xe);
    xsr_xc3_order_init(&o, 3, &dhdr, true);
    accepted(xsr_xc3_order_next(&o, XSR_XC3_STATIC_DATA_END, 0, &err));
    LAST_REFUSED(o, "checkpointed", 1, 0xd);
    for (int round = 0; round < 3; round++) {
        if (round != 1) /* a round without dirty pages is fine */
            accepted(xsr_xc3_order_next(&o, XSR_XC3_PAGE_DATA, 0, &err));
        LAST_REFUSED(o, "HVM_CONTEXT", 8, 0xe);
        accepted(xsr_xc3_order_next(&o, XSR_XC3_X86_TSC_INFO, 0, &err));
        accepted(xsr_xc3_order_next(&o, XSR_XC3_HVM_CONTEXT, 0, &err));
        accepted(xsr_xc3_order_next(&o, XSR_XC3_HVM_PARAMS, 0, &err));
        accepted(xsr_xc3_order_next(&o, XSR_XC3_CHECKPOINT, 0, &err));
    }
    accepted(xsr_xc3_order_next(&o, XSR_XC3_END, 0, &err));
}

static void static_data_end_is_inferred_once_in_v2(void **state)
{
    struct xsr_xc3_order pv = start(2, PV), hvm = start(2, HVM);
    struct xsr_xc3_order v3 = start(3, HVM);

    (void)state;
    assert_false(xsr_xc3_order_infers_static_end(&pv, XSR_XC3_X86_PV_INFO));
    accepted(xsr_xc3_order_next(&pv, XSR_XC3_X86_PV_INFO, 0, &err));
    assert_true(
        xsr_xc3_order_infers_static_end(&pv, XSR_XC3_X86_PV_P2M_FRAMES));
    accepted(xsr_xc3_order_next(&pv, XSR_XC3_X86_PV_P2M_FRAMES, 0, &err));
    assert_false(xsr_xc3_order_infers_static_end(&pv, XSR_XC3_PAGE_DATA));
    assert_true(xsr_xc3_order_infers_static_end(&hvm, XSR_XC3_PAGE_DATA));
    assert_false(xsr_xc3_order_infers_static_end(&hvm, OPTIONAL));
    assert_false(xsr_xc3_order_infers_static_end(&v3, XSR_XC3_PAGE_DATA));
}

static void verify_turns_on_comparing(void **state)
{
    struct xsr_xc3_order o = start(2, HVM);

    (void)state;
    accepted(xsr_xc3_order_next(&o, XSR_XC3_PAGE_DATA, 0, &err));
    assert_false(xsr_xc3_order_verifying(&o));
    accepted(xsr_xc3_order_next(&o, XSR_XC3_VERIFY, 0, &err));
    assert_true(xsr_xc3_order_verifying(&o));
    accepted(xsr_xc3_order_next(&o, XSR_XC3_PAGE_DATA, 0, &err));
    assert_true(xsr_xc3_order_verifying(&o));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(headers_round_trip),
        cmocka_unit_test(every_header_field_is_judged),
        cmocka_unit_test(lengths_are_bounded_per_type),
        cmocka_unit_test(types_belong_to_guests_and_versions),
        cmocka_unit_test(records_are_padded_with_zeros),
        cmocka_unit_test(every_state_meets_every_event),
        cmocka_unit_test(what_may_come_once_comes_once),
        cmocka_unit_test(what_must_have_been_there_was),
        cmocka_unit_test(both_orders_of_context_and_params_are_right),
        cmocka_unit_test(a_converted_image_needs_no_tsc),
        cmocka_unit_test(a_converted_image_has_params_in_two_records),
        cmocka_unit_test(checkpoints_begin_the_count_again),
        cmocka_unit_test(static_data_end_is_inferred_once_in_v2),
        cmocka_unit_test(verify_turns_on_comparing),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
