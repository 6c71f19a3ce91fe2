/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Damages an image on purpose: `mutate EDIT... < in > out`, edits in the order
 * given, each on the result of the one before. The whole image is in memory,
 * so this is for the small images of tests. Records are found by frame lengths
 * alone; behind damage nothing is found any more, so structural edits come
 * first. It shares no judgement with stream/, only the names of records.
 */
#include <ctype.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/buf.h"
#include "lib/bytes.h"
#include "lib/fd.h"
#include "lib/util.h"
#include "stream/xc3.h"
#include "stream/xl2.h"

static const char usage[] =
    "usage: mutate EDIT... < IMAGE > RESULT\n"
    "  offsets                      list instead: layer, name, n, offset of the\n"
    "                               header, length of the body, one a line\n"
    "  put:OFFSET:HEX               overwrite bytes\n"
    "  cut:OFFSET                   end there (-N: N bytes before the end)\n"
    "  append:HEX                   behind the last byte\n"
    "  body:LAYER:TYPE:N:OFF:HEX    overwrite inside the body of a record\n"
    "  setlen:LAYER:TYPE:N:VALUE    change the length field alone\n"
    "  settype:LAYER:TYPE:N:VALUE   change the type field alone\n"
    "  drop:LAYER:TYPE[:N]          take the n-th such record out\n"
    "  dup:LAYER:TYPE[:N]           put a copy behind it\n"
    "  swap:LAYER:TYPE[:N]          exchange it with the next of its layer\n"
    "  move:LAYER:TYPE:N:BEFORE:M   put it in front of another\n"
    "  insert:LAYER:BEFORE:HEX[:M]  raw bytes in front of a record\n"
    "  record:LAYER:BEFORE:M:TYPE:HEX    the same, framed and padded\n"
    "LAYER: xl, libxl, libxc. TYPE: a name as listed, or a number. N, M: from\n"
    "0. HEX may be empty, or zeros*COUNT.\n";

struct row {
    const char *layer, *name;
    uint32_t type, n;                  /* n-th of its name in its layer */
    size_t start, body, body_len, end; /* end: behind the padding */
};

static struct xsr_buf image;
static struct row *rows;
static size_t n_rows;
static struct xsr_err err = XSR_ERR_INIT;

static void __attribute__((noreturn, format(printf, 1, 2)))
die(const char *fmt, ...)
{
    va_list ap;

    va_start(ap, fmt);
    fputs("mutate: ", stderr);
    vfprintf(stderr, fmt, ap);
    fputc('\n', stderr);
    va_end(ap);
    exit(2);
}

static void must(int rc)
{
    if (rc)
        die("%s", err.text);
}

/* ---- finding records ------------------------------------------------------
 */

static size_t add_row(const char *layer, const char *name, uint32_t type,
                      size_t start, size_t head, size_t len, bool padded)
{
    static size_t cap;
    uint32_t n = 0;

    if (n_rows == cap) {
        cap = cap ? 2 * cap : 256;
        rows = realloc(rows, cap * sizeof *rows);
        if (!rows)
            die("no memory");
    }
    for (size_t i = n_rows; i-- > 0;)
        if (!strcmp(rows[i].layer, layer) && !strcmp(rows[i].name, name)) {
            n = rows[i].n + 1;
            break;
        }
    rows[n_rows++] = (struct row){
        layer, name,
        type,  n,
        start, start + head,
        len,   start + head + (padded ? xsr_round_up(len, 8) : len),
    };
    return rows[n_rows - 1].end;
}

static bool have(size_t at, size_t n)
{
    return at <= image.len && n <= image.len - at;
}

/* Records of one layer from at on; returns behind the last one found. */
static size_t find_records(const char *layer, size_t at, bool libxc)
{
    uint32_t type, len;

    while (have(at, 8)) {
        type = xsr_le32(image.p + at);
        len = xsr_le32(image.p + at + 4);
        if (!have(at + 8, xsr_round_up(len, 8)))
            break;
        at = add_row(layer,
                     libxc ? xsr_xc3_type_name(type) : xsr_xl2_type_name(type),
                     type, at, 8, len, true);
        if (type == (libxc ? (uint32_t)XSR_XC3_END : (uint32_t)XSR_XL2_END))
            break;
        if (!libxc && type == XSR_XL2_LIBXC_CONTEXT && have(at, 40)) {
            at = add_row("libxc", "image-header", 0, at, 0, 24, false);
            at = add_row("libxc", "domain-header", 0, at, 0, 16, false);
            at = find_records("libxc", at, true);
        }
    }
    return at;
}

