/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Text of the listing: trees of decoded values as "name=value", filled into
 * lines; octets as a hex dump with their place in the input. The spool keeps
 * text until what belongs in front of it is known.
 */
#include <ctype.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "tools/inspect/report.h"

#define LINE_END     110u
#define SPOOL_MEMORY (1u << 20)

/* ---- trees --------------------------------------------------------------- */

static bool is_nested(const json_t *v)
{
    return json_is_object(v) ||
           (json_is_array(v) && json_is_object(json_array_get(v, 0)));
}

/* A scalar, or a short array of them. */
static int scalar_text(struct xsr_buf *out, const json_t *v,
                       struct xsr_err *err)
{
    const json_t *one;
    char quoted[300];
    size_t i;

    switch (json_typeof(v)) {
    case JSON_STRING:
        return xsr_buf_printf(out, err, "%s",
                              xsr_err_quote(json_string_value(v),
                                            json_string_length(v), quoted,
                                            sizeof quoted));
    case JSON_INTEGER:
        return xsr_buf_printf(out, err, "%lld",
                              (long long)json_integer_value(v));
    case JSON_REAL:
        return xsr_buf_printf(out, err, "%g", json_real_value(v));
    case JSON_ARRAY:
        json_array_foreach(v, i,
                           one) if ((i && xsr_buf_put(out, ",", 1, err)) ||
                                    scalar_text(out, one, err)) return -1;
        return 0;
    default:
        return xsr_buf_printf(out, err, "%s",
                              json_is_true(v)    ? "yes"
                              : json_is_false(v) ? "no"
                                                 : "-");
    }
}

/* Behind the others of its line, or in a new one. */
static int put_pair(struct xsr_buf *out, size_t *column, unsigned indent,
                    const char *key, const json_t *v, struct xsr_err *err)
{
    struct xsr_buf pair = XSR_BUF_INIT;
    char name[80];
    int rc = -1;

    xsr_err_quote(key, strlen(key), name, sizeof name);
    if (xsr_buf_printf(&pair, err, "%s=", name) || scalar_text(&pair, v, err))
        goto out;
    if (*column && *column + 1 + pair.len > LINE_END) {
        if (xsr_buf_put(out, "\n", 1, err))
            goto out;
        *column = 0;
    }
    if (!*column) {
        if (xsr_buf_printf(out, err, "%*s", (int)indent, ""))
            goto out;
        *column = indent;
    } else if (xsr_buf_put(out, " ", 1, err)) {
        goto out;
    }
    *column += 1 + pair.len;
    rc = xsr_buf_put(out, pair.p, pair.len, err);
out:
    xsr_buf_fini(&pair);
    return rc;
}

static int put_pairs(struct xsr_buf *out, size_t column, unsigned indent,
                     const json_t *tree, struct xsr_err *err)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)tree, key, v)
    {
        if (!is_nested(v) && put_pair(out, &column, indent, key, v, err))
            return -1;
    }
    return column ? xsr_buf_put(out, "\n", 1, err) : 0;
}

static bool has_nested(const json_t *tree)
{
    const char *key;
    json_t *v;

    json_object_foreach((json_t *)tree, key, v)
    {
        if (is_nested(v))
            return true;
    }
    return false;
}

/* "name: a=1 b=2", and below it what has an inside of its own. */
static int put_named(struct xsr_buf *out, unsigned indent, const char *name,
                     const json_t *tree, struct xsr_err *err)
{
    if (!json_is_object(tree) || has_nested(tree))
        return xsr_buf_printf(out, err, "%*s%s:\n", (int)indent, "", name) ||
                       insp_print_tree(out, tree, indent + 2, err)
                   ? -1
                   : 0;
    if (!json_object_size(tree))
        return 0;
    if (xsr_buf_printf(out, err, "%*s%s:", (int)indent, "", name))
        return -1;
    return put_pairs(out, indent + strlen(name) + 1, indent + 2, tree, err);
}

