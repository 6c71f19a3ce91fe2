/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Reads a device state piece by piece and collects what looks like a section
 * header, a subsection or the description at the end. Every true header has
 * this look, so none is missed; a guest can plant more of them, which is
 * split.c's problem. Comes after libxl's EMULATOR_CONTEXT or XenServer's Qemu
 * record; ends with the grade of the split.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/limits.h"
#include "stream/qemu/split.h"

#define MAGIC       "QEVM"
#define FILE_HDR    8u /* magic, version */
#define VERSION     3u
#define PIECE       (64u << 10)
#define HEAD        4096u /* holds a configuration section */
#define FOOTER_LEN  5u
#define MAX_HEADER  (14u + 255u)
#define MAX_ID      4096u
#define MAX_NUMBER  65536u
#define MAX_VERSION 256u

enum {
    T_EOF = 0x00,
    T_START = 0x01,
    T_PART = 0x02,
    T_END = 0x03,
    T_FULL = 0x04,
    T_SUB = 0x05,
    T_DESCRIPTION = 0x06,
    T_CONFIGURATION = 0x07,
    T_FOOTER = 0x7e
};

static uint32_t be32(const uint8_t *p)
{
    return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 |
           p[3];
}

void xsr_qemu_init(struct xsr_qemu *q, uint64_t base)
{
    *q = (struct xsr_qemu){.base = base, .window_at = base};
    xsr_err_clear(&q->finding);
}

void xsr_qemu_fini(struct xsr_qemu *q)
{
    xsr_buf_fini(&q->window);
    xsr_buf_fini(&q->head);
    free(q->sections);
    free(q->subs);
    q->sections = NULL;
    q->subs = NULL;
    q->n_sections = q->n_subs = q->sections_cap = q->subs_cap = 0;
}

void xsr_qemu_degrade(struct xsr_qemu *q, enum xsr_qemu_grade grade,
                      uint64_t offset, const char *fmt, ...)
{
    char text[XSR_ERR_TEXT];
    va_list ap;

    if (grade > q->grade)
        q->grade = grade;
    if (q->finding.kind != XSR_E_OK)
        return;
    va_start(ap, fmt);
    vsnprintf(text, sizeof text, fmt, ap);
    va_end(ap);
    xsr_fail(&q->finding, XSR_E_FORMAT, "%s", text);
    xsr_err_at(&q->finding, offset);
}

/* ---- what looks like one ------------------------------------------------- */

static bool is_name(const uint8_t *p, size_t n)
{
    static const char others[] = "_-./:,+() @#";

    for (size_t i = 0; i < n; i++) {
        bool alnum = (p[i] >= '0' && p[i] <= '9') ||
                     ((p[i] | 0x20) >= 'a' && (p[i] | 0x20) <= 'z');

        if (!alnum && (i == 0 || !p[i] || !strchr(others, p[i])))
            return false;
    }
    return n > 0;
}

/* One more element for an array that grows by doubling, up to the limit. */
static int grow(void **array, size_t *cap, size_t n, size_t size,
                struct xsr_err *err)
{
    size_t more = *cap ? *cap * 2 : 64;
    void *p;

    if (n < *cap)
        return 0;
    p = realloc(*array, more * size);
    if (!p)
        return xsr_fail(err, XSR_E_NOMEM,
                        "no memory for the sections of a device state");
    *array = p;
    *cap = more;
    return 0;
}