static void find_rows(void)
{
    size_t at = 0;

    n_rows = 0;
    if (have(0, 48) && !memcmp(image.p, "Xen saved domain", 16)) {
        uint32_t len = xsr_le32(image.p + 44);

        at = add_row("xl", "header", 0, 0, 0, 48, false);
        if (!have(at, len))
            return;
        at = add_row("xl", "configuration", 0, at, 0, len, false);
    }
    if (have(at, 16) && !memcmp(image.p + at, "LibxlFmt", 8)) {
        at = add_row("libxl", "header", 0, at, 0, 16, false);
        find_records("libxl", at, false);
    } else if (have(at, 40)) {
        at = add_row("libxc", "image-header", 0, at, 0, 24, false);
        at = add_row("libxc", "domain-header", 0, at, 0, 16, false);
        find_records("libxc", at, true);
    }
}

static void list_rows(void)
{
    for (size_t i = 0; i < n_rows; i++)
        printf("%s %s %u %zu %zu\n", rows[i].layer, rows[i].name, rows[i].n,
               rows[i].start, rows[i].body_len);
}

/* ---- edits -----------------------------------------------------------------
 */

#define MAX_ARGS 8

static uint64_t number(const char *text)
{
    char *end;
    unsigned long long v;

    errno = 0;
    v = strtoull(text, &end, 0);
    if (errno || end == text || *end)
        die("\"%s\" is not a number", text);
    return v;
}

static void put_hex(struct xsr_buf *out, const char *hex)
{
    if (!strncmp(hex, "zeros*", 6)) {
        must(xsr_buf_put_zero(out, number(hex + 6), &err));
        return;
    }
    for (; *hex; hex += 2) {
        char digits[3] = {hex[0], hex[1], 0};
        uint8_t byte;

        if (!isxdigit((unsigned char)hex[0]) ||
            !isxdigit((unsigned char)hex[1]))
            die("\"%s\" is not hexadecimal", hex);
        byte = (uint8_t)strtoul(digits, NULL, 16);
        must(xsr_buf_put(out, &byte, 1, &err));
    }
}

static const struct row *find(const char *layer, const char *type,
                              const char *n_text)
{
    uint64_t n = n_text ? number(n_text) : 0;
    bool by_number = isdigit((unsigned char)type[0]);

    for (size_t i = 0; i < n_rows; i++) {
        const struct row *r = &rows[i];
        bool same = by_number ? r->type == number(type) && r->body != r->start
                              : !strcmp(r->name, type);

        if (strcmp(r->layer, layer) || !same)
            continue;
        if (by_number ? n-- == 0 : r->n == n)
            return r;
    }
    die("found no %s record %s number %s", layer, type, n_text ? n_text : "0");
}

static void overwrite(size_t at, const char *hex)
{
    struct xsr_buf bytes = XSR_BUF_INIT;

    put_hex(&bytes, hex);
    if (!have(at, bytes.len))
        die("%zu bytes at %zu are not inside the image", bytes.len, at);
    if (bytes.len)
        memcpy(image.p + at, bytes.p, bytes.len);
    xsr_buf_fini(&bytes);
}

/* The image becomes [0,at) + bytes + [skip_to,...). bytes: not of the image. */
static void splice(size_t at, const struct xsr_buf *bytes, size_t skip_to)
{
    struct xsr_buf result = XSR_BUF_INIT;

    must(xsr_buf_reserve(&result, image.len + bytes->len, &err));
    must(xsr_buf_put(&result, image.p, at, &err));
    must(xsr_buf_put(&result, bytes->p, bytes->len, &err));
    must(xsr_buf_put(&result, image.p + skip_to, image.len - skip_to, &err));
    xsr_buf_fini(&image);
    image = result;
}

static void copy_out(struct xsr_buf *out, const struct row *r)
{
    must(xsr_buf_put(out, image.p + r->start, r->end - r->start, &err));
}

static void move_record(const struct row *r, size_t to)
{
    static const struct xsr_buf nothing = XSR_BUF_INIT;
    struct xsr_buf bytes = XSR_BUF_INIT;
    size_t len = r->end - r->start, start = r->start, end = r->end;

    if (to > start && to < end)
        die("a record cannot move into itself");
    copy_out(&bytes, r);
    splice(start, &nothing, end);
    if (to >= end)
        to -= len;
    splice(to, &bytes, to);
    xsr_buf_fini(&bytes);
}

static void swap_record(const struct row *r)
{
    for (const struct row *next = r + 1; next < rows + n_rows; next++)
        if (!strcmp(next->layer, r->layer)) {
            if (next->start != r->end)
                die("the next %s record is not right behind it", r->layer);
            move_record(r, next->end);
            return;
        }
    die("there is no next %s record", r->layer);
}

