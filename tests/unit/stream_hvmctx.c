/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/hvmctx: the chain in HVM_CONTEXT, every rule with a crafted value. */
#include "tests/unit/stream_util.h"

#include "stream/hvmctx.h"
#include "stream/limits.h"

static struct xsr_buf chain;

/* Returns the offset of the entry's body; the body is zero. */
static size_t add(uint16_t type, uint16_t instance, uint32_t len)
{
    accepted(xsr_buf_put_u16(&chain, type, &err));
    accepted(xsr_buf_put_u16(&chain, instance, &err));
    accepted(xsr_buf_put_u32(&chain, len, &err));
    accepted(xsr_buf_put_zero(&chain, len, &err));
    return chain.len - len;
}

static size_t begin(void)
{
    size_t at;

    xsr_buf_clear(&chain);
    at = add(1, 0, 24);
    xsr_st_le32(chain.p + at, 0x54381286);
    xsr_st_le32(chain.p + at + 4, 1);
    return at;
}

static int check(struct xsr_err *err)
{
    struct xsr_cur cur = cursor(chain.p, chain.len);

    return xsr_hvmctx_check(&cur, err);
}

/* A chain of one entry behind the header: where it stands is BASE + 32. */
static int check_one(uint16_t type, uint16_t instance, uint32_t len,
                     struct xsr_err *err)
{
    begin();
    add(type, instance, len);
    add(0, 0, 0);
    return check(err);
}

static const struct {
    uint16_t type;
    uint32_t len, other; /* other: second length that is right, or 0 */
    bool shorter, vcpu;
} types[] = {
    {2, 1032, 1016, false, true}, {3, 8, 0, false, false},
    {4, 400, 0, false, false},    {5, 24, 32, false, true},
    {6, 1024, 0, false, true},    {7, 16, 0, false, false},
    {8, 8, 0, false, false},      {9, 8, 0, false, false},
    {10, 56, 0, false, false},    {11, 24, 0, true, false},
    {12, 1048, 0, false, false},  {13, 8, 0, false, false},
    {14, 240, 0, false, true},    {15, 32, 0, true, false},
    {17, 216, 0, true, true},     {18, 32, 0, true, true},
    {19, 8, 0, false, true},
};

static void every_type_has_its_lengths(void **state)
{
    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(types); i++) {
        uint16_t t = types[i].type;
        uint32_t len = types[i].len;

        accepted(check_one(t, 0, len, &err));
        if (types[i].other)
            accepted(check_one(t, 0, types[i].other, &err));
        if (len + 8 != types[i].other)
            refused(check_one(t, 0, len + 8, &err), XSR_E_FORMAT, 32,
                    xsr_hvmctx_name(t));
        if (types[i].shorter)
            accepted(check_one(t, 0, len - 1, &err));
        else
            refused(check_one(t, 0, len - 1, &err), XSR_E_FORMAT, 32,
                    xsr_hvmctx_name(t));
        refused(check_one(t, 0, 0, &err), XSR_E_FORMAT, 32, "length 0");
    }
    refused(check_one(21, 0, 8, &err), XSR_E_FORMAT, 32, "type 21");
    refused(check_one(0xffff, 0, 8, &err), XSR_E_FORMAT, 32, "type 65535");
    refused(check_one(0, 0, 8, &err), XSR_E_FORMAT, 32, "END");
}

static void instances_belong_to_vcpus(void **state)
{
    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(types); i++) {
        uint16_t t = types[i].type;
        uint16_t max = types[i].vcpu ? XSR_MAX_VCPU_ID : t == 3 ? 1 : 0;

        accepted(check_one(t, max, types[i].len, &err));
        refused(check_one(t, (uint16_t)(max + 1), types[i].len, &err),
                types[i].vcpu ? XSR_E_LIMIT : XSR_E_FORMAT, 32,
                xsr_hvmctx_name(t));
    }
}

static void the_header_comes_first_and_is_right(void **state)
{
    (void)state;
    begin();
    refused(check(&err), XSR_E_FORMAT, 32, "without an END");
    add(0, 0, 0);
    accepted(check(&err));
    chain.p[8] ^= 1;
    refused(check(&err), XSR_E_FORMAT, 0, "magic");
    chain.p[8] ^= 1;
    chain.p[12] = 2;
    refused(check(&err), XSR_E_FORMAT, 0, "version 2");
    xsr_buf_clear(&chain);
    add(2, 0, 1032);
    add(0, 0, 0);
    refused(check(&err), XSR_E_FORMAT, 0, "found CPU as first");
    xsr_buf_clear(&chain);
    add(0, 0, 0);
    refused(check(&err), XSR_E_FORMAT, 0, "found END as first");
    begin();
    chain.len -= 8;
    xsr_st_le32(chain.p + 4, 16);
    refused(check(&err), XSR_E_FORMAT, 0, "HEADER/0");
    xsr_buf_clear(&chain);
    refused(check(&err), XSR_E_FORMAT, 0, "without an END");
}

