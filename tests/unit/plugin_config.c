/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/host/config.c: what is taken from libxl's JSON, what is dropped with a
 * word, and what is refused.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/host/config.h"

#define UUID "1489c9e2-e5f5-11f1-8498-87dc346d4e28"
#define C_INFO(type) \
    "\"c_info\":{\"type\":\"" type "\",\"name\":\"g\",\"uuid\":\"" UUID "\"}"

static struct xsr_config c;
static struct xsr_err err;

static int parse(const char *json)
{
    xsr_err_clear(&err);
    return xsr_config_parse(json, strlen(json), &c, &err);
}

/* A PVH guest with this in b_info. */
static int parse_build(const char *build)
{
    char json[2048];

    snprintf(json, sizeof(json), "{" C_INFO("pvh") ",\"b_info\":{%s}}", build);
    return parse(json);
}

static void must_refuse(int rc, enum xsr_kind kind, const char *word)
{
    assert_int_equal(rc, -1);
    assert_int_equal(err.kind, kind);
    if (!strstr(err.text, word))
        fail_msg("no \"%s\" in: %s", word, err.text);
}

static void test_takes_what_it_needs(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{" C_INFO(
            "hvm") ",\"b_info\":{\"max_vcpus\":3,"
                   "\"avail_vcpus\":[0,2],\"max_memkb\":24576,\"target_memkb\":20480,"
                   "\"video_memkb\":8192,\"type.hvm\":{\"hpet\":\"False\",\"bios\":"
                   "\"ovmf\",\"timer_mode\":\"one_missed_tick_pending\"},"
                   "\"arch_x86\":{\"msr_relaxed\":\"False\"}}}"),
        0);
    assert_int_equal(c.type, XENSR_HVM);
    assert_string_equal(c.name, "g");
    assert_string_equal(c.uuid_text, UUID);
    assert_int_equal(c.uuid[0], 0x14);
    assert_int_equal(c.uuid[15], 0x28);
    assert_int_equal(c.max_vcpus, 3);
    assert_true(xsr_config_vcpu_online(&c, 0));
    assert_false(xsr_config_vcpu_online(&c, 1));
    assert_true(xsr_config_vcpu_online(&c, 2));
    assert_int_equal(c.max_memkb, 24576);
    assert_int_equal(c.target_memkb, 20480);
    assert_int_equal(c.video_memkb, 8192);
    assert_false(c.hpet);
    assert_false(c.msr_relaxed);
    assert_int_equal(c.timer_mode, 3);
    assert_string_equal(c.bios, "ovmf");
    assert_string_equal(c.dropped, "");
}

static void test_fills_in_what_libxl_leaves_out(void **state)
{
    (void)state;
    assert_int_equal(parse_build("\"max_memkb\":1024,\"video_memkb\":77"), 0);
    assert_int_equal(c.max_vcpus, 1);
    assert_true(xsr_config_vcpu_online(&c, 0));
    assert_int_equal(c.target_memkb, 1024);
    assert_int_equal(c.video_memkb, 0); /* PVH has none */
    assert_true(c.hap && c.hpet && c.vpt_align && c.msr_relaxed);
    assert_int_equal(c.timer_mode, 1);
    assert_int_equal(c.max_evtchn_port, 1023);
    assert_string_equal(c.bios, "seabios");
}

static void test_counts_what_is_dropped(void **state)
{
    (void)state;
    assert_int_equal(
        parse("{" C_INFO(
            "pv") ",\"b_info\":{\"max_memkb\":1024,"
                  "\"ioports\":[{\"first\":1}]},\"disks\":[{},{}],\"nics\":[{}],"
                  "\"vfbs\":[]}"),
        0);
    assert_string_equal(c.dropped, "2 disks, 1 network card, 1 I/O port range");
}

static void test_refuses_what_is_no_json(void **state)
{
    (void)state;
    must_refuse(parse(""), XSR_E_FORMAT, "JSON");
    must_refuse(parse("{"), XSR_E_FORMAT, "line 1");
    must_refuse(parse("[1]"), XSR_E_FORMAT, "object");
    must_refuse(parse("{\"c_info\":{},\"c_info\":{}}"), XSR_E_FORMAT, "JSON");
    must_refuse(parse("{" C_INFO("pv") "}"), XSR_E_FORMAT, "b_info");
    must_refuse(parse("{\"c_info\":3}"), XSR_E_FORMAT, "c_info");
}

