/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * plugin/restore/choose.c: whose configuration and which name a restored domain
 * gets, and what is refused before its memory is read.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <cmocka.h>

#include "plugin/restore/restore.h"

#define CONFIG(type, name)                                                \
    "{\"c_info\":{\"type\":\"" type "\",\"name\":\"" name                 \
    "\",\"uuid\":\"1489c9e2-e5f5-11f1-8498-87dc346d4e28\"},\"b_info\":{"  \
    "\"max_vcpus\":1,\"avail_vcpus\":[0],\"max_memkb\":8192,\"target_mem" \
    "kb\":8192,\"type." type "\":{}}}"

static struct xsr_err err;
static struct xsr_restore r;
static struct xensr x;
static struct xensr_restore_params params;
static char no_model[] = "", a_model[] = "/bin/qemu";

static void begin(void)
{
    memset(&x, 0, sizeof(x));
    memset(&params, 0, sizeof(params));
    free(r.config_text);
    memset(&r, 0, sizeof(r));
    xsr_err_clear(&err);
    x.device_model = no_model;
    r.x = &x;
    r.params = &params;
}

static int choose(const char *saved)
{
    return xsr_restore_choose_config(&r, saved, strlen(saved), &err);
}

static void the_saved_name_is_taken(void **state)
{
    (void)state;
    begin();
    assert_int_equal(choose(CONFIG("pvh", "web")), 0);
    assert_string_equal(r.config.name, "web");
    assert_string_equal(r.plain_name, "web");
}

static void the_caller_s_name_and_configuration_win(void **state)
{
    (void)state;
    begin();
    params.config_json = CONFIG("pvh", "given");
    assert_int_equal(choose(CONFIG("pvh", "web")), 0);
    assert_string_equal(r.config.name, "given");
    begin();
    params.name = "named";
    assert_int_equal(choose(CONFIG("pvh", "web")), 0);
    assert_string_equal(r.config.name, "named");
}

static void a_suffix_is_appended_to_either(void **state)
{
    (void)state;
    begin();
    params.name_suffix = "--incoming";
    assert_int_equal(choose(CONFIG("pvh", "web")), 0);
    assert_string_equal(r.config.name, "web--incoming");
    assert_string_equal(r.plain_name, "web");
    begin();
    params.name = "named";
    params.name_suffix = "--incoming";
    assert_int_equal(choose(CONFIG("pvh", "web")), 0);
    assert_string_equal(r.config.name, "named--incoming");
}

static void a_name_needs_room_for_its_suffix(void **state)
{
    char name[128];
    size_t n;

    (void)state;
    for (n = 110; n < sizeof(name); n++) {
        memset(name, 'n', n);
        name[n] = '\0';
        begin();
        params.name = name;
        params.name_suffix = "--incoming";
        if (n + strlen("--incoming") < sizeof(name)) {
            assert_int_equal(choose(CONFIG("pvh", "web")), 0);
            assert_int_equal(strlen(r.config.name), n + 10);
        } else {
            assert_int_equal(choose(CONFIG("pvh", "web")), -1);
            assert_int_equal(err.kind, XSR_E_LIMIT);
            assert_non_null(strstr(err.text, "117"));
        }
    }
}

static void hvm_that_is_to_run_needs_a_device_model(void **state)
{
    (void)state;
    begin();
    params.will_run = true;
    assert_int_equal(choose(CONFIG("hvm", "web")), -1);
    assert_int_equal(err.kind, XSR_E_UNSUPPORTED);
    assert_non_null(strstr(err.text, "XENSR_DEVICE_MODEL"));
    begin(); /* one is named */
    params.will_run = true;
    x.device_model = a_model;
    assert_int_equal(choose(CONFIG("hvm", "web")), 0);
    begin(); /* it runs without one */
    params.will_run = params.start_hvm = true;
    assert_int_equal(choose(CONFIG("hvm", "web")), 0);
    begin(); /* it is left paused */
    assert_int_equal(choose(CONFIG("hvm", "web")), 0);
    begin(); /* others need none */
    params.will_run = true;
    assert_int_equal(choose(CONFIG("pvh", "web")), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_saved_name_is_taken),
        cmocka_unit_test(the_caller_s_name_and_configuration_win),
        cmocka_unit_test(a_suffix_is_appended_to_either),
        cmocka_unit_test(a_name_needs_room_for_its_suffix),
        cmocka_unit_test(hvm_that_is_to_run_needs_a_device_model),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);

    free(r.config_text);
    return rc;
}