static void insert_bytes(const struct row *before, const char *hex)
{
    struct xsr_buf bytes = XSR_BUF_INIT;

    put_hex(&bytes, hex);
    splice(before->start, &bytes, before->start);
    xsr_buf_fini(&bytes);
}

static void insert_record(const struct row *before, const char *type_name,
                          const char *hex)
{
    struct xsr_buf body = XSR_BUF_INIT, rec = XSR_BUF_INIT;
    bool libxc = !strcmp(before->layer, "libxc");
    uint32_t type = 0;

    if (isdigit((unsigned char)type_name[0])) {
        type = (uint32_t)number(type_name);
    } else {
        while (type < 32 &&
               strcmp(libxc ? xsr_xc3_type_name(type) : xsr_xl2_type_name(type),
                      type_name))
            type++;
        if (type == 32)
            die("there is no %s record type %s", before->layer, type_name);
    }
    put_hex(&body, hex);
    must(xsr_xc3_put_rec(&rec, type, body.p, (uint32_t)body.len, &err));
    splice(before->start, &rec, before->start);
    xsr_buf_fini(&body);
    xsr_buf_fini(&rec);
}

static void edit_bytes(char **a, int n)
{
    if (!strcmp(a[0], "put") && n == 3) {
        overwrite(number(a[1]), a[2]);
    } else if (!strcmp(a[0], "append") && n == 2) {
        put_hex(&image, a[1]);
    } else if (!strcmp(a[0], "cut") && n == 2) {
        uint64_t at =
            a[1][0] == '-' ? image.len - number(a[1] + 1) : number(a[1]);

        if (at > image.len)
            die("%s is behind the end at %zu", a[1], image.len);
        image.len = at;
    } else {
        die("unknown edit \"%s\"\n%s", a[0], usage);
    }
}

static void edit_record(char **a, int n, const struct row *r)
{
    struct xsr_buf bytes = XSR_BUF_INIT;

    if (!strcmp(a[0], "drop")) {
        splice(r->start, &bytes, r->end);
    } else if (!strcmp(a[0], "dup")) {
        copy_out(&bytes, r);
        splice(r->end, &bytes, r->end);
    } else if (!strcmp(a[0], "swap")) {
        swap_record(r);
    } else if (!strcmp(a[0], "setlen") && n == 5 && r->body != r->start) {
        xsr_st_le32(image.p + r->start + 4, (uint32_t)number(a[4]));
    } else if (!strcmp(a[0], "settype") && n == 5 && r->body != r->start) {
        xsr_st_le32(image.p + r->start, (uint32_t)number(a[4]));
    } else if (!strcmp(a[0], "body") && n == 6) {
        overwrite(r->body + number(a[4]), a[5]);
    } else if (!strcmp(a[0], "record") && n == 6) {
        insert_record(r, a[4], a[5]);
    } else if (!strcmp(a[0], "move") && n == 6) {
        move_record(r, find(a[1], a[4], a[5])->start);
    } else {
        die("edit \"%s\" with %d arguments\n%s", a[0], n - 1, usage);
    }
    xsr_buf_fini(&bytes);
}

static void apply(char *edit)
{
    char *a[MAX_ARGS], *rest = edit;
    int n = 0;

    while (rest && n < MAX_ARGS)
        a[n++] = strsep(&rest, ":");
    if (rest)
        die("too many arguments in an edit");
    find_rows();
    if (!strcmp(a[0], "offsets"))
        list_rows();
    else if (!strcmp(a[0], "insert") && (n == 4 || n == 5))
        insert_bytes(find(a[1], a[2], n > 4 ? a[4] : NULL), a[3]);
    else if (n >= 3 && (!strcmp(a[1], "xl") || !strcmp(a[1], "libxl") ||
                        !strcmp(a[1], "libxc")))
        edit_record(a, n, find(a[1], a[2], n > 3 ? a[3] : NULL));
    else
        edit_bytes(a, n);
}

int main(int argc, char **argv)
{
    bool listing = argc == 2 && !strcmp(argv[1], "offsets");
    size_t got = 1;

    if (argc < 2) {
        fputs(usage, stderr);
        return 2;
    }
    while (got) {
        must(xsr_buf_reserve(&image, 4u << 20, &err));
        must(xsr_read_upto(0, image.p + image.len, 4u << 20, &got, "input",
                           &err));
        image.len += got;
    }
    for (int i = 1; i < argc; i++)
        apply(argv[i]);
    if (!listing)
        must(xsr_write_all(1, image.p, image.len, "standard output", &err));
    xsr_buf_fini(&image);
    free(rows);
    return 0;
}
