/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * engine/restore: checkpoints. What came behind the last one never acts, a
 * later one replaces the state of an earlier one, damage is not taken for a
 * lost primary, and what is kept has a bound.
 */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <stdlib.h>

#include "tests/fake/xenctrl.h"
#include "tests/fake/image.h"

#define BIG (8u + 1024u * (8u + 4096u))

static void put_page(uint64_t pfn, uint8_t fill)
{
    struct xsr_page_entry e = {pfn, XSR_PT_NOTAB};

    image_put_pages(&e, &fill, 1);
}

/* HEADER and END; the kind of vCPU state that is in between does not matter. */
static void put_state(void)
{
    uint8_t tsc[24] = {0}, ctx[8 + 24 + 8] = {1};

    ctx[4] = 24;
    xsr_st_le32(ctx + 8, 0x54381286);
    xsr_st_le32(ctx + 12, 1);
    image_put(XSR_XC3_X86_TSC_INFO, tsc, sizeof(tsc));
    image_put(XSR_XC3_HVM_CONTEXT, ctx, sizeof(ctx));
}

static void put_checkpoint(void)
{
    put_state();
    image_put(XSR_XC3_CHECKPOINT, NULL, 0);
}

/* A stream with one complete checkpoint: page 1 is 0xa1, page 2 0xa2. */
static int begin(void **state)
{
    (void)state;
    fake_init(false);
    image_begin(XSR_XC3_HVM, 3);
    image.stream_type = XSR_STREAM_IS_REMUS;
    image_put(XSR_XC3_STATIC_DATA_END, NULL, 0);
    put_page(1, 0xa1);
    put_page(2, 0xa2);
    put_checkpoint();
    return 0;
}

static int end(void **state)
{
    (void)state;
    assert_int_equal(xen_host.n_mappings, 0);
    image_end();
    fake_fini();
    return 0;
}

static void goes_on_from(unsigned checkpoint, uint8_t one, uint8_t two)
{
    assert_int_equal(image_restore(), 0);
    assert_int_equal(fake_page(1)[0], one);
    assert_int_equal(fake_page(2)[4095], two);
    assert_true(image.n_checkpoints >= checkpoint);
    /* The domain is completed once. */
    assert_int_equal(xen_host.n_contexts, 1);
    assert_int_equal(image.n_warnings > 0, 1);
}

static void the_end_of_the_stream_is_a_lost_primary(void **state)
{
    (void)state;
    goes_on_from(1, 0xa1, 0xa2);
}

static void an_incomplete_checkpoint_never_acts(void **state)
{
    (void)state;
    put_page(1, 0xb1);
    put_page(3, 0xb3);
    put_state();
    goes_on_from(1, 0xa1, 0xa2);
    assert_null(fake_page(3));
}

static void half_a_record_never_acts(void **state)
{
    (void)state;
    put_page(1, 0xb1);
    image.octets.len -= 100;
    goes_on_from(1, 0xa1, 0xa2);
}

static void a_complete_checkpoint_replaces_the_one_before(void **state)
{
    (void)state;
    put_page(1, 0xb1);
    put_page(3, 0xb3);
    put_checkpoint();
    put_page(2, 0xc2);
    goes_on_from(2, 0xb1, 0xa2);
    assert_int_equal(fake_page(3)[0], 0xb3);
    assert_int_equal(xen_host.n_tsc, 2);
}

static void the_toolstack_may_say_that_it_is_lost(void **state)
{
    (void)state;
    put_page(1, 0xb1);
    put_checkpoint();
    image.lose = 2;
    goes_on_from(1, 0xa1, 0xa2);
}

static void an_orderly_end_is_no_loss(void **state)
{
    (void)state;
    image_put(XSR_XC3_END, NULL, 0);
    image_behind("and the rest");
    assert_int_equal(image_restore(), 0);
    assert_string_equal(image_rest(), "and the rest");
    assert_int_equal(fake_page(1)[0], 0xa1);
}

static void without_a_checkpoint_there_is_nothing_to_go_on_from(void **state)
{
    (void)state;
    image.octets.len -= 8; /* CHECKPOINT */
    image_refused(XSR_E_EOF, "end of file");
    assert_int_equal(xen_host.n_contexts, 0);
    begin(state);
    image.lose = 1;
    image_refused(XSR_E_PEER, "no state to go on from");
}

static void damage_is_no_lost_primary(void **state)
{
    (void)state;
    image_put(0x7f, NULL, 0);
    image_refused(XSR_E_FORMAT, "0x7f");
    assert_int_equal(xen_host.n_contexts, 0);
}

static void damage_in_what_was_kept_is_found_in_time(void **state)
{
    uint8_t params[24] = {1};

    (void)state;
    put_page(1, 0xb1);
    params[8] = 99; /* no such parameter */
    image_put(XSR_XC3_HVM_PARAMS, params, sizeof(params));
    put_checkpoint();
    image_refused(XSR_E_FORMAT, "99");
    assert_int_equal(xen_host.n_contexts, 0);
}

static void a_plain_restore_refuses_checkpoints(void **state)
{
    (void)state;
    image.stream_type = XSR_STREAM_IS_PLAIN;
    image_refused(XSR_E_ORDER, "found in a plain stream");
}

static void what_is_kept_has_a_bound(void **state)
{
    uint8_t *body = calloc(1, BIG);
    unsigned n = (1000u * 4112u + (64u << 20)) / BIG;

    (void)state;
    for (unsigned i = 0; i < n; i++)
        image_put(XSR_XC3_PAGE_DATA, body, BIG);
    goes_on_from(1, 0xa1, 0xa2);
    image_put(XSR_XC3_PAGE_DATA, body, BIG);
    free(body);
    image_refused(XSR_E_LIMIT, "what all pages of the domain need");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, begin, end)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_end_of_the_stream_is_a_lost_primary),
        TEST(an_incomplete_checkpoint_never_acts),
        TEST(half_a_record_never_acts),
        TEST(a_complete_checkpoint_replaces_the_one_before),
        TEST(the_toolstack_may_say_that_it_is_lost),
        TEST(an_orderly_end_is_no_loss),
        TEST(without_a_checkpoint_there_is_nothing_to_go_on_from),
        TEST(damage_is_no_lost_primary),
        TEST(damage_in_what_was_kept_is_found_in_time),
        TEST(a_plain_restore_refuses_checkpoints),
        TEST(what_is_kept_has_a_bound),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
