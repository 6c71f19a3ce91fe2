/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * The device model's state as a tree of sections, and which QEMU may have
 * written it: the file does not say, but versions of sections have grown. The
 * splitting itself is stream/qemu. docs/formats/qemu-state.md
 */
#include <stdio.h>

#include "lib/bytes.h"
#include "lib/util.h"
#include "stream/fields/fields.h"
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

/* "0000:00:01.3/piix4_pm" is on a PCI bus, "0000:00:01.2/1/usb-ptr" is not. */
static bool is_on_pci(const char *idstr)
{
    unsigned n[4];
    int end = 0;

    return sscanf(idstr, "%4x:%2x:%2x.%1x/%n", &n[0], &n[1], &n[2], &n[3],
                  &end) == 4 &&
           end && !strchr(idstr + end, '/');
}

/* Its fields, as far as they are known: of p[0..len), the body alone. */
static json_t *section_fields(const struct xsr_qemu_section *s,
                              const uint8_t *p, uint64_t len)
{
    /* the version of the part that all PCI devices have */
    bool on_pci = is_on_pci(s->idstr) && len >= 4 && xsr_be32(p) == 2;
    const struct xsr_layout *layout =
        xsr_layout_qemu(xsr_qemu_name(s), s->version, len, on_pci);

    return layout ? insp_fields(layout, p, len) : NULL;
}

static json_t *section_tree(const struct xsr_qemu *q, size_t i,
                            const struct insp_row *row)
{
    const struct xsr_qemu_section *s = &q->sections[i];
    uint64_t end = s->body + s->len, own_end = end;
    json_t *tree =
        json_pack("{s:I, s:I, s:I, s:I, s:b}", "offset", (json_int_t)s->offset,
                  "id", (json_int_t)s->id, "version", (json_int_t)s->version,
                  "length", (json_int_t)s->len, "known_length", (int)s->known);
    json_t *subs = json_array(), *fields = NULL;

    for (size_t j = 0; j < q->n_subs; j++)
        if (q->subs[j].offset >= s->body && q->subs[j].offset < end) {
            own_end = xsr_min(own_end, q->subs[j].offset);
            json_array_append_new(subs, json_string(q->subs[j].name));
        }
    if (s->body >= row->body_at && end <= row->body_at + row->body_len) {
        const uint8_t *p = row->body + (s->body - row->body_at);

        json_object_set_new(tree, "xxh3", insp_digest(p, s->len));
        fields = section_fields(s, p, own_end - s->body);
    }
    if (json_array_size(subs))
        json_object_set(tree, "subsections", subs);
    json_decref(subs);
    if (fields)
        json_object_set_new(tree, "fields", fields);
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
