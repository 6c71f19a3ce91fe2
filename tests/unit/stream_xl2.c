/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/xl2 and xl2_order: frames of the libxl stream and their order. */
#include "tests/unit/stream_util.h"

#include "stream/limits.h"
#include "stream/xl2_order.h"

static void header_round_trip(void **state)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_cur cur;
    struct xsr_xl2_hdr hdr;

    (void)state;
    for (uint32_t options = 0; options <= 2; options += 2) {
        xsr_buf_clear(&buf);
        accepted(xsr_xl2_put_hdr(&buf, options, &err));
        assert_int_equal(buf.len, XSR_XL2_HDR_LEN);
        assert_true(xsr_xl2_probe(buf.p, buf.len));
        cur = cursor(buf.p, buf.len);
        accepted(xsr_xl2_get_hdr(&cur, &hdr, &err));
        assert_int_equal(hdr.options, options);
    }
    xsr_buf_fini(&buf);
}

static void header_with(size_t at, uint8_t value, enum xsr_kind kind,
                        size_t where, const char *word)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_cur cur;
    struct xsr_xl2_hdr hdr;

    accepted(xsr_xl2_put_hdr(&buf, 0, &err));
    buf.p[at] = value;
    cur = cursor(buf.p, buf.len);
    refused(xsr_xl2_get_hdr(&cur, &hdr, &err), kind, where, word);
    xsr_buf_fini(&buf);
}

static void every_header_field_is_judged(void **state)
{
    (void)state;
    for (size_t i = 0; i < 8; i++)
        header_with(i, 0, XSR_E_FORMAT, 0, "ident");
    header_with(11, 1, XSR_E_UNSUPPORTED, 8, "version 1");
    header_with(11, 3, XSR_E_UNSUPPORTED, 8, "version 3");
    header_with(8, 1, XSR_E_UNSUPPORTED, 8, "version");
    header_with(15, 1, XSR_E_UNSUPPORTED, 12, "big-endian");
    for (unsigned bit = 2; bit < 32; bit++)
        header_with(15 - bit / 8, (uint8_t)(1u << bit % 8), XSR_E_FORMAT, 12,
                    "reserved");
}

static int get_rec(uint32_t type, uint32_t len, struct xsr_err *err)
{
    struct xsr_buf buf = XSR_BUF_INIT;
    struct xsr_xl2_rec rec = {0, 0};
    struct xsr_cur cur;
    int rc;

    assert_int_equal(xsr_xl2_put_rec(&buf, type, len, err), 0);
    cur = cursor(buf.p, buf.len);
    rc = xsr_xl2_get_rec(&cur, &rec, err);
    assert_int_equal(rec.type, type);
    assert_int_equal(rec.len, len);
    xsr_buf_fini(&buf);
    return rc;
}

static void lengths_are_bounded_per_type(void **state)
{
    static const struct {
        uint32_t type, min, max;
    } types[] = {
        {XSR_XL2_END, 0, 0},
        {XSR_XL2_LIBXC_CONTEXT, 0, 0},
        {XSR_XL2_EMULATOR_XENSTORE_DATA, 8, XSR_MAX_XENSTORE_DATA},
        {XSR_XL2_EMULATOR_CONTEXT, 8, XSR_MAX_EMULATOR_CONTEXT},
        {XSR_XL2_CHECKPOINT_END, 0, 0},
        {XSR_XL2_CHECKPOINT_STATE, 4, 4},
        {XSR_XL2_OPTIONAL, 0, XSR_MAX_OPTIONAL_SKIP},
        {0xffffffff, 0, XSR_MAX_OPTIONAL_SKIP},
    };

    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(types); i++) {
        uint32_t t = types[i].type, min = types[i].min, max = types[i].max;
        enum xsr_kind above = min == max ? XSR_E_FORMAT : XSR_E_LIMIT;

        accepted(get_rec(t, min, &err));
        accepted(get_rec(t, max, &err));
        refused(get_rec(t, max + 1, &err), above, 0, "length");
        refused(get_rec(t, 0xfffffff9, &err), above, 0, "4294967289");
        refused(get_rec(t, 0xffffffff, &err), above, 0, "4294967295");
        if (min)
            refused(get_rec(t, min - 1, &err), XSR_E_FORMAT, 0, "length");
    }
    refused(get_rec(6, 0, &err), XSR_E_FORMAT, 0, "0x6");
    refused(get_rec(0x7fffffff, 0, &err), XSR_E_FORMAT, 0, "mandatory");
}

static int get_emu(uint32_t id, uint32_t index, struct xsr_err *err)
{
    struct xsr_xl2_emu emu;
    uint8_t mem[8] = {0};
    struct xsr_cur cur = cursor(mem, sizeof mem);

    xsr_st_le32(mem, id);
    xsr_st_le32(mem + 4, index);
    return xsr_xl2_get_emu(&cur, &emu, err);
}

