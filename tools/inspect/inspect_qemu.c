/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model's state as a tree of sections, and which QEMU may have
 * written it: the file does not say, but versions of sections have grown. The
 * splitting itself is stream/qemu. docs/formats/qemu-state.md
 */
#include <stdio.h>

#include "lib/util.h"
#include "tools/inspect/report.h"

/* Releases before had a smaller version of that section. */
static const struct {
    const char *name;
    uint32_t version;
    const char *newer_than; /* of several the lowest row counts */
} growth[] = {
    {"mc146818rtc", 3, "1.0"},
    {"piix4_pm", 3, "1.0"},
    {"uhci", 3, "1.3"},
    {"rtl8139", 5, "2.6"},
};

void insp_qemu_version(const struct xsr_qemu *q, char *out, size_t out_len)
{
    const char *newer_than = NULL;

    if (q->producer != XSR_QEMU_UPSTREAM) {
        snprintf(out, out_len, "%s",
                 q->producer == XSR_QEMU_TRADITIONAL ? "QEMU traditional"
                                                     : "unknown emulator");
        return;
    }
    for (size_t g = 0; g < XSR_ARRAY_LEN(growth); g++)
        for (size_t i = 0; i < q->n_sections; i++)
            if (!strcmp(xsr_qemu_name(&q->sections[i]), growth[g].name) &&
                q->sections[i].version >= growth[g].version)
                newer_than = growth[g].newer_than;
    snprintf(out, out_len, newer_than ? "QEMU newer than %s" : "QEMU%s",
             newer_than ? newer_than : "");
}

static json_t *section_tree(const struct xsr_qemu *q, size_t i,
                            const struct insp_row *row)
{
    const struct xsr_qemu_section *s = &q->sections[i];
    uint64_t end = s->body + s->len;
    json_t *tree =
        json_pack("{s:I, s:I, s:I, s:I, s:b}", "offset", (json_int_t)s->offset,
                  "id", (json_int_t)s->id, "version", (json_int_t)s->version,
                  "length", (json_int_t)s->len, "known_length", (int)s->known);
    json_t *subs = json_array();

    if (s->body >= row->body_at && end <= row->body_at + row->body_len)
        json_object_set_new(
            tree, "xxh3",
            insp_digest(row->body + (s->body - row->body_at), s->len));

    for (size_t j = 0; j < q->n_subs; j++)
        if (q->subs[j].offset >= s->body && q->subs[j].offset < end)
            json_array_append_new(subs, json_string(q->subs[j].name));
    if (json_array_size(subs))
        json_object_set(tree, "subsections", subs);
    json_decref(subs);
    return tree;
}

json_t *insp_qemu_tree(const struct xsr_qemu *q, const struct insp_row *row)
{
    json_t *tree = json_object(), *sections = json_object();
    char version[64], key[300];

    insp_qemu_version(q, version, sizeof version);
    json_object_set_new(tree, "producer", json_string(version));
    json_object_set_new(tree, "split",
                        json_string(xsr_qemu_grade_name(q->grade)));
    if (q->finding.kind != XSR_E_OK)
        json_object_set_new(tree, "finding", json_string(q->finding.text));
    if (q->machine[0])
        json_object_set_new(tree, "machine", json_string(q->machine));
    json_object_set_new(tree, "length", json_integer((json_int_t)q->len));
    for (size_t i = 0; i < q->n_sections; i++) {
        snprintf(key, sizeof key, "%s/%u", q->sections[i].idstr,
                 q->sections[i].instance);
        json_object_set_new(sections, key, section_tree(q, i, row));
    }
    json_object_set_new(tree, "sections", sections);
    return tree;
}
