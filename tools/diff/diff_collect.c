/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * One image on the way to a comparison: of each record the last one that a
 * restore would apply, of each page a digest of its last content. Of a stream
 * with checkpoints only whole ones count. Bodies are kept up to a limit, for
 * the fields in them; of what is beyond only digests are compared.
 */
#include <stdio.h>
#include <stdlib.h>
#define XXH_INLINE_ALL
#include <xxhash.h>

#include "lib/util.h"
#include "stream/blobs.h"
#include "tools/diff/diff.h"
#include "tools/tools.h"

#define KEEP_BODIES (64u << 20) /* of one image; 128 vCPUs have 10 MiB */
#define KEEP_STREAM (16u << 20) /* of the device model's state */

/* ---- records ---------------------------------------------------------------
 */

static void make_key(char *out, size_t out_len, const struct insp_row *row)
{
    bool has_id =
        row->layer == INSP_LIBXC && (row->type == XSR_XC3_X86_PV_VCPU_MSRS ||
                                     (row->type >= XSR_XC3_X86_PV_P2M_FRAMES &&
                                      row->type <= XSR_XC3_X86_PV_VCPU_XSAVE));

    if (has_id && row->body_len >= 4) /* of a vCPU, or the first pfn */
        snprintf(out, out_len, "%s/%u", row->name, xsr_le32(row->body));
    else if (row->type < INSP_DOMAIN && row->type & XSR_XC3_OPTIONAL)
        snprintf(out, out_len, "optional record 0x%x", row->type);
    else if (row->layer == INSP_LIBXL && row->type == INSP_HEADER)
        snprintf(out, out_len, "stream header");
    else if (row->layer == INSP_XL && row->type == INSP_HEADER)
        snprintf(out, out_len, "xl header");
    else
        snprintf(out, out_len, "%s", row->name);
}

static void free_rec(struct diff_rec *r)
{
    free(r->body);
    json_decref(r->tree);
    *r = (struct diff_rec){.key = ""};
}

/* A header has few fields, and none of them is a table's. */
static json_t *header_tree(const struct insp *w, const struct insp_row *row)
{
    json_t *tree = json_object();
    char text[1024];

    insp_describe(w, row, text, sizeof text, tree);
    return tree;
}

static int keep_rec(struct diff_side *s, const struct insp_row *row,
                    struct xsr_err *err)
{
    struct diff_rec *r = realloc(s->rec, (s->n + 1) * sizeof *r);

    if (!r)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for records");
    s->rec = r;
    r += s->n++;
    *r = (struct diff_rec){
        .layer = row->layer, .type = row->type, .len = row->len};
    make_key(r->key, sizeof r->key, row);
    if (row->body_len)
        r->digest = XXH3_64bits(row->body, row->body_len);
    if (row->type == INSP_HEADER || row->type == INSP_DOMAIN) {
        r->tree = header_tree(&s->w, row);
    } else if (s->have_q) {
        r->tree = insp_decode(&s->w, row, &s->q);
    } else if (row->body_len && s->kept + row->body_len <= KEEP_BODIES) {
        r->body = malloc(row->body_len);
        if (!r->body)
            return xsr_fail(err, XSR_E_NOMEM, "no memory for records");
        memcpy(r->body, row->body, row->body_len);
        r->body_len = row->body_len;
        s->kept += row->body_len;
    }
    return 0;
}

/* What came since the last time is the guest's: it replaces what it repeats. */
static int commit(struct diff_side *s, struct xsr_err *err)
{
    for (size_t i = s->n_whole; i < s->n; i++) {
        json_t *at = json_object_get(s->by_key, s->rec[i].key);
        struct diff_rec new_rec = s->rec[i];

        s->rec[i].body = NULL;
        s->rec[i].tree = NULL;
        if (at) {
            struct diff_rec *old = &s->rec[json_integer_value(at)];

            s->kept -= old->body_len;
            free_rec(old);
            *old = new_rec;
            continue;
        }
        s->rec[s->n_whole] = new_rec;
        if (json_object_set_new(s->by_key, new_rec.key,
                                json_integer((json_int_t)s->n_whole++)))
            return xsr_fail(err, XSR_E_NOMEM, "no memory for records");
    }
    s->n = s->n_whole;
    return 0;
}