static void the_emulator_header_is_judged(void **state)
{
    struct xsr_xl2_emu emu;
    struct xsr_cur cur = cursor("\2\0\0\0\0\0\0", 7);

    (void)state;
    for (uint32_t id = 0; id < 3; id++)
        accepted(get_emu(id, 0, &err));
    refused(get_emu(3, 0, &err), XSR_E_FORMAT, 0, "id 3");
    refused(get_emu(2, 1, &err), XSR_E_FORMAT, 4, "index 1");
    refused(xsr_xl2_get_emu(&cur, &emu, &err), XSR_E_FORMAT, 4, "index");
}

/* ---- order ---- */

/* A letter per state, and the events in the order of the rows below. */
static const struct {
    char letter;
    const char *name, *path;
} states[] = {
    {'s', "before LIBXC_CONTEXT", ""},
    {'i', "behind the libxc image", "1"},
    {'k', "behind EMULATOR_XENSTORE_DATA", "12"},
    {'e', "behind EMULATOR_CONTEXT", "13"},
    {'c', "in a checkpoint", "1C"},
    {'K', "in a checkpoint behind EMULATOR_XENSTORE_DATA", "1C2"},
    {'E', "in a checkpoint behind EMULATOR_CONTEXT", "1C3"},
    {'d', "behind END", "0"},
};
static const uint32_t events[] = {
    XSR_XL2_END,
    XSR_XL2_LIBXC_CONTEXT,
    XSR_XL2_EMULATOR_XENSTORE_DATA,
    XSR_XL2_EMULATOR_CONTEXT,
    XSR_XL2_CHECKPOINT_END,
    XSR_XL2_CHECKPOINT_STATE,
    XSR_XL2_OPTIONAL | 7,
    9, /* unknown and mandatory */
};

/* Events: END LIBXC keys context CHECKPOINT_END CHECKPOINT_STATE opt unknown.
 * A letter is the next state, '-' a refusal, an empty row cannot be reached. */
static const char *const any_rows[] = {
    "-i----s-", "d-ke--i-", "---e--k-", "d-----e-",
    "--KEi-c-", "---E--K-", "----i-E-", "--------",
};
static const char *const pv_rows[] = {
    "-i----s-", "d-----i-", "", "", "----i-c-", "", "", "--------",
};
static const char *const hvm_rows[] = {
    "-i----s-", "--ke--i-", "---e--k-", "d-----e-",
    "--KE--c-", "---E--K-", "----i-E-", "--------",
};

static char letter_of(const struct xsr_xl2_order *o)
{
    for (size_t i = 0; i < XSR_ARRAY_LEN(states); i++)
        if (!strcmp(xsr_xl2_order_state_name(o), states[i].name))
            return states[i].letter;
    return '?';
}

/* Bring a fresh order into a state. */
static void go_to(struct xsr_xl2_order *o, size_t to)
{
    const char *path = states[to].path;

    /* END can be reached directly or, HVM, behind an emulator context */
    if (states[to].letter == 'd')
        path = o->guest == XSR_XL2_HVM ? "130" : "10";
    for (; *path; path++)
        if (*path == 'C')
            xsr_xl2_order_checkpoint(o);
        else
            accepted(xsr_xl2_order_next(o, events[*path - '0'], 0, &err));
    assert_int_equal(letter_of(o), states[to].letter);
    assert_int_equal(xsr_xl2_order_done(o), states[to].letter == 'd');
}

static void walk(enum xsr_xl2_guest guest, const char *const *rows)
{
    for (size_t s = 0; s < XSR_ARRAY_LEN(states); s++)
        for (size_t e = 0; rows[s][0] && e < XSR_ARRAY_LEN(events); e++) {
            struct xsr_xl2_order o;

            xsr_xl2_order_init(&o, guest);
            go_to(&o, s);
            assert_true(strlen(xsr_xl2_order_expected(&o)) > 0);
            if (rows[s][e] == '-') {
                refused(xsr_xl2_order_next(&o, events[e], BASE + 8, &err),
                        XSR_E_ORDER, 8, states[s].name);
                assert_int_equal(letter_of(&o), states[s].letter);
            } else {
                accepted(xsr_xl2_order_next(&o, events[e], BASE, &err));
                assert_int_equal(letter_of(&o), rows[s][e]);
            }
        }
}

static void every_state_meets_every_event(void **state)
{
    (void)state;
    walk(XSR_XL2_ANY, any_rows);
    walk(XSR_XL2_PV, pv_rows);
    walk(XSR_XL2_PVH, pv_rows);
    walk(XSR_XL2_HVM, hvm_rows);
}

static void checkpoints_need_a_paused_image(void **state)
{
    struct xsr_xl2_order o;

    (void)state;
    xsr_xl2_order_init(&o, XSR_XL2_HVM);
    xsr_xl2_order_checkpoint(&o);
    assert_int_equal(letter_of(&o), 's');
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(header_round_trip),
        cmocka_unit_test(every_header_field_is_judged),
        cmocka_unit_test(lengths_are_bounded_per_type),
        cmocka_unit_test(the_emulator_header_is_judged),
        cmocka_unit_test(every_state_meets_every_event),
        cmocka_unit_test(checkpoints_need_a_paused_image),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
