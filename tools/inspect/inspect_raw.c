/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * `--raw FILE` and `--elf FILE`: the guest's memory as a sparse file, in which
 * the page of number N lies at N * 4096, for a core behind its headers
 * (inspect_elf.c). Pages are written as they come; what comes again is written
 * over, and a page that has become zero is a hole again. Memory does not grow
 * with the guest. Of a stream with checkpoints only whole ones count: pages of
 * the one under way wait in a file without a name.
 */
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <sys/stat.h>

#include "lib/fd.h"
#include "lib/util.h"
#include "tools/inspect/pages.h"
#include "tools/inspect/report.h"
#include "tools/target.h"
#include "tools/tools.h"

#define RUN_PAGES 256u /* written at once when they lie in a row */

struct staged { /* in front of each page in the file of those that wait */
    uint64_t pfn;
    uint8_t type, has_content;
    uint8_t unused[6];
};

struct raw {
    struct insp_src *src;
    struct xsr_target target;
    uint64_t base; /* of page 0 in the file */
    uint64_t end;  /* pfn behind the last page that the guest has */
    uint64_t high; /* pfn behind the last one that was written */
    uint64_t n_pages;
    uint8_t *run; /* pages that wait to be written together */
    uint64_t run_pfn;
    size_t n_run;
    int staging; /* -1: pages go into the file at once */
    uint64_t n_staged;
    struct insp_index *index; /* for a core */
    struct insp_core *core;
};

/* ---- into the file ---------------------------------------------------------
 */

static int write_at(const struct raw *r, const uint8_t *p, size_t n,
                    uint64_t pfn, struct xsr_err *err)
{
    uint64_t at = r->base + pfn * XSR_PAGE_SIZE;

    while (n) {
        ssize_t done = pwrite(r->target.fd, p, n, (off_t)at);

        if (done < 0 && errno == EINTR) {
            if (xsr_fd_check_stop("writing memory", err))
                return -1;
            continue;
        }
        if (done < 0)
            return xsr_fail_sys(err, XSR_E_IO, errno,
                                "writing page 0x%llx to %s at offset %llu",
                                (unsigned long long)pfn, r->target.shown,
                                (unsigned long long)at);
        p += done;
        at += (uint64_t)done;
        n -= (size_t)done;
    }
    return 0;
}

static int flush_run(struct raw *r, struct xsr_err *err)
{
    size_t n = r->n_run;

    r->n_run = 0;
    return n ? write_at(r, r->run, n * XSR_PAGE_SIZE, r->run_pfn, err) : 0;
}

/* Not every file system can make holes; zeroes are as good, only larger. */
static int make_zero(struct raw *r, uint64_t pfn, struct xsr_err *err)
{
    static const uint8_t zero[XSR_PAGE_SIZE];

    if (pfn >= r->high)
        return 0;
    if (flush_run(r, err))
        return -1;
    if (!fallocate(r->target.fd, FALLOC_FL_PUNCH_HOLE | FALLOC_FL_KEEP_SIZE,
                   (off_t)(r->base + pfn * XSR_PAGE_SIZE), XSR_PAGE_SIZE))
        return 0;
    return write_at(r, zero, sizeof zero, pfn, err);
}

static int put_page(struct raw *r, uint64_t pfn, uint8_t type,
                    const uint8_t *content, bool zero, struct xsr_err *err)
{
    struct insp_page page = {.pfn = pfn, .type = type, .zero = zero};

    r->n_pages++;
    r->end = xsr_max(r->end, pfn + 1);
    if (r->index && insp_index_add(r->index, &page, err))
        return -1;
    if (!content)
        return 0; /* populated, its content undefined */
    if (zero)
        return make_zero(r, pfn, err);
    if (r->n_run && (r->n_run == RUN_PAGES || pfn != r->run_pfn + r->n_run) &&
        flush_run(r, err))
        return -1;
    if (!r->n_run)
        r->run_pfn = pfn;
    memcpy(r->run + r->n_run++ * XSR_PAGE_SIZE, content, XSR_PAGE_SIZE);
    r->high = xsr_max(r->high, pfn + 1);
    return 0;
}

