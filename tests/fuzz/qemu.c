/* SPDX-License-Identifier: LGPL-2.1-or-later */
/*
 * Fuzz target: QEMU's device state. Input: the blob. Whatever it is, it gets a
 * grade; the sections of a split lie inside it, one behind the other, and the
 * split is the same when the blob comes in pieces. The piix4acpi record is
 * searched for in the same bytes.
 */
#include <stdlib.h>

#include "lib/util.h"
#include "stream/limits.h"
#include "stream/qemu/piix4acpi.h"
#include "stream/qemu/qemu.h"
#include "tests/fuzz/support/fuzz.h"

static void split(struct xsr_qemu *q, const uint8_t *p, size_t n, size_t step)
{
    struct xsr_err err = XSR_ERR_INIT;

    xsr_qemu_init(q, FUZZ_BASE);
    for (size_t at = 0; at < n; at += step) {
        size_t piece = xsr_min(step, n - at);
        uint8_t *copy = fuzz_copy(p + at, piece);

        fuzz_good(xsr_qemu_feed(q, copy, piece, &err), &err);
        free(copy);
    }
    fuzz_good(xsr_qemu_end(q, &err), &err);
}

static void check_section(const struct xsr_qemu *q, size_t i)
{
    const struct xsr_qemu_section *s = &q->sections[i];
    uint64_t end = s->body + s->len + (s->footer ? 5 : 0);
    uint64_t next = i + 1 < q->n_sections ? q->sections[i + 1].offset : q->eof;

    need(s->body > s->offset && s->body + s->len >= s->body && end == next,
         "section %zu of %zu from %llu to %llu, the next at %llu", i,
         q->n_sections, (unsigned long long)s->body, (unsigned long long)end,
         (unsigned long long)next);
    need(*xsr_qemu_name(s) || s->name_at, "section %zu without name", i);
    need(s->name_at <= strlen(s->idstr), "name at %u", s->name_at);
    need(s->footer == (q->grade == XSR_QEMU_EXACT_FOOTERS) ||
             q->grade > XSR_QEMU_EXACT_DESCRIPTION,
         "footers in part");
}

static void check_grade(const struct xsr_qemu *q)
{
    size_t known = 0;

    need(*xsr_qemu_grade_name(q->grade) && *xsr_qemu_producer_name(q->producer),
         "a grade without name");
    for (size_t i = 0; i < q->n_sections; i++)
        known += q->sections[i].known;
    if (q->grade == XSR_QEMU_EXACT_LENGTHS)
        need(known == q->n_sections, "%zu of %zu lengths known", known,
             q->n_sections);
    if (q->grade >= XSR_QEMU_SUSPECT)
        fuzz_refused(&q->finding, FUZZ_BASE, (size_t)q->len);
    if (xsr_qemu_is_exact(q->grade))
        need(q->finding.kind == XSR_E_OK && q->n_sections, "exact, but: %s",
             q->finding.text);
}

static void check_split(const struct xsr_qemu *q, size_t size)
{
    uint64_t end = FUZZ_BASE + size;

    need(q->len == size, "%llu of %zu bytes", (unsigned long long)q->len, size);
    need(q->n_sections <= XSR_MAX_QEMU_SECTIONS &&
             q->n_subs <= XSR_MAX_QEMU_SECTIONS,
         "%zu sections, %zu subsections", q->n_sections, q->n_subs);
    need(q->window.cap <= 256u << 10 && q->head.cap <= 64u << 10,
         "%zu bytes are kept", q->window.cap);
    check_grade(q);
    if (q->grade == XSR_QEMU_MALFORMED) {
        need(!q->n_sections, "sections of what is no device state");
        return;
    }
    need(q->eof > FUZZ_BASE && q->eof < end, "end at %llu",
         (unsigned long long)q->eof);
    need(!q->desc_len || q->desc_offset + q->desc_len == end, "description");
    for (size_t i = 0; i < q->n_sections; i++)
        check_section(q, i);
}

static void check_same(const struct xsr_qemu *a, const struct xsr_qemu *b)
{
    need(a->grade == b->grade && a->producer == b->producer &&
             a->eof == b->eof && a->n_sections == b->n_sections &&
             a->n_subs == b->n_subs && !strcmp(a->machine, b->machine) &&
             !strcmp(a->finding.text, b->finding.text) &&
             a->desc_offset == b->desc_offset,
         "whole: %s, %zu sections, \"%s\"; in pieces: %s, %zu, \"%s\"",
         xsr_qemu_grade_name(a->grade), a->n_sections, a->finding.text,
         xsr_qemu_grade_name(b->grade), b->n_sections, b->finding.text);
    for (size_t i = 0; i < a->n_sections; i++)
        need(a->sections[i].offset == b->sections[i].offset &&
                 a->sections[i].len == b->sections[i].len &&
                 a->sections[i].known == b->sections[i].known,
             "section %zu is another one in pieces", i);
}

static void check_piix4(const uint8_t *p, size_t n)
{
    struct xsr_piix4acpi found;

    xsr_piix4acpi_find(p, n, &found);
    if (!found.found) {
        need(!xsr_piix4acpi_broken(&found), "broken, but not there");
        return;
    }
    need(found.at + 4 <= n && found.version_at + 4 <= n, "record at %llu",
         (unsigned long long)found.at);
    need(!found.len || found.len == XSR_PIIX4_SHORT ||
             found.len == XSR_PIIX4_LONG,
         "length %u", found.len);
    need(!(found.hint_agrees && found.hint_contradicts), "two hints");
    for (int force = 0; force < 2; force++) {
        uint32_t v =
            xsr_piix4acpi_fixed(&found, XSR_PIIX4_FOR_TRADITIONAL, force);

        need(v <= 3, "version %u", v);
        need(!v || v == found.version || found.len, "changed on no ground");
    }
}

/* Devices as split: describing them again must confirm the split. */
static void describe_itself(struct xsr_qemu *q)
{
    struct xsr_qemu_device *devs = calloc(q->n_sections + 1, sizeof *devs);
    enum xsr_qemu_grade before = q->grade;

    need(devs, "no memory");
    for (size_t i = 0; i < q->n_sections; i++)
        devs[i] = (struct xsr_qemu_device){
            q->sections[i].idstr, q->sections[i].instance, q->sections[i].len};
    xsr_qemu_describe(q, devs, q->n_sections);
    need(q->grade == XSR_QEMU_MALFORMED ||
             (q->grade <= XSR_QEMU_EXACT_DESCRIPTION && q->grade <= before),
         "described as it is, but %s", xsr_qemu_grade_name(q->grade));
    if (q->n_sections) {
        devs[0].len++;
        xsr_qemu_describe(q, devs, q->n_sections);
        need(q->grade == XSR_QEMU_MISMATCH, "a wrong description passes as %s",
             xsr_qemu_grade_name(q->grade));
    }
    free(devs);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct xsr_qemu whole, pieces;

    split(&whole, data, size, size ? size : 1);
    check_split(&whole, size);
    split(&pieces, data, size, 1 + size % 301);
    check_same(&whole, &pieces);
    check_piix4(data, size);
    describe_itself(&whole);
    xsr_qemu_fini(&whole);
    xsr_qemu_fini(&pieces);
    return 0;
}
