/* SPDX-License-Identifier: LGPL-2.1-or-later */
/* stream/xskeys: only physmap entries get through, whole and once each. */
#include "tests/unit/stream_util.h"

#include "stream/limits.h"
#include "stream/xskeys.h"

#define E1                          \
    "physmap/f0000000/start_addr\0" \
    "f0000000\0"                    \
    "physmap/f0000000/size\0"       \
    "800000\0"                      \
    "physmap/f0000000/name\0"       \
    "vga.vram\0"
#define E2                    \
    "physmap/F1/name\0"       \
    "x\0"                     \
    "physmap/F1/size\0"       \
    "1\0"                     \
    "physmap/F1/start_addr\0" \
    "0123456789abcdef\0"

static int get(const char *list, size_t len, size_t n, struct xsr_err *err)
{
    struct xsr_cur cur = cursor(list, len);
    struct xsr_xskeys keys;

    if (xsr_xskeys_get(&cur, &keys, err)) {
        assert_null(keys.pair);
        assert_int_equal(keys.n, 0);
        return -1;
    }
    assert_int_equal(keys.n, n);
    for (size_t i = 0; i < n; i++)
        assert_true(keys.pair[i].key >= list &&
                    keys.pair[i].value < list + len);
    xsr_xskeys_fini(&keys);
    xsr_xskeys_fini(&keys);
    return 0;
}
/* The literal with all its NULs, but without the one that C adds. */
#define LIST(list, n) get(list, sizeof(list) - 1, n, &err)

static void whole_entries_are_taken(void **state)
{
    (void)state;
    accepted(LIST("", 0));
    accepted(LIST(E1, 3));
    accepted(LIST(E1 E2, 6));
}

static void strings_end_with_nul_and_come_in_pairs(void **state)
{
    (void)state;
    refused(get(E1, sizeof(E1) - 2, 3, &err), XSR_E_FORMAT, sizeof(E1) - 1 - 9,
            "no NUL");
    refused(LIST("physmap/1/size", 0), XSR_E_FORMAT, 0, "no NUL");
    refused(LIST("physmap/1/size\0", 0), XSR_E_FORMAT, 15, "without value");
    refused(LIST(E1 "physmap/1/size\0", 0), XSR_E_FORMAT, sizeof(E1) - 1 + 15,
            "without value");
}

static void keys_are_from_the_list_of_qemu(void **state)
{
    static const char *const bad[] = {
        "/physmap/1/name",
        "physmap//name",
        "physmap/g/name",
        "physmap/00000000000000001/name",
        "physmap/1/name/",
        "physmap/1/names",
        "physmap/1",
        "physmap/1/",
        "../physmap/1/name",
        "state",
        "physmap/0x1/name",
        "Physmap/1/name",
        "physmap/1/../name",
        "physmap/1/start_addr ",
        "",
    };
    char list[80];

    (void)state;
    for (size_t i = 0; i < XSR_ARRAY_LEN(bad); i++) {
        size_t n = strlen(bad[i]) + 1;

        memcpy(list, bad[i], n);
        memcpy(list + n, "1", 2);
        refused(get(list, n + 2, 1, &err), XSR_E_FORMAT, 0, "found key");
    }
}

static void values_are_judged_by_their_key(void **state)
{
    char list[400];
    size_t n = sizeof("physmap/1/name");

    (void)state;
    refused(LIST("physmap/1/size\0\0", 0), XSR_E_FORMAT, 0, "0 bytes");
    refused(LIST("physmap/1/size\0"
                 "0x10\0",
                 0),
            XSR_E_FORMAT, 0, "hex");
    refused(LIST("physmap/1/size\0"
                 "12345678901234567\0",
                 0),
            XSR_E_FORMAT, 0, "17 bytes");
    refused(LIST("physmap/1/name\0\0", 0), XSR_E_FORMAT, 0, "printable");
    refused(LIST("physmap/1/name\0a\tb\0", 0), XSR_E_FORMAT, 0, "printable");
    refused(LIST("physmap/1/name\0\xc3\xa4\0", 0), XSR_E_FORMAT, 0,
            "printable");
    memcpy(list, "physmap/1/name", n);
    memset(list + n, 'n', 256);
    list[n + 256] = '\0';
    refused(get(list, n + 257, 1, &err), XSR_E_FORMAT, 0, "256 bytes");
}

static void entries_are_whole_and_keys_unique(void **state)
{
    (void)state;
    refused(LIST("physmap/1/size\0"
                 "1\0"
                 "physmap/1/name\0"
                 "x\0",
                 0),
            XSR_E_FORMAT, 0, "no key physmap/1/start_addr");
    refused(LIST(E1 "physmap/f0000000/size\0"
                    "1\0",
                 0),
            XSR_E_FORMAT, sizeof(E1) - 1, "twice");
    /* the same number spelt otherwise is another node */
    refused(LIST(E1 "physmap/0f0000000/size\0"
                    "1\0",
                 0),
            XSR_E_FORMAT, 0, "no key physmap/0f0000000/start_addr");
}

static void there_is_a_limit_to_entries(void **state)
{
    struct xsr_buf list = XSR_BUF_INIT;
    size_t last = 0;

    (void)state;
    for (unsigned i = 0; i <= XSR_MAX_PHYSMAP_ENTRIES; i++) {
        if (i == XSR_MAX_PHYSMAP_ENTRIES) {
            accepted(get((char *)list.p, list.len, 3 * (size_t)i, &err));
            last = list.len;
        }
        accepted(xsr_buf_printf(&list, &err, "physmap/%x/size%c1%c", i, 0, 0));
        accepted(
            xsr_buf_printf(&list, &err, "physmap/%x/start_addr%c1%c", i, 0, 0));
        accepted(xsr_buf_printf(&list, &err, "physmap/%x/name%cn%c", i, 0, 0));
    }
    refused(get((char *)list.p, list.len, 0, &err), XSR_E_LIMIT, last,
            "more than 256");
    xsr_buf_fini(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whole_entries_are_taken),
        cmocka_unit_test(strings_end_with_nul_and_come_in_pairs),
        cmocka_unit_test(keys_are_from_the_list_of_qemu),
        cmocka_unit_test(values_are_judged_by_their_key),
        cmocka_unit_test(entries_are_whole_and_keys_unique),
        cmocka_unit_test(there_is_a_limit_to_entries),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
