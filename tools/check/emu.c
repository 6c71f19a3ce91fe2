/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The emulator's two libxl records: xenstore keys, all of which are judged,
 * and QEMU's device state, which stream/qemu splits into its sections. Comes
 * behind the image, so the number of vCPUs is known.
 */
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/qemu/qemu.h"
#include "stream/xl2.h"
#include "tools/check/check.h"

#define MAX_KEYS   (3 * XSR_MAX_PHYSMAP_ENTRIES)
#define BASE_SHORT 312u /* piix4_pm version 3 of machines up to 3.1 ... */
#define BASE_LONG  360u /* ... and from 4.0 on */

static bool judge_sub_header(struct chk *c, struct chk_rec *r, uint32_t *id_out)
{
    uint64_t at = chk_at(c);
    const uint8_t *p;

    if (r->len < XSR_XL2_EMU_HDR_LEN) {
        chk_find(c, CHK_EMU_SHORT, r->at, "%s of %u octets",
                 xsr_xl2_type_name(r->type), r->len);
        return false;
    }
    if (!(p = chk_body(c, r, XSR_XL2_EMU_HDR_LEN)))
        return false;
    *id_out = xsr_le32(p);
    if (*id_out > 2)
        chk_find(c, CHK_EMU_ID, at, "emulator %u", *id_out);
    else if (*id_out == 1)
        chk_find(c, CHK_EMU_TRADITIONAL, at, "%s of QEMU traditional",
                 xsr_xl2_type_name(r->type));
    if (xsr_le32(p + 4))
        chk_find(c, CHK_EMU_INDEX, at + 4, "index %u", xsr_le32(p + 4));
    return true;
}

/* ---- keys ---------------------------------------------------------------- */

static size_t hex_len(const char *s)
{
    return strspn(s, "0123456789abcdefABCDEF");
}

/* 0, 1, 2: start_addr, size, name; -1: no key that is allowed. */
static int which_key(const char *key, size_t *entry_len_out)
{
    static const char *const last[] = {"/start_addr", "/size", "/name"};
    size_t n;

    if (strncmp(key, "physmap/", 8) != 0)
        return -1;
    n = hex_len(key + 8);
    *entry_len_out = 8 + n;
    for (int i = 0; n && n <= 16 && i < 3; i++)
        if (!strcmp(key + 8 + n, last[i]))
            return i;
    return -1;
}

static bool good_value(int which, const char *v)
{
    size_t n = strlen(v), i;

    if (which < 2)
        return n && n <= 16 && hex_len(v) == n;
    for (i = 0; i < n && isprint((unsigned char)v[i]); i++)
        ;
    return n && n <= 255 && i == n;
}

struct keys {
    const char *key[MAX_KEYS];
    size_t n;
};

static void judge_pair(struct chk *c, struct keys *k, const char *key,
                       const char *value, uint64_t at)
{
    size_t entry_len;
    int which = which_key(key, &entry_len);
    char shown[60];

    if (which < 0) {
        chk_find(c, CHK_KEYS_KEY, at, "key \"%s\"",
                 xsr_err_quote(key, strlen(key), shown, sizeof shown));
        return;
    }
    if (!good_value(which, value))
        chk_find(c, CHK_KEYS_VALUE, at + strlen(key) + 1, "value \"%s\" of %s",
                 xsr_err_quote(value, strlen(value), shown, sizeof shown), key);
    for (size_t i = 0; i < k->n; i++)
        if (!strcmp(k->key[i], key)) {
            chk_find(c, CHK_KEYS_REPEATED, at, "a second %s", key);
            return;
        }
    if (k->n == MAX_KEYS) {
        if (!chk_has(c, CHK_KEYS_COUNT))
            chk_find(c, CHK_KEYS_COUNT, at, "more than %u entries",
                     XSR_MAX_PHYSMAP_ENTRIES);
        return;
    }
    k->key[k->n++] = key;
}