/* p[0] is at offset; n bytes are there, back bytes in front of p too. */
static int take_header(struct xsr_qemu *q, const uint8_t *p, size_t n,
                       size_t back, uint64_t offset, struct xsr_err *err)
{
    struct xsr_qemu_section *s;
    size_t len = n > 5 ? p[5] : 0;
    const char *slash;

    if (n < 14 + len || be32(p + 1) >= MAX_ID || !is_name(p + 6, len) ||
        be32(p + 6 + len) >= MAX_NUMBER || be32(p + 10 + len) >= MAX_VERSION)
        return 0;
    if (q->n_sections == XSR_MAX_QEMU_SECTIONS) {
        q->too_many = true;
        return 0;
    }
    if (grow((void **)&q->sections, &q->sections_cap, q->n_sections, sizeof *s,
             err))
        return -1;
    s = &q->sections[q->n_sections++];
    *s = (struct xsr_qemu_section){
        .offset = offset,
        .body = offset + 14 + len,
        .id = be32(p + 1),
        .instance = be32(p + 6 + len),
        .version = be32(p + 10 + len),
        .type = p[0],
    };
    memcpy(s->idstr, p + 6, len);
    slash = strrchr(s->idstr, '/');
    s->name_at = (uint8_t)(slash ? slash + 1 - s->idstr : 0);
    if (back >= FOOTER_LEN && p[-5] == T_FOOTER) {
        s->after_footer = true;
        s->footer_id = be32(p - 4);
    }
    return 0;
}

static int take_sub(struct xsr_qemu *q, const uint8_t *p, size_t n,
                    uint64_t offset, struct xsr_err *err)
{
    struct xsr_qemu_sub *s;
    size_t len = n > 1 ? p[1] : 0;

    if (len < 3 || n < 6 + len || !is_name(p + 2, len) ||
        be32(p + 2 + len) >= MAX_VERSION ||
        (!memchr(p + 2, '/', len) && !memchr(p + 2, '_', len)) ||
        q->n_subs == XSR_MAX_QEMU_SECTIONS)
        return 0;
    if (grow((void **)&q->subs, &q->subs_cap, q->n_subs, sizeof *s, err))
        return -1;
    s = &q->subs[q->n_subs++];
    *s = (struct xsr_qemu_sub){.offset = offset,
                               .body = offset + 6 + len,
                               .version = be32(p + 2 + len)};
    memcpy(s->name, p + 2, len);
    return 0;
}

/* The end byte with a description behind it. */
static void take_ending(struct xsr_qemu *q, const uint8_t *p, size_t n,
                        size_t back, uint64_t offset)
{
    bool footer = back >= FOOTER_LEN && p[-5] == T_FOOTER;

    if (n < 7 || p[1] != T_DESCRIPTION || p[6] != '{')
        return;
    q->endings[q->n_endings++ % XSR_ARRAY_LEN(q->endings)] =
        (struct xsr_qemu_ending){offset, be32(p + 2), footer ? be32(p - 4) : 0,
                                 footer};
}

/* Look at the window up to a place behind which a header may be cut off. */
static int scan(struct xsr_qemu *q, size_t keep, struct xsr_err *err)
{
    const uint8_t *p = q->window.p;
    size_t len = q->window.len, i;
    int rc = 0;

    for (i = q->scanned; i + keep < len && rc == 0; i++) {
        uint64_t at = q->window_at + i;

        if (p[i] > T_SUB || at < q->base + FILE_HDR)
            continue;
        if (p[i] == T_FULL || (p[i] == T_START && at == q->base + FILE_HDR))
            rc = take_header(q, p + i, len - i, i, at, err);
        else if (p[i] == T_SUB)
            rc = take_sub(q, p + i, len - i, at, err);
        else if (p[i] == T_EOF)
            take_ending(q, p + i, len - i, i, at);
    }
    q->scanned = i;
    return rc;
}

int xsr_qemu_feed(struct xsr_qemu *q, const void *p, size_t n,
                  struct xsr_err *err)
{
    const uint8_t *bytes = p;

