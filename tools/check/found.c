/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Collecting: a finding costs memory only while there are few of its rule, a
 * record only when it differs from the one before. Filled by everybody, read
 * by report.c and releases.c.
 */
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "tools/check/check.h"

struct chk *chk_new(const char *path, struct xsr_err *err)
{
    struct chk *c = calloc(1, sizeof *c);

    if (!c) {
        xsr_fail(err, XSR_E_NOMEM, "no memory to check an image");
        return NULL;
    }
    c->map_left = CHK_MAP_BUDGET;
    chk_map_init(&c->types, &c->map_left);
    chk_map_init(&c->wants, &c->map_left);
    if (chk_src_open(&c->src, path, err)) {
        chk_free(c);
        return NULL;
    }
    return c;
}

void chk_free(struct chk *c)
{
    chk_map_fini(&c->types);
    chk_map_fini(&c->wants);
    chk_src_fini(&c->src);
    free(c->found.kept);
    free(c->found.rows);
    free(c->order.vcpus);
    free(c->entries);
    free(c->p2m);
    free(c->want);
    free(c->start);
    free(c->seen);
    free(c->touched);
    free(c);
}

static struct chk_finding *new_finding(struct chk_found *f)
{
    if (f->n_kept == f->cap) {
        size_t cap = f->cap ? 2 * f->cap : 16;
        struct chk_finding *more = realloc(f->kept, cap * sizeof *more);

        if (!more)
            return NULL; /* it is counted all the same */
        f->kept = more;
        f->cap = cap;
    }
    return &f->kept[f->n_kept++];
}

void chk_find(struct chk *c, enum chk_rule rule, uint64_t offset,
              const char *fmt, ...)
{
    struct chk_found *f = &c->found;
    struct chk_finding *one;
    va_list ap;

    f->n[chk_rules[rule].severity]++;
    if (f->n_of_rule[rule]++ >= CHK_KEEP_OF_RULE)
        return;
    one = new_finding(f);
    if (!one)
        return;
    one->rule = rule;
    one->offset = offset;
    va_start(ap, fmt);
    vsnprintf(one->text, sizeof one->text, fmt, ap);
    va_end(ap);
    xsr_err_printable(one->text);
}

bool chk_has(const struct chk *c, enum chk_rule rule)
{
    return c->found.n_of_rule[rule] != 0;
}

void chk_row(struct chk *c, enum chk_layer layer, uint32_t type,
             const char *name, uint64_t offset, uint32_t len)
{
    struct chk_found *f = &c->found;
    struct chk_row *last = f->n_rows ? &f->rows[f->n_rows - 1] : NULL;

    f->n_records++;
    if (last && last->layer == layer && last->type == type) {
        last->n++;
        last->octets += len;
        last->len = (uint32_t)xsr_min(last->len, len);
        last->max_len = (uint32_t)xsr_max(last->max_len, len);
        return;
    }
    if (f->n_rows == CHK_MAX_ROWS)
        return;
    if (!f->rows)
        f->rows = calloc(CHK_MAX_ROWS, sizeof *f->rows);
    if (!f->rows)
        return;
    f->rows[f->n_rows++] = (struct chk_row){.layer = layer,
                                            .type = type,
                                            .name = name,
                                            .offset = offset,
                                            .n = 1,
                                            .octets = len,
                                            .len = len,
                                            .max_len = len};
}

void chk_lost(struct chk *c, uint64_t offset)
{
    if (c->found.lost)
        return;
    c->found.lost = true;
    c->found.lost_at = offset;
}