static void judge_whole(struct chk *c, const struct keys *k, uint64_t at)
{
    for (size_t i = 0; i < k->n; i++) {
        size_t len, other, same = 0;
        bool first = true;

        which_key(k->key[i], &len);
        for (size_t n = 0; n < k->n; n++) {
            which_key(k->key[n], &other);
            if (other != len || strncmp(k->key[n], k->key[i], len) != 0)
                continue;
            first &= n >= i;
            same++;
        }
        if (first && same < 3)
            chk_find(c, CHK_KEYS_INCOMPLETE, at, "%.*s has %zu of its 3 keys",
                     (int)len, k->key[i], same);
    }
}

static void judge_keys(struct chk *c, const char *p, size_t len, uint64_t at)
{
    struct keys *k = calloc(1, sizeof *k);
    size_t pos = 0;

    while (k && pos < len) {
        const char *key = p + pos, *value;
        size_t key_len = strnlen(key, len - pos), value_len;

        value = key + key_len + 1;
        if (pos + key_len + 1 >= len) {
            chk_find(c, CHK_KEYS_TERMINATED, at + pos, "%s",
                     pos + key_len == len ? "a key without its NUL"
                                          : "a key without a value");
            break;
        }
        value_len = strnlen(value, len - (size_t)(value - p));
        if ((size_t)(value - p) + value_len == len) {
            chk_find(c, CHK_KEYS_TERMINATED, at + (uint64_t)(value - p),
                     "a value without its NUL");
            break;
        }
        judge_pair(c, k, key, value, at + pos);
        pos = (size_t)(value - p) + value_len + 1;
    }
    if (k)
        judge_whole(c, k, at);
    free(k);
}

void chk_emu_keys(struct chk *c, struct chk_rec *r)
{
    uint32_t id, len;
    uint64_t at;
    char *text;

    if (!judge_sub_header(c, r, &id))
        return;
    at = chk_at(c);
    len = r->left;
    if (!len)
        chk_find(c, CHK_KEYS_EMPTY, r->at, "no keys");
    if (len > XSR_MAX_XENSTORE_DATA) {
        chk_find(c, CHK_KEYS_TOO_LONG, r->at, "%u octets of keys, allowed %u",
                 len, XSR_MAX_XENSTORE_DATA);
        return;
    }
    text = malloc((size_t)len + 1);
    for (uint32_t have = 0; text && have < len;) {
        uint32_t n = (uint32_t)xsr_min(len - have, CHK_LOOK_MAX);
        const uint8_t *p = chk_body(c, r, n);

        if (!p) {
            free(text);
            return;
        }
        memcpy(text + have, p, n);
        have += n;
    }
    if (text)
        judge_keys(c, text, len, at);
    free(text);
}

/* ---- QEMU ---------------------------------------------------------------- */

/* Its length without subsections. */
static uint64_t base_len(const struct xsr_qemu *q,
                         const struct xsr_qemu_section *s)
{
    for (size_t i = 0; i < q->n_subs; i++)
        if (q->subs[i].offset >= s->body &&
            q->subs[i].offset < s->body + s->len)
            return q->subs[i].offset - s->body;
    return s->len;
}

static void judge_sections(struct chk *c, const struct xsr_qemu *q)
{
    uint32_t cpus = 0;

    for (size_t i = 0; i < q->n_sections; i++) {
        const struct xsr_qemu_section *s = &q->sections[i];
        const char *name = xsr_qemu_name(s);

        cpus += !strcmp(name, "cpu");
        for (size_t k = 0; k < i; k++)
            if (s->instance == q->sections[k].instance &&
                !strcmp(s->idstr, q->sections[k].idstr)) {
                chk_find(c, CHK_QEMU_REPEATED, s->offset,
                         "a second section %s/%u", s->idstr, s->instance);
                break;
            }
        if (!strcmp(name, "piix4_pm") && s->version == 3) {
            c->f.piix4_short |= base_len(q, s) == BASE_SHORT;
            c->f.piix4_long |= base_len(q, s) == BASE_LONG;
        }
        if (!strcmp(name, "piix4acpi") && s->version == 2 && s->len == 278)
            chk_find(c, CHK_QEMU_PIIX4ACPI, s->offset,
                     "piix4acpi says version 2 and has the length of version "
                     "1; xensr convert --fix-piix4acpi repairs it");
    }
    if (cpus && q->producer == XSR_QEMU_UPSTREAM && c->f.have_image &&
        c->f.n_avail && cpus != c->f.n_avail)
        chk_find(c, CHK_QEMU_CPUS, q->base,
                 "%u cpu sections, the configuration starts QEMU with %u", cpus,
                 c->f.n_avail);
}

