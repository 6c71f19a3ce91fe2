/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `xensr inspect --pages`: what the guest's pages are, after the last of their
 * states: types, zero, contents that occur more than once, runs of numbers.
 * While the walk goes on, a digest of each page goes into the index; counting
 * is done afterwards. Contents are counted exactly as long as a table of fixed
 * size holds all of them; of more it keeps a sample, chosen by the digest
 * itself, and the result is called an estimate.
 */
#include <inttypes.h>
#include <stdio.h>

#include "lib/util.h"
#include "tools/inspect/pages.h"
#include "tools/inspect/report.h"
#include "tools/tools.h"

#define SLOTS    (1u << 20) /* 16 MiB; a power of two */
#define FULL     (SLOTS / 4 * 3)
#define MAX_RUNS 32u /* that are shown */

struct content {
    uint64_t hash; /* 0: free */
    uint64_t n;
};

struct stats {
    struct insp_src *src;
    struct insp_index *index;
    uint64_t sent[16], sent_zero, records;
    /* after the walk */
    uint64_t type[16], pages, zero;
    struct content *slot;
    uint32_t used, sample; /* of 2^sample contents one is counted */
    uint64_t run_first[MAX_RUNS], run_last[MAX_RUNS], n_runs, last_pfn;
};

/* ---- while the walk goes on -----------------------------------------------
 */

static int on_page(void *ctx, const struct xsr_page_entry *entry,
                   const uint8_t *content, bool zero, struct xsr_err *err)
{
    struct stats *s = ctx;

    (void)entry;
    (void)content;
    (void)err;
    s->sent_zero += zero;
    return 0;
}

static int on_pages(void *ctx, const struct insp *w,
                    const struct xsr_page_batch *batch, uint64_t offset,
                    struct xsr_err *err)
{
    struct stats *s = ctx;

    (void)offset;
    s->records++;
    for (uint32_t i = 0; i < batch->count; i++)
        s->sent[batch->entry[i].type & 15]++;
    xsr_progress_report("reading", w->n_pages, 0);
    if (w->verifying) /* compared by a receiver, not written */
        return insp_each_page(s->src, batch, on_page, s, err);
    return insp_index_batch(s->index, s->src, batch, err);
}

/* Of a checkpoint that is not whole nothing is the guest's. */
static int on_row(void *ctx, const struct insp *w, const struct insp_row *row,
                  struct xsr_err *err)
{
    struct stats *s = ctx;

    (void)w;
    (void)err;
    if (row->layer == INSP_LIBXC && row->type == XSR_XC3_CHECKPOINT)
        insp_index_commit(s->index);
    return 0;
}

/* ---- contents -------------------------------------------------------------
 */

static bool in_sample(const struct stats *s, uint64_t hash)
{
    return !s->sample || hash >> (64 - s->sample) == 0;
}

static struct content *find(const struct stats *s, uint64_t hash)
{
    uint32_t i = (uint32_t)hash & (SLOTS - 1);

    while (s->slot[i].hash && s->slot[i].hash != hash)
        i = (i + 1) & (SLOTS - 1);
    return &s->slot[i];
}

/* Twice as many contents share a place in the sample: half of them go. */
static int thin_out(struct stats *s, struct xsr_err *err)
{
    struct content *old = s->slot;

    s->slot = calloc(SLOTS, sizeof *s->slot);
    if (!s->slot) {
        s->slot = old;
        return xsr_fail(err, XSR_E_NOMEM, "no memory to count contents");
    }
    s->sample++;
    s->used = 0;
    for (uint32_t i = 0; i < SLOTS; i++)
        if (old[i].hash && in_sample(s, old[i].hash)) {
            *find(s, old[i].hash) = old[i];
            s->used++;
        }
    free(old);
    return 0;
}

static int count_content(struct stats *s, uint64_t hash, struct xsr_err *err)
{
    struct content *c;

    hash += !hash; /* 0 marks a free slot */
    while (s->used >= FULL)
        if (thin_out(s, err))
            return -1;
    if (!in_sample(s, hash))
        return 0;
    c = find(s, hash);
    s->used += !c->hash;
    c->hash = hash;
    c->n++;
    return 0;
}

/* ---- after the walk --------------------------------------------------------
 */

static void count_run(struct stats *s, uint64_t pfn)
{
    if (!s->pages || pfn != s->last_pfn + 1) {
        if (s->n_runs < MAX_RUNS)
            s->run_first[s->n_runs] = pfn;
        s->n_runs++;
    }
    if (s->n_runs <= MAX_RUNS)
        s->run_last[s->n_runs - 1] = pfn;
    s->last_pfn = pfn;
}

static int count_pages(struct stats *s, struct xsr_err *err)
{
    struct insp_page page;
    int more;

    if (insp_index_sort(s->index, err))
        return -1;
    s->slot = calloc(SLOTS, sizeof *s->slot);
    if (!s->slot)
        return xsr_fail(err, XSR_E_NOMEM, "no memory to count contents");
    while ((more = insp_index_next(s->index, &page, err)) > 0) {
        count_run(s, page.pfn);
        s->pages++;
        s->type[page.type & 15]++;
        s->zero += page.zero;
        if (!page.zero && xsr_page_has_data(page.type) &&
            count_content(s, page.hash, err))
            return -1;
    }
    return more;
}

struct duplicates {
    uint64_t contents, repeated, pages; /* pages: that need not be stored */
};

static struct duplicates duplicates_of(const struct stats *s)
{
    struct duplicates d = {0, 0, 0};

