/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: the emulator's keys in an EMULATOR_XENSTORE_DATA record. Input:
 * the list. What passes consists of physmap entries that have an address and a
 * size, each key once, and is the same bytes when it is written back.
 */
#include <ctype.h>
#include <stdlib.h>

#include "stream/limits.h"
#include "stream/xskeys.h"
#include "tests/fuzz/support/fuzz.h"

static void check_key(const char *key)
{
    size_t hex = 0;

    need(!strncmp(key, "physmap/", 8), "key %s", key);
    key += 8;
    while (isxdigit((unsigned char)key[hex]))
        hex++;
    need(hex >= 1 && hex <= 16, "%zu hex digits", hex);
    need(!strcmp(key + hex, "/start_addr") || !strcmp(key + hex, "/size") ||
             !strcmp(key + hex, "/name"),
         "key ends with %s", key + hex);
}

/* Is there the key of the same entry with this name? */
static bool has(const struct xsr_xskeys *keys, const char *key, const char *sub)
{
    size_t n = (size_t)(strrchr(key, '/') - key) + 1;

    for (size_t i = 0; i < keys->n; i++)
        if (!strncmp(keys->pair[i].key, key, n) &&
            !strcmp(keys->pair[i].key + n, sub))
            return true;
    return false;
}

static void check_pairs(const struct xsr_xskeys *keys, const uint8_t *data,
                        size_t size)
{
    struct xsr_buf out = XSR_BUF_INIT;
    struct xsr_err err = XSR_ERR_INIT;

    need(keys->n <= 3 * XSR_MAX_PHYSMAP_ENTRIES, "%zu keys", keys->n);
    for (size_t i = 0; i < keys->n; i++) {
        const char *key = keys->pair[i].key, *value = keys->pair[i].value;

        check_key(key);
        need(has(keys, key, "start_addr") && has(keys, key, "size"),
             "an entry that is not whole has %s", key);
        need(*value && strlen(value) <= 255, "value of %zu", strlen(value));
        need(!strchr(value, '/') || strstr(key, "/name"), "value %s", value);
        for (size_t k = 0; k < i; k++)
            need(strcmp(key, keys->pair[k].key) != 0, "key %s twice", key);
        fuzz_good(xsr_xskeys_put(&out, key, value, &err), &err);
    }
    need(out.len == size && (!size || !memcmp(out.p, data, size)),
         "written back it is not the same");
    xsr_buf_fini(&out);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xsr_err err = XSR_ERR_INIT;
    struct xsr_xskeys keys = {NULL, 0};
    struct xsr_cur cur;
    int rc;

    xsr_cur_init(&cur, data, size, FUZZ_BASE);
    rc = xsr_xskeys_get(&cur, &keys, &err);
    fuzz_cursor(&cur, 0);
    if (rc) {
        fuzz_refused(&err, FUZZ_BASE, size);
        need(!keys.pair && !keys.n, "a refusal leaves keys behind");
        return 0;
    }
    need(cur.pos == size, "%zu of %zu bytes judged", cur.pos, size);
    check_pairs(&keys, data, size);
    xsr_xskeys_fini(&keys);
    return 0;
}