const struct diff_rec *diff_find(const struct diff_side *side, const char *key)
{
    const json_t *at = json_object_get(side->by_key, key);

    return at ? &side->rec[json_integer_value(at)] : NULL;
}

/* ---- the walk ---------------------------------------------------------------
 */

static int on_emulator(void *ctx, const struct insp *w, uint64_t offset,
                       const uint8_t *p, size_t n, struct xsr_err *err)
{
    struct diff_side *s = ctx;

    (void)w;
    if (!s->have_q)
        xsr_qemu_init(&s->q, offset);
    s->have_q = true;
    return xsr_qemu_feed(&s->q, p, n, err);
}

static void drop_emulator(struct diff_side *s)
{
    if (s->have_q)
        xsr_qemu_fini(&s->q);
    s->have_q = false;
}

/* Frames without content, and pages, which have an index of their own. */
static bool is_compared(const struct insp_row *row)
{
    if (row->type >= INSP_DOMAIN)
        return true;
    if (row->layer == INSP_LIBXC && row->type == XSR_XC3_PAGE_DATA)
        return false;
    return row->len > 0;
}

static bool ends_a_state(const struct insp *w, const struct insp_row *row)
{
    if (row->layer == INSP_LIBXL)
        return row->type == XSR_XL2_END || row->type == XSR_XL2_CHECKPOINT_END;
    return row->layer == INSP_LIBXC &&
           (row->type == XSR_XC3_END ||
            (row->type == XSR_XC3_CHECKPOINT && w->format == INSP_LIBXC_IMAGE));
}

static int on_row(void *ctx, const struct insp *w, const struct insp_row *row,
                  struct xsr_err *err)
{
    struct diff_side *s = ctx;
    int rc = 0;

    if (s->have_q)
        rc = xsr_qemu_end(&s->q, err);
    if (!rc && is_compared(row))
        rc = keep_rec(s, row, err);
    drop_emulator(s);
    if (!rc && row->layer == INSP_LIBXC && row->type == XSR_XC3_CHECKPOINT)
        insp_index_commit(s->pages);
    if (!rc && ends_a_state(w, row))
        rc = commit(s, err);
    return rc;
}

static int on_pages(void *ctx, const struct insp *w,
                    const struct xsr_page_batch *batch, uint64_t offset,
                    struct xsr_err *err)
{
    struct diff_side *s = ctx;

    (void)offset;
    xsr_progress_report("reading", w->n_pages, 0);
    if (w->verifying)
        return insp_src_skip(&s->src, (uint64_t)batch->n_data * XSR_PAGE_SIZE,
                             "PAGE_DATA", err);
    return insp_index_batch(s->pages, &s->src, batch, err);
}

/* A stream with checkpoints has no end of its own: it breaks off. */
static bool is_whole(const struct diff_side *s, const struct xsr_err *err)
{
    return err->kind == XSR_E_OK ||
           (err->kind == XSR_E_EOF && s->w.n_checkpoints);
}

int diff_collect(struct diff_side *s, const char *path, struct xsr_err *err)
{
    static const struct insp_listener listener = {on_row, on_pages,
                                                  on_emulator};

    if (insp_src_open(&s->src, path, true, err))
        return -1;
    s->pages = insp_index_new(err);
    s->by_key = json_object();
    if (!s->pages || !s->by_key)
        return xsr_fail(err, XSR_E_NOMEM, "no memory for records");
    insp_init(&s->w, &s->src);
    s->w.keep = KEEP_STREAM;
    xsr_progress_init(&s->src.in);
    insp_walk(&s->w, &listener, s, err);
    xsr_progress_fini();
    if (err->kind == XSR_E_OK)
        insp_check_trailing(&s->w, err);
    if (!is_whole(s, err))
        return -1;
    xsr_err_clear(err);
    if (s->w.checkpointed && !s->w.done)
        insp_index_drop(s->pages);
    return insp_index_sort(s->pages, err);
}

void diff_side_fini(struct diff_side *s)
{
    for (size_t i = 0; i < s->n; i++)
        free_rec(&s->rec[i]);
    free(s->rec);
    s->rec = NULL;
    json_decref(s->by_key);
    insp_index_free(s->pages);
    drop_emulator(s);
    insp_fini(&s->w);
    insp_src_fini(&s->src);
}