static void test_refuses_a_bad_identity(void **state)
{
    (void)state;
    must_refuse(parse("{" C_INFO("arm") ",\"b_info\":{}}"), XSR_E_UNSUPPORTED,
                "arm");
    must_refuse(parse("{\"c_info\":{\"type\":\"pv\"},\"b_info\":{}}"),
                XSR_E_FORMAT, "uuid");
    must_refuse(parse("{\"c_info\":{\"type\":\"pv\",\"uuid\":\"" UUID "0\"},"
                      "\"b_info\":{}}"),
                XSR_E_FORMAT, "UUID");
    must_refuse(parse("{\"c_info\":{\"type\":\"pv\",\"uuid\":\"1489c9e2xe5f5-"
                      "11f1-8498-87dc346d4e28\"},\"b_info\":{}}"),
                XSR_E_FORMAT, "UUID");
    must_refuse(parse("{\"c_info\":{\"type\":\"pv\",\"uuid\":\"" UUID "\","
                      "\"name\":\"../x\"},\"b_info\":{}}"),
                XSR_E_FORMAT, "name");
}

static void test_refuses_numbers_out_of_range(void **state)
{
    (void)state;
    must_refuse(parse_build("\"max_vcpus\":1"), XSR_E_FORMAT, "max_memkb");
    must_refuse(parse_build("\"max_memkb\":-1"), XSR_E_LIMIT, "-1");
    must_refuse(parse_build("\"max_memkb\":9223372036854775807"), XSR_E_LIMIT,
                "max_memkb");
    must_refuse(parse_build("\"max_memkb\":\"1\""), XSR_E_FORMAT, "number");
    must_refuse(parse_build("\"max_memkb\":1024,\"target_memkb\":2048"),
                XSR_E_FORMAT, "target_memkb");
    must_refuse(parse_build("\"max_memkb\":1024,\"max_vcpus\":0"), XSR_E_LIMIT,
                "max_vcpus");
    must_refuse(parse_build("\"max_memkb\":1024,\"max_vcpus\":129"),
                XSR_E_LIMIT, "129");
    must_refuse(parse_build("\"max_memkb\":1024,\"max_vcpus\":2,"
                            "\"avail_vcpus\":[2]"),
                XSR_E_FORMAT, "entry 0");
    must_refuse(parse_build("\"max_memkb\":1024,\"avail_vcpus\":[-1]"),
                XSR_E_FORMAT, "entry 0");
    must_refuse(parse_build("\"max_memkb\":1024,\"tsc_mode\":\"none\""),
                XSR_E_UNSUPPORTED, "none");
}

static void test_judges_names(void **state)
{
    char name[140];

    (void)state;
    assert_int_equal(parse_build("\"max_memkb\":1024"), 0);
    assert_int_equal(xsr_config_set_name(&c, "guest-1.x", &err), 0);
    assert_string_equal(c.name, "guest-1.x");
    must_refuse(xsr_config_set_name(&c, "", &err), XSR_E_FORMAT, "name");
    must_refuse(xsr_config_set_name(&c, "17", &err), XSR_E_FORMAT, "17");
    must_refuse(xsr_config_set_name(&c, "a b", &err), XSR_E_FORMAT, "a b");
    must_refuse(xsr_config_set_name(&c, "a/b", &err), XSR_E_FORMAT, "slash");
    memset(name, 'n', sizeof(name));
    name[127] = '\0';
    assert_int_equal(xsr_config_set_name(&c, name, &err), 0);
    name[127] = 'n';
    name[128] = '\0';
    must_refuse(xsr_config_set_name(&c, name, &err), XSR_E_FORMAT, "127");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_takes_what_it_needs),
        cmocka_unit_test(test_fills_in_what_libxl_leaves_out),
        cmocka_unit_test(test_counts_what_is_dropped),
        cmocka_unit_test(test_refuses_what_is_no_json),
        cmocka_unit_test(test_refuses_a_bad_identity),
        cmocka_unit_test(test_refuses_numbers_out_of_range),
        cmocka_unit_test(test_judges_names),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
