/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Which of the headers that scan.c found are real? A split is a path from the
 * first header to the end byte. Footers decide it alone; else known lengths
 * do, as far as they go; else all headers are taken for real. The grade says
 * how much of that there was.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "lib/util.h"
#include "stream/limits.h"
#include "stream/qemu/split.h"

#define FOOTER_LEN 5u
#define NO_PATH    UINT32_MAX
/* An edge that nothing proves costs one, and much for each header it skips. */
#define OPEN_COST  1u
#define SKIP_COST  2048u

static const char *const grade_names[] = {
    [XSR_QEMU_EXACT_FOOTERS] = "exact-footers",
    [XSR_QEMU_EXACT_DESCRIPTION] = "exact-description",
    [XSR_QEMU_EXACT_LENGTHS] = "exact-lengths",
    [XSR_QEMU_PARTIAL_LENGTHS] = "partial-lengths",
    [XSR_QEMU_HEURISTIC] = "heuristic",
    [XSR_QEMU_SUSPECT] = "suspect",
    [XSR_QEMU_AMBIGUOUS] = "ambiguous",
    [XSR_QEMU_MISMATCH] = "mismatch",
    [XSR_QEMU_MALFORMED] = "malformed",
};
static const char *const producer_names[] = {
    [XSR_QEMU_UNKNOWN] = "unknown",
    [XSR_QEMU_TRADITIONAL] = "qemu-traditional",
    [XSR_QEMU_UPSTREAM] = "qemu",
};

const char *xsr_qemu_grade_name(enum xsr_qemu_grade grade)
{
    return grade_names[grade];
}

const char *xsr_qemu_producer_name(enum xsr_qemu_producer producer)
{
    return producer_names[producer];
}

/* Nodes are the headers and, at n, the end byte. */
struct graph {
    struct xsr_qemu *q;
    const struct xsr_qemu_ending *eof;
    uint32_t *cost, *next; /* of the best path from a node to the end */
    uint8_t *ways;         /* 0, 1, 2 for more; through proven edges */
};

static uint64_t node_at(const struct graph *g, size_t i)
{
    return i < g->q->n_sections ? g->q->sections[i].offset : g->eof->at;
}

/* ---- footers --------------------------------------------------------------*/

static bool footer_edge(const struct graph *g, size_t i, size_t j)
{
    const struct xsr_qemu_section *s = &g->q->sections[i];
    bool footer = g->eof->after_footer;
    uint32_t id = g->eof->footer_id;

    if (j < g->q->n_sections) {
        footer = g->q->sections[j].after_footer;
        id = g->q->sections[j].footer_id;
    }
    return footer && id == s->id && s->body + FOOTER_LEN <= node_at(g, j);
}

static uint8_t count_footer_paths(struct graph *g)
{
    size_t n = g->q->n_sections;

    g->ways[n] = 1;
    for (size_t i = n; i-- > 0;) {
        g->ways[i] = 0;
        for (size_t j = i + 1; j <= n && g->ways[i] < 2; j++) {
            if (!g->ways[j] || !footer_edge(g, i, j))
                continue;
            g->next[i] = (uint32_t)j;
            g->ways[i] = (uint8_t)xsr_min(2, g->ways[i] + g->ways[j]);
        }
    }
    return g->ways[0];
}

/* ---- known lengths ------------------------------------------------------- */

static void find_cheapest(struct graph *g)
{
    size_t n = g->q->n_sections;

    g->cost[n] = 0;
    g->ways[n] = 1;
    for (size_t i = n; i-- > 0;) {
        g->cost[i] = NO_PATH;
        g->ways[i] = 0;
        for (size_t j = i + 1; j <= n; j++) {
            const struct xsr_qemu_section *s = &g->q->sections[i];
            enum xsr_qemu_fit fit;
            uint32_t cost;

            if (g->cost[j] == NO_PATH)
                continue;
            fit = xsr_qemu_fit(g->q, s, node_at(g, j));
            if (fit == XSR_QEMU_FIT_NO)
                continue;
            cost = g->cost[j];
            if (fit == XSR_QEMU_FIT_OPEN)
                cost += OPEN_COST + SKIP_COST * (uint32_t)(j - i - 1);
            else
                g->ways[i] = (uint8_t)xsr_min(2, g->ways[i] + 1u);
            if (cost >= g->cost[i])
                continue;
            g->cost[i] = cost;
            g->next[i] = (uint32_t)j;
        }
    }
}

/* ---- what the sections say about each other ------------------------------ */

static void judge_sections(struct xsr_qemu *q)
{
    for (size_t i = 0; i < q->n_sections; i++) {
        const struct xsr_qemu_section *a = &q->sections[i];

        for (size_t j = 0; j < i; j++) {
            const struct xsr_qemu_section *b = &q->sections[j];

            if (a->id == b->id)
                xsr_qemu_degrade(q, XSR_QEMU_SUSPECT, a->offset,
                                 "device state: found section id %u twice, in "
                                 "\"%s\" and \"%s\"",
                                 a->id, b->idstr, a->idstr);
            else if (a->instance == b->instance && !strcmp(a->idstr, b->idstr))
                xsr_qemu_degrade(q, XSR_QEMU_SUSPECT, a->offset,
                                 "device state: found section \"%s\" instance "
                                 "%u twice",
                                 a->idstr, a->instance);
        }
    }
}

