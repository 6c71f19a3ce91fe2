/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Pages in the order of their numbers, each with its last state, whatever the
 * order in which an image sent them and however large the guest is: sorted
 * runs in a file without a name, merged when they are read. A guest that was
 * not saved live makes one run.
 *
 *   new -> add ... (commit, add ...) -> sort -> next ... -> free
 */
#include <errno.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "tools/inspect/pages.h"
#include "tools/inspect/report.h"

#ifndef IN_MEMORY              /* a test has less */
#define IN_MEMORY (128u << 10) /* entries: 3 MiB */
#endif
#define MERGE_BYTES (4u << 20) /* for the buffers of all runs */
#define MIN_BUFFER  (1024u / sizeof(struct rec)) /* entries */

struct rec {            /* as it lies in the file */
    uint64_t key, hash; /* key: pfn << 8 | zero << 4 | type */
};
struct fresh {
    struct rec rec;
    uint32_t seq; /* wraps, but not within what memory holds */
};
struct run {
    uint64_t at, n; /* in the file, counted in entries */
    uint64_t next;  /* of n: not yet in the buffer */
    struct rec *buf;
    size_t len, pos;
};

struct insp_index {
    struct fresh *mem;
    size_t n_mem, n_mem_whole; /* whole: committed */
    uint32_t seq;
    int fd;
    uint64_t n_file, last_key; /* of the last run */
    struct run *run;
    size_t n_runs, n_runs_whole;
    size_t *heap; /* runs that have something, the smallest first */
    size_t n_heap, buffer_len;
};

struct insp_index *insp_index_new(struct xsr_err *err)
{
    struct insp_index *x = calloc(1, sizeof *x);

    if (x)
        x->mem = malloc(IN_MEMORY * sizeof *x->mem);
    if (x && x->mem) {
        x->fd = -1;
        return x;
    }
    free(x);
    xsr_fail(err, XSR_E_NOMEM, "no memory for an index of pages");
    return NULL;
}

void insp_index_free(struct insp_index *x)
{
    if (!x)
        return;
    for (size_t i = 0; i < x->n_runs; i++)
        free(x->run[i].buf);
    free(x->run);
    free(x->heap);
    free(x->mem);
    xsr_close(&x->fd);
    free(x);
}

/* ---- adding ---------------------------------------------------------------
 */

static uint64_t pfn_of(uint64_t key)
{
    return key >> 8;
}

static int by_pfn_and_age(const void *a, const void *b)
{
    const struct fresh *x = a, *y = b;

    if (pfn_of(x->rec.key) != pfn_of(y->rec.key))
        return x->rec.key < y->rec.key ? -1 : 1;
    return (int32_t)(x->seq - y->seq) < 0 ? -1 : x->seq != y->seq;
}

/* Sorted, and of every page the last state alone; returns how many are left. */
static size_t settle(struct fresh *mem, size_t n)
{
    size_t i, kept = 0;

    for (i = 1; i < n; i++)
        if (pfn_of(mem[i].rec.key) <= pfn_of(mem[i - 1].rec.key))
            break;
    if (i >= n)
        return n;
    qsort(mem, n, sizeof *mem, by_pfn_and_age);
    for (i = 0; i < n; i++)
        if (i + 1 == n || pfn_of(mem[i + 1].rec.key) != pfn_of(mem[i].rec.key))
            mem[kept++] = mem[i];
    return kept;
}

static int new_run(struct insp_index *x, struct xsr_err *err)
{
    struct run *run = realloc(x->run, (x->n_runs + 1) * sizeof *run);

    if (!run)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for an index of pages");
    x->run = run;
    x->run[x->n_runs++] = (struct run){.at = x->n_file};
    return 0;
}

static int write_run(struct insp_index *x, size_t n, struct xsr_err *err)
{
    struct rec part[1024];
    size_t now;

    x->run[x->n_runs - 1].n += n;
    x->n_file += n;
    for (size_t i = 0; i < n; i += now) {
        now = (size_t)xsr_min(XSR_ARRAY_LEN(part), n - i);
        for (size_t j = 0; j < now; j++)
            part[j] = x->mem[i + j].rec;
        if (xsr_write_all(x->fd, part, now * sizeof *part, "temporary file",
                          err))
            return -1;
    }
    return 0;
}

