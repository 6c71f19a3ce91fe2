/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages of two images, both in the order of their numbers: which only one has,
 * which have another content or type. Contents are compared by 64 bits of
 * digest, so no page has to be read twice; the first runs of each class are
 * told by number.
 */
#include <stdio.h>

#include "tools/diff/diff.h"

#define MAX_RUNS 8u

enum { SAME, CONTENT, TYPE, ONLY_A, ONLY_B, N_CLASSES };

struct class_of_pages {
    uint64_t n, n_runs, first[MAX_RUNS], last[MAX_RUNS], latest;
};

static void add(struct class_of_pages *c, uint64_t pfn)
{
    if (!c->n++ || pfn != c->latest + 1) {
        if (c->n_runs < MAX_RUNS)
            c->first[c->n_runs] = pfn;
        c->n_runs++;
    }
    if (c->n_runs <= MAX_RUNS)
        c->last[c->n_runs - 1] = pfn;
    c->latest = pfn;
}

static int judge(const struct insp_page *a, const struct insp_page *b)
{
    if (a->zero != b->zero || a->hash != b->hash)
        return CONTENT;
    return a->type != b->type ? TYPE : SAME;
}

static json_t *class_json(const struct class_of_pages *c)
{
    json_t *runs = json_array();

    for (uint64_t i = 0; i < c->n_runs && i < MAX_RUNS; i++)
        json_array_append_new(runs, json_pack("[I, I]", (json_int_t)c->first[i],
                                              (json_int_t)c->last[i]));
    return json_pack("{s:I, s:I, s:o}", "pages", (json_int_t)c->n, "n_runs",
                     (json_int_t)c->n_runs, "runs", runs);
}

static int merge(struct insp_index *a, struct insp_index *b,
                 struct class_of_pages *c, struct xsr_err *err)
{
    struct insp_page x = {0}, y = {0};
    int more_a = insp_index_next(a, &x, err);
    int more_b = more_a < 0 ? -1 : insp_index_next(b, &y, err);

    while (more_a >= 0 && more_b >= 0 && (more_a || more_b)) {
        bool take_a = more_a && (!more_b || x.pfn <= y.pfn);
        bool take_b = more_b && (!more_a || y.pfn <= x.pfn);

        add(&c[take_a && take_b ? judge(&x, &y)
               : take_a         ? ONLY_A
                                : ONLY_B],
            take_a ? x.pfn : y.pfn);
        if (take_a)
            more_a = insp_index_next(a, &x, err);
        if (take_b && more_a >= 0)
            more_b = insp_index_next(b, &y, err);
    }
    return more_a < 0 || more_b < 0 ? -1 : 0;
}

json_t *diff_pages(struct diff_side *a, struct diff_side *b,
                   struct xsr_err *err)
{
    struct class_of_pages c[N_CLASSES] = {0};

    if (merge(a->pages, b->pages, c, err))
        return NULL;
    return json_pack("{s:I, s:o, s:o, s:o, s:o}", "same", (json_int_t)c[SAME].n,
                     "differ", class_json(&c[CONTENT]), "other_type",
                     class_json(&c[TYPE]), "only_a", class_json(&c[ONLY_A]),
                     "only_b", class_json(&c[ONLY_B]));
}