    for (uint32_t i = 0; i < SLOTS; i++) {
        if (!s->slot[i].hash)
            continue;
        d.contents++;
        d.repeated += s->slot[i].n > 1;
        d.pages += s->slot[i].n - 1;
    }
    d.contents <<= s->sample;
    d.repeated <<= s->sample;
    d.pages <<= s->sample;
    return d;
}

static json_t *types_json(const uint64_t *n)
{
    json_t *tree = json_object();

    for (uint8_t t = 0; t < 16; t++)
        if (n[t])
            json_object_set_new(tree, xsr_page_type_name(t),
                                json_integer((json_int_t)n[t]));
    return tree;
}

static json_t *runs_json(const struct stats *s)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < s->n_runs && i < MAX_RUNS; i++)
        json_array_append_new(list,
                              json_pack("[I, I]", (json_int_t)s->run_first[i],
                                        (json_int_t)s->run_last[i]));
    return list;
}

static json_t *stats_json(const struct stats *s)
{
    struct duplicates d = duplicates_of(s);
    uint64_t sent = 0;

    for (uint8_t t = 0; t < 16; t++)
        sent += xsr_page_has_data(t) ? s->sent[t] : 0;
    return json_pack(
        "{s:I, s:I, s:o, s:I, s:o, s:I, s:{s:I, s:I, s:I, s:b, s:I}, s:I, s:o}",
        "records", (json_int_t)s->records, "sent_with_content",
        (json_int_t)sent, "entries", types_json(s->sent), "pages",
        (json_int_t)s->pages, "types", types_json(s->type), "zero",
        (json_int_t)s->zero, "duplicates", "contents", (json_int_t)d.contents,
        "contents_repeated", (json_int_t)d.repeated, "pages",
        (json_int_t)d.pages, "estimated", (int)(s->sample > 0),
        "counted_one_of", (json_int_t)1 << s->sample, "n_runs",
        (json_int_t)s->n_runs, "runs", runs_json(s));
}

static void print_types(const char *label, const uint64_t *n)
{
    printf("%s", label);
    for (uint8_t t = 0; t < 16; t++)
        if (n[t])
            printf("  %" PRIu64 " %s", n[t], xsr_page_type_name(t));
    putchar('\n');
}

static double part(uint64_t n, uint64_t of)
{
    return of ? 100.0 * (double)n / (double)of : 0;
}

static void print_stats(const struct stats *s)
{
    struct duplicates d = duplicates_of(s);

    printf("\nentries   %" PRIu64 " records:", s->records);
    print_types("", s->sent);
    printf("pages     %" PRIu64 " (%.1f MiB):", s->pages,
           (double)s->pages / 256);
    print_types("", s->type);
    printf("zero      %" PRIu64 " (%.1f %%)\n", s->zero,
           part(s->zero, s->pages));
    printf("contents  %s%" PRIu64 " different, %" PRIu64
           " of them more than once\n",
           s->sample ? "about " : "", d.contents, d.repeated);
    printf("duplicate %s%" PRIu64 " pages (%.1f %%) repeat another's content",
           s->sample ? "about " : "", d.pages, part(d.pages, s->pages));
    if (s->sample)
        printf("; estimated, one content of %" PRIu64 " was counted",
               (uint64_t)1 << s->sample);
    printf("\nruns      %" PRIu64 ":", s->n_runs);
    for (uint64_t i = 0; i < s->n_runs && i < MAX_RUNS; i++)
        printf("%s 0x%" PRIx64 "-0x%" PRIx64,
               i && i % 6 == 0 ? "\n         " : "", s->run_first[i],
               s->run_last[i]);
    printf("%s\n", s->n_runs > MAX_RUNS ? " ..." : "");
}

static void show(const struct insp *w, const struct stats *s, bool as_json,
                 const struct xsr_err *error)
{
    struct insp_summary none = {"", "", 0, 0, ""};
    char where[XSR_ERR_TEXT + 40];
    json_t *doc;

    if (!as_json) {
        if (w->format == INSP_UNKNOWN)
            return;
        insp_summary_text(w, &none);
        print_stats(s);
        insp_salvage_text(w, error);
        return;
    }
    doc = json_pack("{s:s, s:o, s:o, s:b, s:o, s:o}", "format",
                    insp_format_name(w->format), "summary",
                    insp_summary_json(w, &none), "statistics", stats_json(s),
                    "complete", (int)(w->done && !w->n_damaged), "error",
                    error->kind == XSR_E_OK
                        ? json_null()
                        : json_string(xsr_err_str(error, where, sizeof where)),
                    "salvage", insp_salvage_json(w, error));
    json_dumpf(doc, stdout, JSON_INDENT(1));
    putchar('\n');
    json_decref(doc);
}

int insp_stats(struct insp_src *src, const struct insp_options *o,
               struct xsr_err *err)
{
    static const struct insp_listener listener = {on_row, on_pages, NULL};
    struct stats s = {.src = src, .index = insp_index_new(err)};
    struct xsr_err later = XSR_ERR_INIT;
    struct insp w;
    int rc;

    if (!s.index)
        return -1;
    insp_init(&w, src);
    w.salvage = o->salvage;
    xsr_progress_init(&src->in);
    rc = insp_walk(&w, &listener, &s, err);
    xsr_progress_fini();
    if (!rc)
        rc = insp_check_trailing(&w, err);
    if (w.checkpointed && !w.done)
        insp_index_drop(s.index);
    if (!count_pages(&s, &later))
        show(&w, &s, o->json, err);
    else if (!rc)
        rc = xsr_fail(err, later.kind, "%s", later.text);
    if (fflush(stdout) && !rc)
        rc = xsr_fail(err, XSR_E_IO, "cannot write to standard output");
    insp_index_free(s.index);
    free(s.slot);
    insp_fini(&w);
    return rc;
}