/* ---- checkpoints ------------------------------------------------------------
 */

static int stage_page(struct raw *r, uint64_t pfn, uint8_t type,
                      const uint8_t *content, struct xsr_err *err)
{
    struct staged head = {.pfn = pfn, .type = type, .has_content = !!content};
    struct iovec iov[2] = {{&head, sizeof head},
                           {(void *)(uintptr_t)content, XSR_PAGE_SIZE}};

    r->n_staged++;
    return xsr_writev_all(r->staging, iov, content ? 2 : 1, "temporary file",
                          err);
}

/* The checkpoint is whole: its pages are the guest's. */
static int apply_staged(struct raw *r, struct xsr_err *err)
{
    uint8_t content[XSR_PAGE_SIZE];
    struct staged head;

    if (r->staging < 0)
        return xsr_open_temporary(&r->staging, err);
    if (lseek(r->staging, 0, SEEK_SET) < 0)
        return xsr_fail_sys(err, XSR_E_IO, errno, "temporary file");
    for (; r->n_staged; r->n_staged--)
        if (xsr_read_exact(r->staging, &head, sizeof head, "temporary file",
                           err) ||
            (head.has_content &&
             xsr_read_exact(r->staging, content, sizeof content,
                            "temporary file", err)) ||
            put_page(r, head.pfn, head.type, head.has_content ? content : NULL,
                     head.has_content && xsr_all_zero(content, sizeof content),
                     err))
            return -1;
    if (lseek(r->staging, 0, SEEK_SET) < 0 || ftruncate(r->staging, 0))
        return xsr_fail_sys(err, XSR_E_IO, errno, "temporary file");
    return 0;
}

/* ---- the walk ---------------------------------------------------------------
 */

static int on_page(void *ctx, const struct xsr_page_entry *entry,
                   const uint8_t *content, bool zero, struct xsr_err *err)
{
    struct raw *r = ctx;

    return r->staging >= 0
               ? stage_page(r, entry->pfn, entry->type, content, err)
               : put_page(r, entry->pfn, entry->type, content, zero, err);
}

static int on_pages(void *ctx, const struct insp *w,
                    const struct xsr_page_batch *batch, uint64_t offset,
                    struct xsr_err *err)
{
    struct raw *r = ctx;

    (void)offset;
    xsr_progress_report("extracting", w->n_pages, 0);
    if (w->verifying) /* a receiver compares them, it does not write */
        return insp_src_skip(r->src, (uint64_t)batch->n_data * XSR_PAGE_SIZE,
                             "PAGE_DATA", err);
    return insp_each_page(r->src, batch, on_page, r, err);
}

static int on_row(void *ctx, const struct insp *w, const struct insp_row *row,
                  struct xsr_err *err)
{
    struct raw *r = ctx;

    if (row->layer != INSP_LIBXC || row->bad.kind != XSR_E_OK)
        return 0;
    if (r->core && insp_core_take(r->core, w, row, err))
        return -1;
    if (r->core &&
        (row->type == XSR_XC3_CHECKPOINT || row->type == XSR_XC3_END))
        insp_core_commit(r->core);
    if (row->type == XSR_XC3_CHECKPOINT ||
        (row->type == XSR_XC3_END && r->staging >= 0))
        return apply_staged(r, err);
    return 0;
}

/* ---- before and after
 * -------------------------------------------------------- */

static int open_target(struct raw *r, const char *path, struct xsr_err *err)
{
    struct stat st;

    if (xsr_target_open(&r->target, path, err))
        return -1;
    /* standard output is for what is said of it */
    if (!strcmp(path, "-") || fstat(r->target.fd, &st) || !S_ISREG(st.st_mode))
        return xsr_fail(err, XSR_E_IO,
                        "%s: memory goes into a regular file, which can have "
                        "holes; name one",
                        r->target.shown);
    r->run = malloc(RUN_PAGES * XSR_PAGE_SIZE);
    return r->run ? 0 : xsr_fail(err, XSR_E_NOMEM, "no memory to copy pages");
}

