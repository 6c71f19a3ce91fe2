/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * What was found, as one JSON document. The same facts as report.c, with all
 * numbers; field names are stable.
 */
#include <jansson.h>
#include <stdio.h>

#include "lib/util.h"
#include "stream/xc3.h"
#include "tools/check/check.h"

static json_t *number(uint64_t n)
{
    return json_integer((json_int_t)n);
}

static json_t *text_or_null(const char *s)
{
    return s && *s ? json_string(s) : json_null();
}

static json_t *guest(const struct chk *c)
{
    const struct chk_facts *f = &c->f;

    return json_pack(
        "{s:s,s:o,s:o,s:o,s:o,s:o,s:o}", "type", chk_guest_name(c), "name",
        text_or_null(f->name), "uuid", text_or_null(f->uuid), "max_memkb",
        f->have_config ? number(f->max_memkb) : json_null(), "max_vcpus",
        f->have_config ? number(f->max_vcpus) : json_null(), "vcpus_with_state",
        number(f->n_states), "width",
        f->width ? number(f->width * 8u) : json_null());
}

static json_t *image(const struct chk *c)
{
    const struct chk_facts *f = &c->f;

    if (!f->have_image)
        return json_null();
    return json_pack(
        "{s:o,s:o,s:o,s:b,s:b,s:b,s:o,s:o,s:o,s:o,s:o}", "version",
        number(f->version), "xen_major", number(f->xen_major), "xen_minor",
        number(f->xen_minor), "live", f->live, "verify", f->verify,
        "checkpointed", f->checkpointed, "entries", number(f->n_entries),
        "contents", number(f->n_contents), "pages", number(f->n_pages),
        "cpuid_leaves", number(f->n_leaves), "msrs", number(f->n_msrs));
}

static json_t *emulator(const struct chk *c)
{
    if (!c->f.have_emulator)
        return json_null();
    return json_pack("{s:o,s:o,s:o}", "id", number(c->f.emulator), "producer",
                     text_or_null(c->f.qemu), "sections",
                     number(c->f.n_sections));
}

static json_t *findings(const struct chk *c)
{
    json_t *all = json_array();

    for (size_t i = 0; i < c->found.n_kept; i++) {
        const struct chk_finding *f = &c->found.kept[i];
        const struct chk_rule_row *r = &chk_rules[f->rule];

        json_array_append_new(
            all, json_pack("{s:s,s:s,s:s,s:o,s:s}", "rule", r->name, "severity",
                           chk_severity_name(r->severity), "layer",
                           chk_layer_name(r->layer), "offset",
                           number(f->offset), "text", f->text));
    }
    return all;
}

static json_t *counts(const struct chk *c)
{
    json_t *all = json_object();

    for (int i = 0; i < CHK_N_RULES; i++)
        if (c->found.n_of_rule[i])
            json_object_set_new(all, chk_rules[i].name,
                                number(c->found.n_of_rule[i]));
    return all;
}

static json_t *records(const struct chk *c)
{
    json_t *all = json_array();

    for (size_t i = 0; i < c->found.n_rows; i++) {
        const struct chk_row *r = &c->found.rows[i];
        char name[16];

        snprintf(name, sizeof name, "0x%x", r->type);
        json_array_append_new(
            all,
            json_pack("{s:s,s:s,s:o,s:o,s:o,s:o,s:o}", "layer",
                      chk_layer_name(r->layer), "record",
                      r->name ? r->name : name, "offset", number(r->offset),
                      "n", number(r->n), "length", number(r->len), "max_length",
                      number(r->max_len), "octets", number(r->octets)));
    }
    return all;
}

static json_t *checkpoints(const struct chk *c)
{
    json_t *list = json_array();

    for (uint64_t i = 0; i < xsr_min(c->found.n_cuts, CHK_MAX_CUTS); i++)
        json_array_append_new(
            list,
            json_pack("{s:o,s:o,s:o}", "end", number(c->found.cuts[i].end),
                      "contents", number(c->found.cuts[i].pages), "errors",
                      number(c->found.cuts[i].errors)));
    return json_pack(
        "{s:o,s:o,s:b,s:o}", "complete", number(c->found.n_cuts), "last_end",
        c->found.n_cuts ? number(c->last_cut.end) : json_null(), "failover",
        c->found.n_cuts && !c->last_cut.errors, "list", list);
}

static json_t *releases(const struct chk *c)
{
    static const char *const can[] = {"yes", "not promised", "no"};
    json_t *all = json_array();

    for (uint32_t r = CHK_FIRST_RELEASE; r <= CHK_LAST_RELEASE; r++) {
        json_t *why = json_array();
        struct chk_release one;
        char name[12];

        chk_release(c, r, &one);
        for (unsigned i = 0; i < CHK_MAX_WHY && one.why[i]; i++)
            json_array_append_new(why, json_string(one.why[i]));
        snprintf(name, sizeof name, "4.%u", r);
        json_array_append_new(all, json_pack("{s:s,s:s,s:o}", "xen", name,
                                             "can", can[one.can], "why", why));
    }
    return all;
}

void chk_report_json(const struct chk *c, int rc)
{
    bool restorable = c->f.have_image && !c->found.n[CHK_ERROR];
    json_t *mind = json_array();
    const char *text;
    json_t *doc;

    for (unsigned n = 0; (text = chk_caution(c, n)); n++)
        json_array_append_new(mind, json_string(text));
    doc = json_pack(
        "{s:s,s:o,s:s,s:i,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:o,s:b,"
        "s:o,s:o}",
        "input", c->src.in.name, "format", text_or_null(c->f.format), "verdict",
        chk_verdict(c), "exit", rc, "errors", number(c->found.n[CHK_ERROR]),
        "warnings", number(c->found.n[CHK_WARNING]), "notes",
        number(c->found.n[CHK_NOTE]), "findings", findings(c), "rules",
        counts(c), "lost_at",
        c->found.lost ? number(c->found.lost_at) : json_null(), "octets",
        number(chk_at(c)), "guest", guest(c), "image", image(c), "emulator",
        emulator(c), "records", records(c), "checkpoints",
        c->f.checkpointed ? checkpoints(c) : json_null(), "xensr_restore",
        restorable && !chk_we_refuse(c) && !c->f.checkpointed, "releases",
        restorable ? releases(c) : json_null(), "mind", mind);
    if (doc)
        json_dumpf(doc, stdout, JSON_INDENT(2));
    putchar('\n');
    json_decref(doc);
}