    while (n) {
        size_t piece = (size_t)xsr_min(n, PIECE), drop;

        if (xsr_buf_put(&q->window, bytes, piece, err))
            return -1;
        if (q->head.len < HEAD &&
            xsr_buf_put(&q->head, bytes,
                        (size_t)xsr_min(piece, HEAD - q->head.len), err))
            return -1;
        if (scan(q, MAX_HEADER, err))
            return -1;
        drop = q->scanned > FOOTER_LEN ? q->scanned - FOOTER_LEN : 0;
        xsr_buf_drop(&q->window, drop);
        q->window_at += drop;
        q->scanned -= drop;
        q->len += piece;
        bytes += piece;
        n -= piece;
    }
    return 0;
}

/* ---- beginning and end of the file --------------------------------------- */

/* Length of a configuration subsection's body; -1: unknown to us. */
static int64_t config_body(const char *name, const uint8_t *p, size_t n)
{
    uint32_t count;
    size_t pos = 4;

    if (!strcmp(name, "configuration/target-page-bits"))
        return 4;
    if (!strcmp(name, "configuration/uuid"))
        return 16;
    if (strcmp(name, "configuration/capabilities") != 0 || n < 4)
        return -1;
    for (count = be32(p); count && pos < n; count--)
        pos += 1u + p[pos];
    return count ? -1 : (int64_t)pos;
}

/* The machine's name and subsections; sets *pos_out behind it. */
static bool read_configuration(struct xsr_qemu *q, size_t *pos_out)
{
    const uint8_t *p = q->head.p;
    size_t n = q->head.len, pos = FILE_HDR + 5, len;
    char name[256];

    if (n < pos || (len = be32(p + FILE_HDR + 1)) >= sizeof q->machine ||
        len > n - pos || !is_name(p + pos, len))
        return false;
    memcpy(q->machine, p + pos, len);
    pos += len;
    while (pos + 2 < n && p[pos] == T_SUB) {
        int64_t body;

        len = p[pos + 1];
        if (n - pos < 6 + len)
            return false;
        memcpy(name, p + pos + 2, len);
        name[len] = '\0';
        pos += 6 + len;
        body = config_body(name, p + pos, n - pos);
        if (body < 0 || (uint64_t)body > n - pos)
            return false;
        pos += (size_t)body;
    }
    *pos_out = pos;
    return true;
}

/* Offset of the first section, or 0 with a finding. */
static uint64_t find_start(struct xsr_qemu *q)
{
    size_t pos = FILE_HDR;

    if (q->len < FILE_HDR + 1 || memcmp(q->head.p, MAGIC, 4) != 0) {
        xsr_qemu_degrade(q, XSR_QEMU_MALFORMED, q->base,
                         "device state: found no \"QEVM\" and version in front "
                         "of %llu bytes",
                         (unsigned long long)q->len);
        return 0;
    }
    if (be32(q->head.p + 4) != VERSION) {
        xsr_qemu_degrade(q, XSR_QEMU_MALFORMED, q->base + 4,
                         "device state: found file version %u, allowed %u",
                         be32(q->head.p + 4), VERSION);
        return 0;
    }
    if (q->head.p[FILE_HDR] == T_CONFIGURATION &&
        !read_configuration(q, &pos)) {
        xsr_qemu_degrade(q, XSR_QEMU_MALFORMED, q->base + FILE_HDR,
                         "device state: the configuration section cannot be "
                         "followed");
        return 0;
    }
    return q->base + pos;
}

/* The end byte; at is 0 with a finding. */
static struct xsr_qemu_ending find_eof(struct xsr_qemu *q)
{
    uint64_t end = q->base + q->len;
    const uint8_t *last = q->window.p + q->window.len - 1;
    uint32_t n = (uint32_t)xsr_min(q->n_endings, XSR_ARRAY_LEN(q->endings));

