/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The listing of `xensr inspect`: a table for people, or one JSON document.
 * Both are written row by row while the walk goes on, so a damaged or endless
 * input costs no memory, and everything in front of the damage is shown. The
 * table's head needs the domain header: rows before it wait in a buffer.
 */
#include <inttypes.h>
#include <stdio.h>

#include "tools/inspect/inspect.h"

#define MAX_WAITING (16u << 10)

struct list {
    bool as_json, head_done, have_row;
    struct xsr_buf waiting; /* rows in front of the domain header */
};

static const char *const layer_names[] = {
    [INSP_XL] = "xl",
    [INSP_LIBXL] = "libxl",
    [INSP_LIBXC] = "libxc",
};

/* ---- JSON ---------------------------------------------------------------- */

static void print_json(json_t *take_value)
{
    json_dumpf(take_value, stdout, JSON_COMPACT | JSON_ENCODE_ANY);
    json_decref(take_value);
}

static json_t *config_json(const struct insp_guest *g)
{
    if (!g->known)
        return json_null();
    return json_pack("{s:s, s:s, s:s, s:I, s:i}", "name", g->name, "type",
                     g->type, "uuid", g->uuid, "memory_kb",
                     (json_int_t)g->memory_kb, "vcpus", (int)g->n_vcpus);
}

static json_t *image_json(const struct insp *w)
{
    if (!w->have_dhdr)
        return json_null();
    return json_pack(
        "{s:i, s:s, s:i, s:i, s:b, s:b}", "version", (int)w->ihdr.version,
        "guest", w->dhdr.guest == XSR_XC3_PV ? "pv" : "hvm", "xen_major",
        (int)w->dhdr.xen_major, "xen_minor", (int)w->dhdr.xen_minor,
        "converted", w->dhdr.xen_major == 0, "checkpointed",
        (int)w->checkpointed);
}

static void json_row(struct list *l, const struct insp_row *row,
                     const char *text, json_t *fields)
{
    json_t *obj = json_pack("{s:I, s:s, s:s, s:I, s:s}", "offset",
                            (json_int_t)row->offset, "layer",
                            layer_names[row->layer], "name", row->name,
                            "length", (json_int_t)row->len, "meaning", text);

    if (row->type < INSP_DOMAIN)
        json_object_set_new(obj, "type", json_integer(row->type));
    json_object_update(obj, fields);
    fputs(l->have_row ? ",\n  " : "\n  ", stdout);
    print_json(obj);
}

static void json_tail(const struct insp *w, const struct xsr_err *error)
{
    char where[XSR_ERR_TEXT + 40];
    json_t *err = json_null();

    if (error && error->kind != XSR_E_OK)
        err = json_pack("{s:s, s:s, s:o}", "kind", xsr_kind_name(error->kind),
                        "message", xsr_err_str(error, where, sizeof where),
                        "offset",
                        error->offset == XSR_NO_OFFSET
                            ? json_null()
                            : json_integer((json_int_t)error->offset));
    fputs("],\n \"format\": ", stdout);
    print_json(json_string(insp_format_name(w->format)));
    fputs(",\n \"configuration\": ", stdout);
    print_json(config_json(&w->guest));
    fputs(",\n \"image\": ", stdout);
    print_json(image_json(w));
    printf(",\n \"n_records\": %" PRIu64 ", \"pages_with_content\": %" PRIu64
           ", \"bytes\": %" PRIu64 ", \"trailing_bytes\": %" PRIu64
           ", \"complete\": %s,\n \"error\": ",
           w->n_records, w->n_pages, w->src->offset - w->trailing, w->trailing,
           w->done ? "true" : "false");
    print_json(err);
    fputs("}\n", stdout);
}

/* ---- table --------------------------------------------------------------- */

static void print_waiting(struct list *l)
{
    if (l->waiting.len)
        fwrite(l->waiting.p, 1, l->waiting.len, stdout);
    xsr_buf_clear(&l->waiting);
}