/*
 * The first n into the file: behind the last run if they go on there and are
 * like it committed or not, else as a run of their own.
 */
static int spill(struct insp_index *x, size_t n, bool whole,
                 struct xsr_err *err)
{
    size_t kept = settle(x->mem, n);

    if (!n)
        return 0;
    if (x->fd < 0 && xsr_open_temporary(&x->fd, err))
        return -1;
    if ((!x->n_runs || (x->n_runs == x->n_runs_whole) != whole ||
         pfn_of(x->mem[0].rec.key) <= pfn_of(x->last_key)) &&
        new_run(x, err))
        return -1;
    if (whole)
        x->n_runs_whole = x->n_runs;
    x->last_key = x->mem[kept - 1].rec.key;
    if (write_run(x, kept, err))
        return -1;
    memmove(x->mem, x->mem + n, (x->n_mem - n) * sizeof *x->mem);
    x->n_mem -= n;
    x->n_mem_whole -= xsr_min(n, x->n_mem_whole);
    return 0;
}

/* What is committed goes first; its order in front of the rest is kept. */
static int make_room(struct insp_index *x, struct xsr_err *err)
{
    return x->n_mem_whole ? spill(x, x->n_mem_whole, true, err)
                          : spill(x, x->n_mem, false, err);
}

void insp_index_commit(struct insp_index *x)
{
    x->n_mem_whole = x->n_mem;
    x->n_runs_whole = x->n_runs;
}

void insp_index_drop(struct insp_index *x)
{
    x->n_mem = x->n_mem_whole;
    x->n_runs = x->n_runs_whole;
}

int insp_index_add(struct insp_index *x, const struct insp_page *page,
                   struct xsr_err *err)
{
    uint64_t key =
        page->pfn << 8 | (page->zero ? 1u << 4 : 0u) | (page->type & 15u);

    if (x->n_mem == IN_MEMORY && make_room(x, err))
        return -1;
    x->mem[x->n_mem] = (struct fresh){{key, page->hash}, x->seq++};
    x->n_mem++;
    return 0;
}

/* ---- reading --------------------------------------------------------------
 */

static int fill(struct insp_index *x, struct run *r, struct xsr_err *err)
{
    size_t got = 0, want = (size_t)xsr_min(x->buffer_len, r->n - r->next);
    uint8_t *to = (uint8_t *)r->buf;

    r->pos = r->len = 0;
    while (got < want * sizeof *r->buf) {
        ssize_t n = pread(x->fd, to + got, want * sizeof *r->buf - got,
                          (off_t)((r->at + r->next) * sizeof *r->buf + got));

        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return xsr_fail_sys(err, XSR_E_IO, n < 0 ? errno : EIO,
                                "temporary file");
        got += (size_t)n;
    }
    r->next += want;
    r->len = want;
    return 0;
}

static uint64_t head_of(const struct insp_index *x, size_t run)
{
    return x->run[run].buf[x->run[run].pos].key;
}

/* Is run a in front of run b? Of one page's states the oldest comes first. */
static bool before(const struct insp_index *x, size_t a, size_t b)
{
    uint64_t pfn_a = pfn_of(head_of(x, a)), pfn_b = pfn_of(head_of(x, b));

    return pfn_a != pfn_b ? pfn_a < pfn_b : a < b;
}

static void sift_down(struct insp_index *x, size_t i)
{
    for (;;) {
        size_t least = i, child = 2 * i + 1, run;

        if (child < x->n_heap && before(x, x->heap[child], x->heap[least]))
            least = child;
        if (child + 1 < x->n_heap &&
            before(x, x->heap[child + 1], x->heap[least]))
            least = child + 1;
        if (least == i)
            return;
        run = x->heap[i];
        x->heap[i] = x->heap[least];
        x->heap[least] = run;
        i = least;
    }
}

