/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The listing of `xensr inspect`: a table for people, or one JSON document,
 * each row with its decoded content and its octets if that was asked for. The
 * table is kept back until the walk is over, since the summary stands in front
 * of it; long ones lie in a file meanwhile, so neither a large nor an endless
 * input costs memory. Everything in front of a damage is shown.
 */
#include <inttypes.h>
#include <stdio.h>
#include <strings.h>

#include "lib/util.h"
#include "tools/inspect/report.h"

/* Of a body that streams: what is shown of it. */
#define KEEP (16u << 20)

struct list {
    const struct insp_options *o;
    bool have_row;
    struct insp_spool spool;
    struct xsr_qemu q;
    bool have_q;
    struct insp_summary summary;
};

static const char *const layer_names[] = {
    [INSP_XL] = "xl",
    [INSP_LIBXL] = "libxl",
    [INSP_LIBXC] = "libxc",
};

/* "HVM_CONTEXT,hvm_params,0x80000001": is row one of them? */
static bool is_wanted(const char *records, const struct insp_row *row)
{
    const char *p = records;

    while (p && *p) {
        size_t n = strcspn(p, ",");
        char *end;
        unsigned long type = strtoul(p, &end, 0);

        if (strlen(row->name) == n && !strncasecmp(p, row->name, n))
            return true;
        if (n && end == p + n && row->type < INSP_DOMAIN && type == row->type)
            return true;
        p += n + (p[n] == ',');
    }
    return !records;
}

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

static void json_row(struct list *l, const struct insp *w,
                     const struct insp_row *row, const char *text,
                     json_t *fields)
{
    json_t *obj = json_pack("{s:I, s:s, s:s, s:I, s:s}", "offset",
                            (json_int_t)row->offset, "layer",
                            layer_names[row->layer], "name", row->name,
                            "length", (json_int_t)row->len, "meaning", text);
    json_t *tree =
        l->o->decode ? insp_decode(w, row, l->have_q ? &l->q : NULL) : NULL;

    if (row->type < INSP_DOMAIN)
        json_object_set_new(obj, "type", json_integer(row->type));
    json_object_update(obj, fields);
    if (row->bad.kind != XSR_E_OK)
        json_object_set_new(obj, "damaged", json_string(row->bad.text));
    if (row->resumed)
        json_object_set_new(obj, "resumed",
                            json_integer((json_int_t)row->resumed));
    if (tree)
        json_object_set_new(obj, "content", tree);
    if (l->o->hex && row->body_len)
        json_object_set_new(obj, "hex", insp_octets(row->body, row->body_len));
    fputs(l->have_row ? ",\n  " : "\n  ", stdout);
    print_json(obj);
    l->have_row = true;
}

static void json_tail(const struct list *l, const struct insp *w,
                      const struct xsr_err *error)
{
    char where[XSR_ERR_TEXT + 40];
    json_t *err = json_null();

    if (error->kind != XSR_E_OK)
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
    fputs(",\n \"summary\": ", stdout);
    print_json(insp_summary_json(w, &l->summary));
    printf(",\n \"n_records\": %" PRIu64 ", \"pages_with_content\": %" PRIu64
           ", \"bytes\": %" PRIu64 ", \"trailing_bytes\": %" PRIu64
           ", \"complete\": %s,\n \"error\": ",
           w->n_records, w->n_pages, w->src->offset - w->trailing, w->trailing,
           w->done && !w->n_damaged ? "true" : "false");
    print_json(err);
    fputs(",\n \"salvage\": ", stdout);
    print_json(insp_salvage_json(w, error));
    fputs("}\n", stdout);
}

/* ---- table --------------------------------------------------------------- */

static int table_row(struct list *l, const struct insp *w,
                     const struct insp_row *row, const char *text,
                     struct xsr_err *err)
{
    json_t *tree =
        l->o->decode ? insp_decode(w, row, l->have_q ? &l->q : NULL) : NULL;
    struct xsr_buf line = XSR_BUF_INIT;
    int rc;

    rc = xsr_buf_printf(&line, err, "%14" PRIu64 "  %-5s  %-22s %10u  %s\n",
                        row->offset, layer_names[row->layer], row->name,
                        row->len, text);
    if (!rc && tree)
        rc = insp_print_tree(&line, tree, 16, err);
    if (!rc)
        rc = insp_spool_put(&l->spool, line.p, line.len, err);
    if (!rc && l->o->hex)
        rc = insp_print_hex(&l->spool, row->body, row->body_len, row->body_at,
                            err);
    xsr_buf_fini(&line);
    json_decref(tree);
    return rc;
}