static int finish(struct raw *r, const struct insp *w, struct xsr_err *err)
{
    if (!w->checkpointed && r->core)
        insp_core_commit(r->core); /* a cut image has no END to do it */
    if (flush_run(r, err) ||
        (r->core && (insp_index_sort(r->index, err) ||
                     insp_core_write(r->core, r->target.fd, r->index, err))))
        return -1;
    if (ftruncate(r->target.fd, (off_t)(r->base + r->end * XSR_PAGE_SIZE)))
        return xsr_fail_sys(
            err, XSR_E_IO, errno, "%s cannot have %llu bytes", r->target.shown,
            (unsigned long long)(r->base + r->end * XSR_PAGE_SIZE));
    return 0;
}

static void report(const struct raw *r, const struct insp *w, bool as_json,
                   const struct xsr_err *error)
{
    uint64_t size = r->base + r->end * XSR_PAGE_SIZE;
    size_t n_vcpus = r->core ? insp_core_vcpus(r->core) : 0;
    json_t *doc;

    if (as_json) {
        doc = json_pack("{s:s, s:s, s:I, s:I, s:I, s:b, s:o}", "file",
                        r->target.shown, "format", r->core ? "elf" : "raw",
                        "size", (json_int_t)size, "pages_written",
                        (json_int_t)r->n_pages, "vcpus", (json_int_t)n_vcpus,
                        "complete", (int)(w->done && !w->n_damaged), "salvage",
                        insp_salvage_json(w, error));
        json_dumpf(doc, stdout, JSON_INDENT(1));
        putchar('\n');
        json_decref(doc);
        return;
    }
    if (xsr_tool.quiet)
        return;
    printf("%s: %" PRIu64 " pages, %" PRIu64 " bytes with the holes",
           r->target.shown, r->n_pages, size);
    if (r->core)
        printf(", registers of %zu vCPU%s", n_vcpus, n_vcpus == 1 ? "" : "s");
    if (r->n_staged)
        printf("; %" PRIu64 " pages of an unfinished checkpoint left out",
               r->n_staged);
    putchar('\n');
    insp_salvage_text(w, error);
}

static int extract(struct raw *r, struct insp *w, const struct insp_options *o,
                   struct xsr_err *err)
{
    static const struct insp_listener listener = {on_row, on_pages, NULL};
    struct xsr_err later = XSR_ERR_INIT;
    int rc;

    xsr_progress_init(&r->src->in);
    rc = insp_walk(w, &listener, r, err);
    xsr_progress_fini();
    if (!rc)
        rc = insp_check_trailing(w, err);
    if (rc && (!o->salvage || !insp_is_damage(err)))
        return rc;
    if (finish(r, w, &later) || xsr_target_keep(&r->target, &later)) {
        *err = later;
        return -1;
    }
    report(r, w, o->json, err);
    if (fflush(stdout) && !rc)
        rc = xsr_fail(err, XSR_E_IO, "cannot write to standard output");
    return rc;
}

int insp_raw(struct insp_src *src, const struct insp_options *o,
             struct xsr_err *err)
{
    struct raw r = {.src = src, .target = XSR_TARGET_INIT, .staging = -1};
    struct insp w;
    int rc = -1;

    insp_init(&w, src);
    w.salvage = o->salvage;
    xsr_signals_begin(NULL);
    if (o->elf) {
        r.core = insp_core_new(err);
        r.index = r.core ? insp_index_new(err) : NULL;
        r.base = insp_core_memory_at();
    }
    if ((!o->elf || r.index) && !open_target(&r, o->elf ? o->elf : o->raw, err))
        rc = extract(&r, &w, o, err);
    xsr_signals_end();
    xsr_target_close(&r.target);
    xsr_close(&r.staging);
    insp_index_free(r.index);
    insp_core_free(r.core);
    free(r.run);
    insp_fini(&w);
    return rc;
}