int insp_index_rewind(struct insp_index *x, struct xsr_err *err)
{
    x->n_heap = 0;
    for (size_t i = 0; i < x->n_runs; i++) {
        x->run[i].next = 0;
        if (fill(x, &x->run[i], err))
            return -1;
        if (x->run[i].len)
            x->heap[x->n_heap++] = i;
    }
    for (size_t i = x->n_heap; i-- > 0;)
        sift_down(x, i);
    return 0;
}

int insp_index_sort(struct insp_index *x, struct xsr_err *err)
{
    insp_index_commit(x);
    if (spill(x, x->n_mem, true, err))
        return -1;
    free(x->mem);
    x->mem = NULL;
    x->heap = calloc(x->n_runs + 1, sizeof *x->heap);
    if (!x->heap)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for an index of pages");
    x->buffer_len = MERGE_BYTES / sizeof(struct rec) / (x->n_runs + 1);
    x->buffer_len = (size_t)xsr_max(x->buffer_len, MIN_BUFFER);
    for (size_t i = 0; i < x->n_runs; i++) {
        x->run[i].buf = malloc(x->buffer_len * sizeof *x->run[i].buf);
        if (!x->run[i].buf)
            return xsr_fail(err, XSR_E_NOMEM,
                            "no memory for an index of pages");
    }
    return insp_index_rewind(x, err);
}

static int pop(struct insp_index *x, struct rec *out, struct xsr_err *err)
{
    struct run *r = &x->run[x->heap[0]];

    *out = r->buf[r->pos++];
    if (r->pos == r->len && fill(x, r, err))
        return -1;
    if (!r->len)
        x->heap[0] = x->heap[--x->n_heap];
    sift_down(x, 0);
    return 0;
}

int insp_index_next(struct insp_index *x, struct insp_page *page,
                    struct xsr_err *err)
{
    struct rec rec;

    if (!x->n_heap)
        return 0;
    do
        if (pop(x, &rec, err))
            return -1;
    while (x->n_heap && pfn_of(head_of(x, x->heap[0])) == pfn_of(rec.key));
    *page = (struct insp_page){.pfn = pfn_of(rec.key),
                               .type = rec.key & 15,
                               .zero = rec.key >> 4 & 1,
                               .hash = rec.hash};
    return 1;
}

/* ---- pages as they are read ------------------------------------------------
 */

int insp_each_page(struct insp_src *src, const struct xsr_page_batch *batch,
                   insp_on_page *on_page, void *ctx, struct xsr_err *err)
{
    struct xsr_buf torn = XSR_BUF_INIT;
    const uint8_t *p = NULL;
    size_t got = 0;
    int rc = 0;

    for (uint32_t i = 0; i < batch->count && !rc; i++) {
        bool has = xsr_page_has_data(batch->entry[i].type);

        if (!has && !xsr_page_populates(batch->entry[i].type))
            continue;
        if (has) {
            xsr_buf_clear(&torn);
            rc = insp_src_some(src, XSR_PAGE_SIZE, &p, &got, "PAGE_DATA", err);
            if (!rc && got < XSR_PAGE_SIZE) { /* by the read-ahead buffer */
                rc = xsr_buf_put(&torn, p, got, err) ||
                             insp_src_take(src, &torn, XSR_PAGE_SIZE - got,
                                           "PAGE_DATA", err)
                         ? -1
                         : 0;
                p = torn.p;
            }
        }
        if (!rc)
            rc = on_page(ctx, &batch->entry[i], has ? p : NULL,
                         has && xsr_all_zero(p, XSR_PAGE_SIZE), err);
    }
    xsr_buf_fini(&torn);
    return rc;
}

static int add_to_index(void *ctx, const struct xsr_page_entry *entry,
                        const uint8_t *content, bool zero, struct xsr_err *err)
{
    struct insp_page page = {
        .pfn = entry->pfn, .type = entry->type, .zero = zero};

    if (content && !zero)
        page.hash = XXH3_64bits(content, XSR_PAGE_SIZE);
    return insp_index_add(ctx, &page, err);
}

int insp_index_batch(struct insp_index *x, struct insp_src *src,
                     const struct xsr_page_batch *batch, struct xsr_err *err)
{
    return insp_each_page(src, batch, add_to_index, x, err);
}
