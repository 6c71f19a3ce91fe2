/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Key/value list of an EMULATOR_XENSTORE_DATA record. Keys will be written
 * below the device model's folder by somebody with all rights, so only what
 * QEMU can have put there is let through:
 *
 *   physmap/<1-16 hex digits>/start_addr|size|name, each at most once, and no
 *   entry without the first two (QEMU may have had no name for it)
 *
 * Everything is judged before the first pair is handed out.
 */
#include "stream/xskeys.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/util.h"
#include "stream/limits.h"

#define PREFIX    "physmap/"
#define MAX_HEX   16
#define MAX_NAME  255
#define MAX_PAIRS (3 * XSR_MAX_PHYSMAP_ENTRIES)

enum { START_ADDR, SIZE, NAME, N_SUBKEYS, ALL_SUBKEYS = (1 << N_SUBKEYS) - 1 };
static const char *const subkeys[N_SUBKEYS] = {"start_addr", "size", "name"};

struct entry {
    const char *hex; /* in the key, not terminated */
    size_t len;
    unsigned mask;
};

struct entries {
    struct entry e[XSR_MAX_PHYSMAP_ENTRIES];
    size_t n;
};

static size_t count_hex(const char *s)
{
    size_t n = 0;

    while (n <= MAX_HEX && isxdigit((unsigned char)s[n]))
        n++;
    return n;
}

/* Which subkey is it, and of which entry? -1: not a key we let through. */
static int split_key(const char *key, const char **hex, size_t *hex_len)
{
    const char *rest;

    if (strncmp(key, PREFIX, sizeof PREFIX - 1))
        return -1;
    *hex = key + sizeof PREFIX - 1;
    *hex_len = count_hex(*hex);
    if (!*hex_len || *hex_len > MAX_HEX)
        return -1;
    rest = *hex + *hex_len;
    for (int i = 0; i < N_SUBKEYS; i++)
        if (*rest == '/' && !strcmp(rest + 1, subkeys[i]))
            return i;
    return -1;
}

static bool value_ok(int subkey, const char *value)
{
    size_t n = strlen(value);

    if (subkey != NAME)
        return n >= 1 && n <= MAX_HEX && count_hex(value) == n;
    if (n < 1 || n > MAX_NAME)
        return false;
    for (size_t i = 0; i < n; i++)
        if (value[i] < 0x20 || value[i] > 0x7e)
            return false;
    return true;
}

static struct entry *find_entry(struct entries *all, const char *hex,
                                size_t len)
{
    /* Backwards: the subkeys of an entry usually stand together. */
    for (size_t i = all->n; i-- > 0;)
        if (all->e[i].len == len && !memcmp(all->e[i].hex, hex, len))
            return &all->e[i];
    if (all->n == XSR_MAX_PHYSMAP_ENTRIES)
        return NULL;
    all->e[all->n] = (struct entry){hex, len, 0};
    return &all->e[all->n++];
}

static int check_pair(struct entries *all, const struct xsr_xskey *pair,
                      struct xsr_err *err)
{
    char quoted[80];
    struct entry *entry;
    const char *hex;
    size_t hex_len;
    int subkey = split_key(pair->key, &hex, &hex_len);

    xsr_err_quote(pair->key, strlen(pair->key), quoted, sizeof quoted);
    if (subkey < 0)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxl record EMULATOR_XENSTORE_DATA: found key "
                        "\"%s\", allowed physmap/<1-16 hex digits>/ with "
                        "start_addr, size or name",
                        quoted);
    if (!value_ok(subkey, pair->value))
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxl record EMULATOR_XENSTORE_DATA: found a value "
                        "of %zu bytes for \"%s\", allowed %s",
                        strlen(pair->value), quoted,
                        subkey == NAME ? "1-255 printable characters"
                                       : "1-16 hex digits");
    entry = find_entry(all, hex, hex_len);
    if (!entry)
        return xsr_fail(err, XSR_E_LIMIT,
                        "libxl record EMULATOR_XENSTORE_DATA: found more than "
                        "%u physmap entries, allowed at most that",
                        XSR_MAX_PHYSMAP_ENTRIES);
    if (entry->mask & 1u << subkey)
        return xsr_fail(err, XSR_E_FORMAT,
                        "libxl record EMULATOR_XENSTORE_DATA: found key "
                        "\"%s\" twice, allowed once",
                        quoted);
    entry->mask |= 1u << subkey;
    return 0;
}

static int check_entries(const struct entries *all, struct xsr_err *err)
{
    for (size_t i = 0; i < all->n; i++)
        for (int k = START_ADDR; k <= SIZE; k++)
            if (!(all->e[i].mask & 1u << k))
                return xsr_fail(err, XSR_E_FORMAT,
                                "libxl record EMULATOR_XENSTORE_DATA: found "
                                "no key physmap/%.*s/%s, every entry needs "
                                "start_addr and size",
                                (int)all->e[i].len, all->e[i].hex, subkeys[k]);
    return 0;
}

static int get_string(struct xsr_cur *cur, const char *what, const char **out,
                      struct xsr_err *err)
{
    size_t left = xsr_cur_left(cur);
    uint64_t at = xsr_cur_offset(cur);
    const uint8_t *p, *nul;

    if (!left) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxl record EMULATOR_XENSTORE_DATA: found a key without "
                 "value at its end, allowed only pairs");
        return xsr_err_at(err, at);
    }
    p = cur->p + cur->pos;
    nul = memchr(p, '\0', left);
    if (!nul) {
        xsr_fail(err, XSR_E_FORMAT,
                 "libxl record EMULATOR_XENSTORE_DATA: found no NUL behind a "
                 "%s, every string must end with one",
                 what);
        return xsr_err_at(err, at);
    }
    *out = (const char *)p;
    return xsr_get_view(cur, (size_t)(nul - p) + 1, &p, what, err);
}

static int get_pairs(struct xsr_cur *cur, struct xsr_xskeys *out,
                     struct entries *all, struct xsr_err *err)
{
    uint64_t start = xsr_cur_offset(cur);

    while (xsr_cur_left(cur)) {
        uint64_t at = xsr_cur_offset(cur);
        struct xsr_xskey pair;

        if (get_string(cur, "key", &pair.key, err) ||
            get_string(cur, "value", &pair.value, err))
            return -1;
        /* At most three pairs an entry, so the array is large enough. */
        if (check_pair(all, &pair, err))
            return xsr_err_at(err, at);
        out->pair[out->n++] = pair;
    }
    return check_entries(all, err) ? xsr_err_at(err, start) : 0;
}

int xsr_xskeys_get(struct xsr_cur *cur, struct xsr_xskeys *out,
                   struct xsr_err *err)
{
    struct entries *all = calloc(1, sizeof *all);
    int rc = -1;

    out->n = 0;
    out->pair = calloc(MAX_PAIRS, sizeof *out->pair);
    if (!all || !out->pair)
        xsr_fail(err, XSR_E_NOMEM, "no memory for the emulator's keys");
    else
        rc = get_pairs(cur, out, all, err);
    free(all);
    if (rc)
        xsr_xskeys_fini(out);
    return rc;
}

int xsr_xskeys_put(struct xsr_buf *out, const char *key, const char *value,
                   struct xsr_err *err)
{
    if (xsr_buf_put(out, key, strlen(key) + 1, err) ||
        xsr_buf_put(out, value, strlen(value) + 1, err))
        return -1;
    return 0;
}

void xsr_xskeys_fini(struct xsr_xskeys *keys)
{
    free(keys->pair);
    keys->pair = NULL;
    keys->n = 0;
}