static void entries_stay_inside_the_record(void **state)
{
    size_t at;

    (void)state;
    begin();
    at = add(6, 0, 1024);
    chain.len -= 1;
    refused(check(&err), XSR_E_FORMAT, 32, "LAPIC_REGS/0 of length 1024");
    xsr_st_le32(chain.p + at - 4, 0xffffffff);
    refused(check(&err), XSR_E_FORMAT, 32, "4294967295");
    for (chain.len = 33; chain.len < 40; chain.len++) {
        struct xsr_err err = XSR_ERR_INIT;

        assert_int_equal(check(&err), -1);
        assert_int_equal(err.kind, XSR_E_FORMAT);
    }
}

static void no_entry_comes_twice(void **state)
{
    (void)state;
    begin();
    add(2, 0, 1032);
    add(2, 1, 1032);
    add(5, 0, 24);
    add(2, 1, 1032);
    add(0, 0, 0);
    refused(check(&err), XSR_E_FORMAT, 32 + 1040 + 1040 + 32,
            "second entry CPU/1");
    begin();
    add(1, 0, 24);
    add(0, 0, 0);
    refused(check(&err), XSR_E_FORMAT, 32, "second entry HEADER");
    /* any order is fine */
    begin();
    add(5, 1, 24);
    add(5, 0, 24);
    add(2, 0, 1032);
    add(0, 0, 0);
    accepted(check(&err));
}

static void xsave_and_msrs_are_looked_into(void **state)
{
    size_t at;

    (void)state;
    accepted(check_one(16, 0, 600, &err));
    refused(check_one(16, 0, 599, &err), XSR_E_FORMAT, 32, "CPU_XSAVE");
    begin();
    at = add(16, 0, 600);
    add(0, 0, 0);
    chain.p[at + 24 + 512 + 8 + 7] = 0x80;
    refused(check(&err), XSR_E_FORMAT, 32, "compacted");
    begin();
    at = add(20, 0, 8 + 32);
    add(0, 0, 0);
    refused(check(&err), XSR_E_FORMAT, 32, "count 0");
    chain.p[at] = 1;
    refused(check(&err), XSR_E_FORMAT, 32, "count 1");
    chain.p[at] = 2;
    accepted(check(&err));
    chain.p[at + 4] = 1;
    refused(check(&err), XSR_E_FORMAT, 32, "reserved field 0x1");
    chain.p[at + 4] = 0;
    chain.p[at + 8 + 16 + 4] = 1;
    refused(check(&err), XSR_E_FORMAT, 32, "reserved");
}

static void only_zeros_may_follow_the_end(void **state)
{
    (void)state;
    begin();
    add(0, 0, 0);
    accepted(xsr_buf_put_zero(&chain, 24, &err));
    accepted(check(&err));
    chain.p[chain.len - 1] = 1;
    refused(check(&err), XSR_E_FORMAT, chain.len - 1, "behind its END");
}

/* 4 MiB of the smallest entries are judged in no time. */
static void a_hostile_chain_is_cheap(void **state)
{
    (void)state;
    begin();
    for (int type = 17; type <= 18; type++)
        for (unsigned v = XSR_MAX_VCPU_ID + 1; v-- > 0;)
            add((uint16_t)type, (uint16_t)v, 1);
    add(0, 0, 0);
    accepted(check(&err));
}

static int free_chain(void **state)
{
    (void)state;
    xsr_buf_fini(&chain);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_has_its_lengths),
        cmocka_unit_test(instances_belong_to_vcpus),
        cmocka_unit_test(the_header_comes_first_and_is_right),
        cmocka_unit_test(entries_stay_inside_the_record),
        cmocka_unit_test(no_entry_comes_twice),
        cmocka_unit_test(xsave_and_msrs_are_looked_into),
        cmocka_unit_test(only_zeros_may_follow_the_end),
        cmocka_unit_test(a_hostile_chain_is_cheap),
    };

    return cmocka_run_group_tests(tests, NULL, free_chain);
}