static void judge_grade(struct chk *c, const struct xsr_qemu *q)
{
    uint64_t at =
        q->finding.offset == XSR_NO_OFFSET ? q->base : q->finding.offset;
    enum chk_rule rule = q->grade == XSR_QEMU_MALFORMED  ? CHK_QEMU_MALFORMED
                         : q->grade == XSR_QEMU_MISMATCH ? CHK_QEMU_MISMATCH
                         : q->grade >= XSR_QEMU_SUSPECT  ? CHK_QEMU_ODD
                                                         : CHK_QEMU_SPLIT;

    if (!xsr_qemu_is_exact(q->grade))
        chk_find(c, rule, at, "%s (%s)",
                 q->finding.kind == XSR_E_OK ? "the bounds are not certain"
                                             : q->finding.text,
                 xsr_qemu_grade_name(q->grade));
}

static void judge_producer(struct chk *c, const struct xsr_qemu *q, uint32_t id)
{
    if ((id == 1 && q->producer == XSR_QEMU_UPSTREAM) ||
        (id == 2 && q->producer == XSR_QEMU_TRADITIONAL))
        chk_find(c, CHK_QEMU_PRODUCER, q->base,
                 "the record names emulator %u, its sections are those of %s",
                 id, xsr_qemu_producer_name(q->producer));
    c->f.n_sections = (uint32_t)q->n_sections;
    snprintf(c->f.qemu, sizeof c->f.qemu, "%s",
             xsr_qemu_producer_name(q->producer));
    if (q->producer == XSR_QEMU_TRADITIONAL)
        c->f.emulator = 1;
}

/* Feed the rest of the body; false: the input ends, or no memory. */
static bool feed(struct chk *c, struct chk_rec *r, struct xsr_qemu *q)
{
    struct xsr_err err = XSR_ERR_INIT;

    while (r->left) {
        uint32_t n = (uint32_t)xsr_min(r->left, CHK_LOOK_MAX);
        const uint8_t *p = chk_body(c, r, n);

        if (!p || xsr_qemu_feed(q, p, n, &err))
            return false;
    }
    return xsr_qemu_end(q, &err) == 0;
}

void chk_emu_state(struct chk *c, struct chk_rec *r)
{
    struct xsr_qemu q;
    size_t got;
    const uint8_t *p;
    uint32_t id;
    uint64_t at;

    if (!judge_sub_header(c, r, &id))
        return;
    c->f.have_emulator = true;
    c->f.emulator = (uint8_t)id;
    at = chk_at(c);
    p = chk_src_look(&c->src, xsr_min(r->left, 9), &got);
    if (got < 8 || memcmp(p, "QEVM\0\0\0\3", 8) != 0) {
        chk_find(c, CHK_QEMU_MAGIC, at,
                 "the state begins with others than QEVM and version 3");
        return;
    }
    if (got < 9 || p[8] == 0) {
        chk_find(c, CHK_QEMU_EMPTY, at + 8, "no device sections");
        if (r->left > 9)
            chk_find(c, CHK_QEMU_TRAILING, at + 9,
                     "%u octets behind the end octet", r->left - 9);
        if (r->left < 9)
            chk_find(c, CHK_QEMU_MALFORMED, at + 8, "no end octet");
        return;
    }
    xsr_qemu_init(&q, at);
    if (feed(c, r, &q)) {
        judge_grade(c, &q);
        judge_producer(c, &q, id);
        judge_sections(c, &q);
    }
    xsr_qemu_fini(&q);
}