static int show_table(struct list *l, const struct insp *w,
                      const struct xsr_err *error, struct xsr_err *err)
{
    if (w->format == INSP_UNKNOWN)
        return 0;
    insp_summary_text(w, &l->summary);
    printf("\n%14s  %-5s  %-22s %10s  %s\n", "OFFSET", "LAYER", "RECORD",
           "LENGTH", "MEANING");
    if (insp_spool_show(&l->spool, err))
        return -1;
    insp_salvage_text(w, error);
    if (!w->done || w->n_damaged)
        return 0;
    printf("\ncomplete: %" PRIu64 " bytes, %" PRIu64 " records, %" PRIu64
           " pages with content%s\n",
           w->src->offset - w->trailing, w->n_records, w->n_pages,
           w->checkpointed ? ", checkpointed" : "");
    if (w->trailing)
        printf("warning: %" PRIu64 " bytes follow behind END\n", w->trailing);
    return 0;
}

/* ---- both ---------------------------------------------------------------- */

static int on_emulator(void *ctx, const struct insp *w, uint64_t offset,
                       const uint8_t *p, size_t n, struct xsr_err *err)
{
    struct list *l = ctx;

    (void)w;
    if (!l->have_q)
        xsr_qemu_init(&l->q, offset);
    l->have_q = true;
    return xsr_qemu_feed(&l->q, p, n, err);
}

/* id: of the record; the state itself may not be recognised. */
static int end_emulator(struct list *l, uint32_t id, struct xsr_err *err)
{
    struct insp_summary *s = &l->summary;

    if (!l->have_q)
        return 0;
    if (xsr_qemu_end(&l->q, err))
        return -1;
    if (l->q.n_sections)
        insp_qemu_version(&l->q, s->emulator, sizeof s->emulator);
    else
        snprintf(s->emulator, sizeof s->emulator, "%s",
                 id == XSR_QEMU_UPSTREAM      ? "QEMU"
                 : id == XSR_QEMU_TRADITIONAL ? "QEMU traditional"
                                              : "unknown emulator");
    snprintf(s->grade, sizeof s->grade, "%s", xsr_qemu_grade_name(l->q.grade));
    s->n_sections = l->q.n_sections;
    s->emulator_len = l->q.len;
    return 0;
}

static void drop_emulator(struct list *l)
{
    if (l->have_q)
        xsr_qemu_fini(&l->q);
    l->have_q = false;
}

static int show_row(struct list *l, const struct insp *w,
                    const struct insp_row *row, struct xsr_err *err)
{
    json_t *fields = l->o->json ? json_object() : NULL;
    char text[1024];
    int rc = 0;

    if (row->bad.kind != XSR_E_OK)
        snprintf(text, sizeof text,
                 row->resumed ? "DAMAGED: %s; the next record "
                                "was found at %" PRIu64
                              : "DAMAGED: %s",
                 row->bad.text, row->resumed);
    else
        insp_describe(w, row, text, sizeof text, fields);
    if (fields)
        json_row(l, w, row, text, fields);
    else
        rc = table_row(l, w, row, text, err);
    json_decref(fields);
    return rc;
}

static int on_row(void *ctx, const struct insp *w, const struct insp_row *row,
                  struct xsr_err *err)
{
    struct list *l = ctx;
    int rc = 0;

    if (row->layer == INSP_LIBXL && row->type == XSR_XL2_EMULATOR_CONTEXT)
        rc = end_emulator(l, row->body_len >= 4 ? xsr_le32(row->body) : 0, err);
    if (!rc && is_wanted(l->o->records, row))
        rc = show_row(l, w, row, err);
    drop_emulator(l);
    if (!rc && ferror(stdout))
        return xsr_fail(err, XSR_E_IO, "cannot write to standard output");
    return rc;
}

int insp_list(struct insp_src *src, const struct insp_options *o,
              struct xsr_err *err)
{
    static const struct insp_listener listener = {.on_row = on_row,
                                                  .on_emulator = on_emulator};
    struct list l = {.o = o, .spool = INSP_SPOOL_INIT};
    struct xsr_err later = XSR_ERR_INIT;
    struct insp w;
    int rc;

    insp_init(&w, src);
    w.salvage = o->salvage;
    w.keep = o->hex || o->decode ? KEEP : 0;
    if (o->json)
        fputs("{\"records\": [", stdout);
    rc = insp_walk(&w, &listener, &l, err);
    if (!rc)
        rc = insp_check_trailing(&w, err);
    if (o->json)
        json_tail(&l, &w, err);
    else if (show_table(&l, &w, err, &later) && !rc)
        rc = xsr_fail(err, later.kind, "%s", later.text);
    if (fflush(stdout) && !rc)
        rc = xsr_fail(err, XSR_E_IO, "cannot write to standard output");
    drop_emulator(&l);
    insp_spool_fini(&l.spool);
    insp_fini(&w);
    return rc;
}