    /* from the end: what is in front of it may be planted */
    for (uint32_t k = 1; k <= n; k++) {
        const struct xsr_qemu_ending *e =
            &q->endings[(q->n_endings - k) % XSR_ARRAY_LEN(q->endings)];

        if (e->at + 6 + e->len != end)
            continue;
        q->desc_offset = e->at + 6;
        q->desc_len = e->len;
        return *e;
    }
    if (*last == T_EOF)
        return (struct xsr_qemu_ending){end - 1, 0, be32(last - 4),
                                        last[-5] == T_FOOTER};
    xsr_qemu_degrade(q, XSR_QEMU_MALFORMED, end,
                     "device state: no end byte 0x00 at its end: it is cut "
                     "off, or something follows");
    return (struct xsr_qemu_ending){0, 0, 0, false};
}

/* Traditional QEMU: "ram" without content is a start, a part and an end. */
static size_t prologue_len(const struct xsr_qemu *q, uint64_t start)
{
    size_t at = (size_t)(start - q->base), len;
    const uint8_t *p = q->head.p + at;

    if (at >= q->head.len || p[0] != T_START || q->head.len - at < 6)
        return 0;
    len = 14u + p[5];
    if (q->head.len - at < len + 10 || p[len] != T_PART ||
        p[len + 5] != T_END || memcmp(p + len + 1, p + 1, 4) != 0 ||
        memcmp(p + len + 6, p + 1, 4) != 0)
        return 0;
    return 10;
}

/* ---- who wrote it -------------------------------------------------------- */

static void find_producer(struct xsr_qemu *q)
{
    static const char *const traditional[] = {"gpe", "piix4acpi",
                                              "platform_fixed_ioport"};

    for (size_t i = 0; i < q->n_sections; i++) {
        const struct xsr_qemu_section *s = &q->sections[i];

        for (size_t k = 0; k < XSR_ARRAY_LEN(traditional); k++)
            if (!strcmp(s->idstr, traditional[k]))
                q->producer = XSR_QEMU_TRADITIONAL;
        if (s->type == T_START)
            q->producer = XSR_QEMU_TRADITIONAL;
        else if (q->producer == XSR_QEMU_UNKNOWN &&
                 (s->name_at || s->footer || *q->machine))
            q->producer = XSR_QEMU_UPSTREAM;
    }
}

/* Leave the headers from start to eof. */
static void keep_between(struct xsr_qemu *q, uint64_t start, uint64_t eof)
{
    size_t n = 0;

    for (size_t i = 0; i < q->n_sections; i++)
        if (q->sections[i].offset >= start && q->sections[i].body <= eof)
            q->sections[n++] = q->sections[i];
    q->n_sections = n;
}

static int split(struct xsr_qemu *q, struct xsr_err *err)
{
    uint64_t start = find_start(q);
    struct xsr_qemu_ending eof = {0, 0, 0, false};
    size_t prologue;

    if (start)
        eof = find_eof(q);
    if (!eof.at)
        return 0;
    q->eof = eof.at;
    if (start == eof.at) {
        q->n_sections = 0;
        xsr_qemu_degrade(q, XSR_QEMU_HEURISTIC, start,
                         "device state: it has no section: every device would "
                         "start in its reset state");
        return 0;
    }
    keep_between(q, start, eof.at);
    if (!q->n_sections || q->sections[0].offset != start) {
        xsr_qemu_degrade(q, XSR_QEMU_MALFORMED, start,
                         "device state: found no section header where the "
                         "first one begins");
        return 0;
    }
    prologue = prologue_len(q, start);
    if (prologue && q->sections[0].body + prologue <= eof.at)
        q->sections[0].body += prologue;
    else if (q->sections[0].type == T_START) {
        xsr_qemu_degrade(q, XSR_QEMU_MALFORMED, start,
                         "device state: found guest memory in it, which a "
                         "state that Xen's toolstack saves never has");
        return 0;
    }
    return xsr_qemu_choose(q, &eof, err);
}

int xsr_qemu_end(struct xsr_qemu *q, struct xsr_err *err)
{
    int rc = scan(q, 0, err);

    if (rc == 0)
        rc = split(q, err);
    if (q->grade == XSR_QEMU_MALFORMED)
        q->n_sections = 0;
    find_producer(q);
    return rc;
}
