/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The guest in a few lines: who it is, what it has, who wrote the image. And
 * of a damaged image what is whole and what a restore would still have needed.
 * Both are known when the walk is over; the listing keeps its rows until then.
 */
#include <inttypes.h>
#include <stdio.h>

#include "lib/util.h"
#include "tools/inspect/report.h"

/* ---- the guest ------------------------------------------------------------
 */

static void print_model(const struct insp *w, const struct insp_summary *s)
{
    if (!s->emulator[0])
        return;
    printf("model   %s%s%s, %" PRIu64 " bytes in %zu section%s (%s)\n",
           s->emulator, w->guest.model[0] ? ", " : "", w->guest.model,
           s->emulator_len, s->n_sections, s->n_sections == 1 ? "" : "s",
           s->grade);
}

static void print_features(const struct insp *w)
{
    if (w->checkpointed)
        printf("with    Remus checkpoints: %" PRIu64
               " whole, a failover gets the last of them%s\n",
               w->n_checkpoints, w->verified ? "; a verify pass" : "");
    else if (w->verified)
        printf("with    a verify pass\n");
}

void insp_summary_text(const struct insp *w, const struct insp_summary *s)
{
    const struct insp_guest *g = &w->guest;

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
    print_model(w, s);
    print_features(w);
    if (w->format == INSP_XL_FILE)
        printf("xl      flags 0x%x%s%s\n", w->xl.mandatory_flags,
               w->xl.mandatory_flags & XSR_XLFILE_JSON ? ", JSON" : "",
               w->xl.mandatory_flags & XSR_XLFILE_STREAM_V2 ? ", stream v2"
                                                            : "");
}

json_t *insp_summary_json(const struct insp *w, const struct insp_summary *s)
{
    json_t *model = json_null();

    if (s->emulator[0])
        model = json_pack("{s:s, s:s, s:I, s:I, s:s}", "name", s->emulator,
                          "configured", w->guest.model, "length",
                          (json_int_t)s->emulator_len, "sections",
                          (json_int_t)s->n_sections, "split", s->grade);
    return json_pack("{s:s, s:o, s:b, s:b, s:I, s:b, s:b}", "type",
                     insp_guest_type(w), "device_model", model, "remus",
                     (int)w->checkpointed, "verify", (int)w->verified,
                     "checkpoints", (json_int_t)w->n_checkpoints, "compressed",
                     (int)w->src->in.zstd, "legacy",
                     (int)(w->have_dhdr && !w->dhdr.xen_major));
}

/* ---- what is lost ---------------------------------------------------------
 */

bool insp_is_damage(const struct xsr_err *err)
{
    return xsr_err_is_of_input(err) || err->kind == XSR_E_UNSUPPORTED;
}

static json_t *missing_image_records(const struct insp *w)
{
    static const struct {
        uint8_t type, guests;
    } needed[] = {
        {XSR_XC3_X86_PV_INFO, 1}, {XSR_XC3_X86_PV_P2M_FRAMES, 1},
        {XSR_XC3_PAGE_DATA, 3},   {XSR_XC3_X86_TSC_INFO, 3},
        {XSR_XC3_SHARED_INFO, 1}, {XSR_XC3_X86_PV_VCPU_BASIC, 1},
        {XSR_XC3_HVM_CONTEXT, 2}, {XSR_XC3_HVM_PARAMS, 2},
    };
    json_t *list = json_array();

    if (!w->have_dhdr)
        return list;
    for (size_t i = 0; i < XSR_ARRAY_LEN(needed); i++)
        if (needed[i].guests & (w->dhdr.guest == XSR_XC3_PV ? 1 : 2) &&
            !(w->xc_seen >> needed[i].type & 1))
            json_array_append_new(
                list, json_string(xsr_xc3_type_name(needed[i].type)));
    if (!w->checkpointed && !(w->xc_seen >> XSR_XC3_END & 1))
        json_array_append_new(list, json_string("END of the image"));
    return list;
}

/* Of the libxl layer; guests without a device model have no state of it. */
static void add_missing_stream_records(const struct insp *w, json_t *list)
{
    if (w->format == INSP_LIBXC_IMAGE || w->format == INSP_UNKNOWN)
        return;
    if (!(w->xl_seen >> XSR_XL2_LIBXC_CONTEXT & 1))
        json_array_append_new(list, json_string("LIBXC_CONTEXT"));
    if (w->guest.known && !strcmp(w->guest.type, "hvm") &&
        !(w->xl_seen >> XSR_XL2_EMULATOR_CONTEXT & 1))
        json_array_append_new(list, json_string("EMULATOR_CONTEXT"));
    if (!w->checkpointed && !(w->xl_seen >> XSR_XL2_END & 1))
        json_array_append_new(list, json_string("END of the stream"));
}

/* Of how many pages the headers speak; 0: of none. */
static uint64_t expected_pages(const struct insp *w)
{
    if (w->max_pfn)
        return w->max_pfn + 1;
    return w->guest.known ? w->guest.memory_kb / 4 : 0;
}

json_t *insp_salvage_json(const struct insp *w, const struct xsr_err *err)
{
    json_t *missing;

    if (err->kind == XSR_E_OK)
        return json_null();
    missing = missing_image_records(w);
    add_missing_stream_records(w, missing);
    return json_pack("{s:I, s:I, s:I, s:I, s:I, s:o}", "whole_records",
                     (json_int_t)(w->n_records - w->n_damaged),
                     "damaged_records", (json_int_t)w->n_damaged,
                     "whole_checkpoints", (json_int_t)w->n_checkpoints,
                     "pages_with_content", (json_int_t)w->n_pages,
                     "pages_expected", (json_int_t)expected_pages(w), "missing",
                     missing);
}

void insp_salvage_text(const struct insp *w, const struct xsr_err *err)
{
    json_t *tree = insp_salvage_json(w, err), *missing;
    size_t i;

    if (err->kind == XSR_E_OK || w->format == INSP_UNKNOWN) {
        json_decref(tree);
        return;
    }
    missing = json_object_get(tree, "missing");
    printf("\nwhole   %" PRIu64 " records, %" PRIu64 " pages with content",
           w->n_records - w->n_damaged, w->n_pages);
    if (expected_pages(w))
        printf("; the guest has about %" PRIu64 " pages", expected_pages(w));
    if (w->checkpointed)
        printf("; %" PRIu64 " checkpoints", w->n_checkpoints);
    printf("\nlost    ");
    for (i = 0; i < json_array_size(missing); i++)
        printf("%s%s", i ? ", " : "",
               json_string_value(json_array_get(missing, i)));
    if (!json_array_size(missing))
        printf("no kind of record that a restore needs");
    if (w->n_damaged)
        printf("; %" PRIu64 " damaged record%s", w->n_damaged,
               w->n_damaged == 1 ? "" : "s");
    putchar('\n');
    json_decref(tree);
}