static void print_head(struct list *l, const struct insp *w)
{
    const struct insp_guest *g = &w->guest;

    if (l->head_done)
        return;
    l->head_done = true;
    printf("input   %s, %s%s\n", w->src->in.name, insp_format_name(w->format),
           w->src->in.zstd ? ", zstd-compressed" : "");
    if (g->known)
        printf("guest   \"%s\", %s, %" PRIu64 " MiB, %u vCPU%s, uuid %s\n",
               g->name, insp_guest_type(w), g->memory_kb >> 10, g->n_vcpus,
               g->n_vcpus == 1 ? "" : "s", g->uuid);
    if (w->have_dhdr && w->dhdr.xen_major)
        printf("image   version %u, %s, saved by Xen %u.%u\n", w->ihdr.version,
               insp_guest_type(w), w->dhdr.xen_major, w->dhdr.xen_minor);
    else if (w->have_dhdr)
        printf("image   version %u, %s, converted from a legacy image\n",
               w->ihdr.version, insp_guest_type(w));
    if (w->format == INSP_XL_FILE)
        printf("xl      flags 0x%x%s%s\n", w->xl.mandatory_flags,
               w->xl.mandatory_flags & XSR_XLFILE_JSON ? ", JSON" : "",
               w->xl.mandatory_flags & XSR_XLFILE_STREAM_V2 ? ", stream v2"
                                                            : "");
    printf("\n%14s  %-5s  %-22s %10s  %s\n", "OFFSET", "LAYER", "RECORD",
           "LENGTH", "MEANING");
    print_waiting(l);
}

static int table_row(struct list *l, const struct insp *w,
                     const struct insp_row *row, const char *text,
                     struct xsr_err *err)
{
    if (xsr_buf_printf(&l->waiting, err,
                       "%14" PRIu64 "  %-5s  %-22s %10u  %s\n", row->offset,
                       layer_names[row->layer], row->name, row->len, text))
        return -1;
    if (l->head_done) {
        print_waiting(l);
    } else if (w->have_dhdr || l->waiting.len > MAX_WAITING) {
        print_head(l, w);
    }
    return 0;
}

static void table_tail(struct list *l, const struct insp *w)
{
    if (w->format == INSP_UNKNOWN)
        return;
    print_head(l, w);
    if (!w->done)
        return;
    printf("\ncomplete: %" PRIu64 " bytes, %" PRIu64 " records, %" PRIu64
           " pages with content%s\n",
           w->src->offset - w->trailing, w->n_records, w->n_pages,
           w->checkpointed ? ", checkpointed" : "");
    if (w->trailing)
        printf("warning: %" PRIu64 " bytes follow behind END\n", w->trailing);
}

/* ---- both ---------------------------------------------------------------- */

static int on_row(void *ctx, const struct insp *w, const struct insp_row *row,
                  struct xsr_err *err)
{
    struct list *l = ctx;
    json_t *fields = l->as_json ? json_object() : NULL;
    char text[1024];
    int rc = 0;

    insp_describe(w, row, text, sizeof text, fields);
    if (fields)
        json_row(l, row, text, fields);
    else
        rc = table_row(l, w, row, text, err);
    json_decref(fields);
    l->have_row = true;
    if (!rc && ferror(stdout))
        return xsr_fail(err, XSR_E_IO, "cannot write to standard output");
    return rc;
}

int insp_list(struct insp_src *src, bool as_json, struct xsr_err *err)
{
    static const struct insp_listener listener = {.on_row = on_row};
    struct list l = {.as_json = as_json, .waiting = XSR_BUF_INIT};
    struct insp w;
    int rc;

    if (as_json)
        fputs("{\"records\": [", stdout);
    rc = insp_walk(&w, src, &listener, &l, err);
    if (!rc)
        rc = insp_check_trailing(&w, err);
    if (as_json)
        json_tail(&w, rc ? err : NULL);
    else
        table_tail(&l, &w);
    if (fflush(stdout) && !rc)
        rc = xsr_fail(err, XSR_E_IO, "cannot write to standard output");
    xsr_buf_fini(&l.waiting);
    insp_fini(&w);
    return rc;
}