/* All headers are real, but for those inside of another header. */
static void take_all(struct graph *g)
{
    size_t n = g->q->n_sections, i, j;

    for (i = 0; i < n; i = j) {
        for (j = i + 1; j < n && node_at(g, j) < g->q->sections[i].body; j++)
            continue;
        g->next[i] = (uint32_t)j;
    }
}

/* The first one whose length is wrong, when all headers are real. */
static void name_mismatch(struct graph *g)
{
    struct xsr_qemu *q = g->q;
    char lens[80];

    for (size_t i = 0; i < q->n_sections; i = g->next[i]) {
        const struct xsr_qemu_section *s = &q->sections[i];
        uint64_t end = node_at(g, g->next[i]);

        if (xsr_qemu_fit(q, s, end) != XSR_QEMU_FIT_NO)
            continue;
        xsr_qemu_degrade(
            q, XSR_QEMU_MISMATCH, s->offset,
            "device state: section \"%s\" version %u has %llu bytes, known "
            "are %s (and subsections)",
            s->idstr, s->version, (unsigned long long)(end - s->body),
            xsr_qemu_known_lens(s, lens, sizeof lens));
        return;
    }
}

/* ---- the split ----------------------------------------------------------- */

/* Keep the path's sections and give them their lengths. */
static void follow(struct graph *g, bool footers)
{
    struct xsr_qemu *q = g->q;
    size_t n = q->n_sections, kept = 0, i, j;

    for (i = 0; i < n; i = j) {
        struct xsr_qemu_section *s = &q->sections[i];
        uint64_t end;

        j = g->next[i];
        end = node_at(g, j) - (footers ? FOOTER_LEN : 0);
        s->len = end - s->body;
        s->footer = footers;
        s->known = xsr_qemu_fit(q, s, end) == XSR_QEMU_FIT_EXACT;
        q->sections[kept++] = *s;
    }
    q->n_sections = kept;
}

static void grade_by_lengths(struct graph *g)
{
    struct xsr_qemu *q = g->q;
    bool ambiguous = false;
    size_t known = 0, i;

    for (i = 0; i < q->n_sections; i = g->next[i])
        ambiguous |= g->ways[i] > 1;
    follow(g, false);
    for (i = 0; i < q->n_sections; i++)
        known += q->sections[i].known;
    q->grade = known == q->n_sections ? XSR_QEMU_EXACT_LENGTHS
               : known                ? XSR_QEMU_PARTIAL_LENGTHS
                                      : XSR_QEMU_HEURISTIC;
    if (ambiguous)
        xsr_qemu_degrade(q, XSR_QEMU_AMBIGUOUS, q->sections[0].offset,
                         "device state: more than one split into sections has "
                         "known lengths");
}

static void choose(struct graph *g)
{
    struct xsr_qemu *q = g->q;
    uint8_t footers = count_footer_paths(g);

    if (footers == 1) {
        follow(g, true);
        q->grade = XSR_QEMU_EXACT_FOOTERS;
    } else if (footers > 1) {
        follow(g, true);
        xsr_qemu_degrade(q, XSR_QEMU_AMBIGUOUS, q->sections[0].offset,
                         "device state: its footers allow more than one split "
                         "into sections");
    } else {
        find_cheapest(g);
        if (g->cost[0] != NO_PATH) {
            grade_by_lengths(g);
        } else {
            take_all(g);
            name_mismatch(g);
            follow(g, false);
        }
    }
    judge_sections(q);
    if (q->too_many)
        xsr_qemu_degrade(q, XSR_QEMU_AMBIGUOUS, q->sections[0].offset,
                         "device state: found more than %u section headers, "
                         "which no machine has",
                         XSR_MAX_QEMU_SECTIONS);
}

int xsr_qemu_choose(struct xsr_qemu *q, const struct xsr_qemu_ending *eof,
                    struct xsr_err *err)
{
    size_t n = q->n_sections + 1;
    struct graph g = {q, eof, NULL, NULL, NULL};
    int rc = 0;

    g.cost = calloc(n, sizeof *g.cost);
    g.next = calloc(n, sizeof *g.next);
    g.ways = calloc(n, sizeof *g.ways);
    if (g.cost && g.next && g.ways)
        choose(&g);
    else
        rc = xsr_fail(err, XSR_E_NOMEM,
                      "no memory to split a device state into sections");
    free(g.cost);
    free(g.next);
    free(g.ways);
    return rc;
}

void xsr_qemu_describe(struct xsr_qemu *q, const struct xsr_qemu_device *devs,
                       size_t n_devs)
{
    const struct xsr_qemu_section *s;
    size_t i;

    if (q->grade == XSR_QEMU_MALFORMED)
        return;
    for (i = 0; i < n_devs && i < q->n_sections; i++) {
        s = &q->sections[i];
        if (strcmp(s->idstr, devs[i].idstr) != 0 ||
            s->instance != devs[i].instance || s->len != devs[i].len)
            break;
    }
    if (i == n_devs && i == q->n_sections) {
        if (q->grade > XSR_QEMU_EXACT_DESCRIPTION)
            q->grade = XSR_QEMU_EXACT_DESCRIPTION;
        xsr_err_clear(&q->finding);
        return;
    }
    s = &q->sections[i < q->n_sections ? i : 0];
    xsr_qemu_degrade(q, XSR_QEMU_MISMATCH,
                     i < q->n_sections ? s->offset : q->eof,
                     "device state: the description at its end does not agree "
                     "with section %zu of %zu, it has %zu",
                     i + 1, q->n_sections, n_devs);
}