static int put_nested(struct xsr_buf *out, unsigned indent, const char *key,
                      const json_t *v, struct xsr_err *err)
{
    char name[300], element[330];
    const json_t *one;
    size_t i;

    xsr_err_quote(key, strlen(key), name, sizeof name);
    if (json_is_object(v))
        return put_named(out, indent, name, v, err);
    json_array_foreach(v, i, one)
    {
        snprintf(element, sizeof element, "%s[%zu]", name, i);
        if (put_named(out, indent, element, one, err))
            return -1;
    }
    return 0;
}

/* Scalars first, as many as fit into a line, then what has an inside. */
int insp_print_tree(struct xsr_buf *out, const json_t *tree, unsigned indent,
                    struct xsr_err *err)
{
    const char *key;
    json_t *v;

    if (!json_is_object(tree)) {
        if (xsr_buf_printf(out, err, "%*s", (int)indent, "") ||
            scalar_text(out, tree, err))
            return -1;
        return xsr_buf_put(out, "\n", 1, err);
    }
    if (put_pairs(out, 0, indent, tree, err))
        return -1;
    json_object_foreach((json_t *)tree, key, v)
    {
        if (is_nested(v) && put_nested(out, indent, key, v, err))
            return -1;
    }
    return 0;
}

/* ---- octets -------------------------------------------------------------- */

static int hex_line(char *line, size_t len, const uint8_t *p, size_t n,
                    uint64_t offset)
{
    int used = snprintf(line, len, "%14llu ", (unsigned long long)offset);

    for (size_t i = 0; i < 16; i++)
        used += i < n ? snprintf(line + used, len - (size_t)used, "%s%02x",
                                 i % 8 ? " " : "  ", p[i])
                      : snprintf(line + used, len - (size_t)used, "%s",
                                 i % 8 ? "   " : "    ");
    used += snprintf(line + used, len - (size_t)used, "  |");
    for (size_t i = 0; i < n; i++)
        line[used++] = p[i] < 0x7f && isprint(p[i]) ? (char)p[i] : '.';
    used += snprintf(line + used, len - (size_t)used, "|\n");
    return used;
}

int insp_print_hex(struct insp_spool *out, const uint8_t *p, size_t n,
                   uint64_t offset, struct xsr_err *err)
{
    bool skipping = false;
    char line[120];

    for (size_t i = 0; i < n; i += 16) {
        size_t part = (size_t)xsr_min(16, n - i);

        /* Lines that repeat the one before are one "*", as in hexdump. */
        if (i && part == 16 && i + 16 < n && !memcmp(p + i, p + i - 16, 16)) {
            if (!skipping && insp_spool_put(out, "             *\n", 15, err))
                return -1;
            skipping = true;
            continue;
        }
        skipping = false;
        if (insp_spool_put(
                out, line,
                (size_t)hex_line(line, sizeof line, p + i, part, offset + i),
                err))
            return -1;
    }
    return 0;
}

/* ---- spool --------------------------------------------------------------- */

int insp_spool_put(struct insp_spool *s, const void *p, size_t n,
                   struct xsr_err *err)
{
    if (xsr_buf_put(&s->mem, p, n, err))
        return -1;
    if (s->mem.len < SPOOL_MEMORY)
        return 0;
    if ((s->fd < 0 && xsr_open_temporary(&s->fd, err)) ||
        xsr_write_all(s->fd, s->mem.p, s->mem.len, "temporary file", err))
        return -1;
    xsr_buf_clear(&s->mem);
    return 0;
}

int insp_spool_show(struct insp_spool *s, struct xsr_err *err)
{
    uint8_t part[16384];
    size_t got = sizeof part;

    if (s->fd >= 0) {
        if (lseek(s->fd, 0, SEEK_SET) < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno, "temporary file");
        while (got == sizeof part) {
            if (xsr_read_upto(s->fd, part, sizeof part, &got, "temporary file",
                              err))
                return -1;
            fwrite(part, 1, got, stdout);
        }
        xsr_close(&s->fd);
    }
    if (s->mem.len)
        fwrite(s->mem.p, 1, s->mem.len, stdout);
    xsr_buf_clear(&s->mem);
    if (ferror(stdout))
        return xsr_fail(err, XSR_E_IO, "cannot write to standard output");
    return 0;
}

void insp_spool_fini(struct insp_spool *s)
{
    xsr_buf_fini(&s->mem);
    xsr_close(&s->fd);
}
